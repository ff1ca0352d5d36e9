"""Fits on 80 % of the rows of each table and predicts the other 20 %.

    python results/own/holdout.py target/debug/vae ../shared/datasets/own > results/own/holdout.json

Arguments: the program, the folder of the tables, and perhaps methods (auto by default). Each table is split at random by
the seed 0; clusters are named by the best one-to-one matching with the classes of the fitted rows, and the same names score
the rows that were held out. Standard error of a share: of n held-out rows with accuracy a, sqrt(a (1 - a) / n).
Needs numpy and scipy.
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from scipy.optimize import linear_sum_assignment

TABLES = {"optdigits": 10, "pendigits": 10, "iris": 3, "wine": 3, "breast_cancer": 2}


def clusters(path):
    with open(path, newline="") as file:
        return np.array([int(row["cluster"]) for row in csv.DictReader(file)])


def main():
    vae, folder, *methods = sys.argv[1:]
    out = []
    for name, k in TABLES.items():
        header, *rows = list(csv.reader(open(pathlib.Path(folder) / f"{name}.csv", newline="")))
        at = header.index("class")
        order = np.random.default_rng(0).permutation(len(rows))
        n_fit = int(0.8 * len(rows))
        classes = sorted({row[at] for row in rows})
        y = np.array([classes.index(rows[i][at]) for i in order])
        for method in methods or ["auto"]:
            with tempfile.TemporaryDirectory() as place:
                for part, chosen in (("fit", order[:n_fit]), ("new", order[n_fit:])):
                    with open(f"{place}/{part}.csv", "w", newline="") as file:
                        csv.writer(file).writerows([header] + [rows[i] for i in chosen])
                options = ["--method", method, "--clusters", str(k), "--label-column", "class"]
                fit = [vae, "fit", "--data", f"{place}/fit.csv", "--out", f"{place}/run", "--threads", "1"]
                subprocess.run(fit + options, check=True, capture_output=True)
                predict = [vae, "predict", "--model", f"{place}/run", "--data", f"{place}/new.csv"]
                predict += ["--out", f"{place}/new-clusters.csv", "--label-column", "class"]
                subprocess.run(predict, check=True, capture_output=True)
                fitted, new = clusters(f"{place}/run/assignments.csv"), clusters(f"{place}/new-clusters.csv")
            table = np.zeros((k, len(classes)), int)
            np.add.at(table, (fitted, y[:n_fit]), 1)
            name_of = dict(zip(*linear_sum_assignment(-table)))
            acc = [float(np.mean([name_of.get(c) == t for c, t in zip(*pair)]))
                   for pair in ((fitted, y[:n_fit]), (new, y[n_fit:]))]
            row = {"table": name, "method": method, "seed": 0, "fitted_rows": n_fit, "fitted_acc": round(acc[0], 4),
                   "new_rows": len(rows) - n_fit, "new_acc": round(acc[1], 4)}
            row["standard_error"] = round((acc[1] * (1 - acc[1]) / row["new_rows"]) ** 0.5, 4)
            print(json.dumps(row), file=sys.stderr)
            out.append(row)
    print("[\n" + ",\n".join("  " + json.dumps(row) for row in out) + "\n]")


main()
