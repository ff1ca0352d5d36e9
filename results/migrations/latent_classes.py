"""Runs of `feature-partition` 1 to 2, where 2 makes the same partition.

Revision 2 gives latent classes to a table with at least three categories, and leaves all other features as they were. A run file has no
list of columns, but the tables of results/own have numbers alone. This script was run once, on their runs:

    python3 results/migrations/latent_classes.py TABLES results/own/runs/*.json

TABLES is the folder of the tables. It writes the new number where every column of the table but the class holds numbers, names the
runs where one does not, and changes no other key.
"""

import csv
import re
import sys
from pathlib import Path

import json

OLD, NEW = '"feature-partition": 1', '"feature-partition": 2'


def is_of_numbers(path):
    """Whether every cell but that of the class is a number."""
    def is_number(text):
        try:
            float(text)
        except ValueError:
            return False
        return True

    with open(path) as file:
        return all(is_number(cell) for row in csv.DictReader(file) for name, cell in row.items() if name != "class")


def main():
    tables, known, n_written = Path(sys.argv[1]), {}, 0
    for path in map(Path, sys.argv[2:]):
        text = path.read_text()
        if not re.search(OLD + r"\b", text):
            continue
        name = json.loads(text)["dataset"]
        if name not in known:
            known[name] = is_of_numbers(tables / f"{name.replace('-', '_')}.csv")
        if not known[name]:
            print(f"{path}: to be made anew")
            continue
        path.write_text(re.sub(OLD + r"\b", NEW, text))
        n_written += 1
    print(f"{n_written} runs")


if __name__ == "__main__":
    main()
