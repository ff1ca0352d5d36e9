"""Makes the two tables of the tutorial, drawn at random: nobody's customers.

    python docs/src/tutorial/make_customers.py

Writes customers.csv (600 rows of four groups) and new-customers.csv (80 rows, half of them of one group, five far from
all) beside this file. Needs the standard library only; the same bytes each time.
"""

import csv
import random
from pathlib import Path

COLUMNS = ["id", "age", "income (EUR)", "visits", "basket (EUR)", "region"]
REGIONS = ["north", "east", "south", "west"]

# Of each group: mean and deviation of age and of the logarithms of income, visits a month and basket, weights of the
# regions.
GROUPS = [
    {"age": (24, 3.0), "income": (9.8, 0.18), "visits": (2.0, 0.20), "basket": (2.6, 0.20), "at": [1, 8, 1, 1]},
    {"age": (41, 4.0), "income": (10.7, 0.15), "visits": (1.2, 0.20), "basket": (4.5, 0.20), "at": [1, 1, 8, 1]},
    {"age": (54, 4.5), "income": (11.6, 0.18), "visits": (0.4, 0.25), "basket": (5.6, 0.22), "at": [1, 1, 1, 8]},
    {"age": (70, 4.0), "income": (10.2, 0.15), "visits": (2.5, 0.20), "basket": (3.2, 0.20), "at": [8, 1, 1, 1]},
]


def row(rng, name, group, missing=0.03):
    g = GROUPS[group]
    log = lambda key: 2.718281828459045 ** rng.gauss(*g[key])
    cells = [
        f"{rng.gauss(*g['age']):.0f}",
        f"{log('income'):.0f}",
        f"{log('visits'):.1f}",
        f"{log('basket'):.2f}",
        rng.choices(REGIONS, g["at"])[0],
    ]
    return [name] + ["" if rng.random() < missing else cell for cell in cells]


def write(name, rows):
    with open(Path(__file__).with_name(name), "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        out.writerows(rows)


def main():
    rng = random.Random(7)
    groups = rng.choices(range(4), [0.32, 0.28, 0.15, 0.25], k=600)
    write("customers.csv", [row(rng, f"C{i:04}", g) for i, g in enumerate(groups, 1)])
    groups = rng.choices(range(4), [0.15, 0.15, 0.5, 0.2], k=75)
    new = [row(rng, f"N{i:03}", g, missing=0.0) for i, g in enumerate(groups, 1)]
    # Young people with many large baskets, who are of none of the four.
    new += [[f"N{i:03}", str(19 + i % 3), str(150000 + 9000 * i), "30.0", "900.00", "east"] for i in range(76, 81)]
    write("new-customers.csv", new)


main()
