"""Fits on 80 % of the rows of each table and predicts the other 20 %.

    python results/own/holdout.py target/debug/vae ../shared/datasets/own > results/own/holdout.json

Arguments: the program, the folder of the tables, and perhaps methods (spectral and auto by default). Tables below 1,000 rows
are split at random ten times (seeds 0 to 9), since one split leaves 30 to 114 rows to predict; the others twice. Clusters
are named by the best one-to-one matching with the classes of the fitted rows, and the same names score the rows that were
held out. The standard error is that of the mean difference over the splits. Needs numpy and scipy.
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from scipy.optimize import linear_sum_assignment

TABLES = {"iris": 3, "wine": 3, "breast_cancer": 2, "optdigits": 10, "pendigits": 10}


def clusters(path):
    with open(path, newline="") as file:
        return np.array([int(row["cluster"]) for row in csv.DictReader(file)])


def one_split(vae, table, k, method, seed):
    """Accuracy of the fitted rows, and of those that were held out."""
    header, *rows = table
    at = header.index("class")
    order = np.random.default_rng(seed).permutation(len(rows))
    n_fit = int(0.8 * len(rows))
    classes = sorted({row[at] for row in rows})
    y = np.array([classes.index(rows[i][at]) for i in order])
    with tempfile.TemporaryDirectory() as place:
        for part, chosen in (("fit", order[:n_fit]), ("new", order[n_fit:])):
            with open(f"{place}/{part}.csv", "w", newline="") as file:
                csv.writer(file).writerows([header] + [rows[i] for i in chosen])
        options = ["--method", method, "--clusters", str(k), "--label-column", "class", "--seed", str(seed)]
        fit = [vae, "fit", "--data", f"{place}/fit.csv", "--out", f"{place}/run", "--threads", "1", "--no-cache"]
        subprocess.run(fit + options, check=True, capture_output=True)
        predict = [vae, "predict", "--model", f"{place}/run", "--data", f"{place}/new.csv"]
        predict += ["--out", f"{place}/new-clusters.csv", "--label-column", "class"]
        subprocess.run(predict, check=True, capture_output=True)
        fitted, new = clusters(f"{place}/run/assignments.csv"), clusters(f"{place}/new-clusters.csv")
    counts = np.zeros((k, len(classes)), int)
    np.add.at(counts, (fitted, y[:n_fit]), 1)
    name_of = dict(zip(*linear_sum_assignment(-counts)))
    return [float(np.mean([name_of.get(c) == t for c, t in zip(*pair)])) for pair in ((fitted, y[:n_fit]), (new, y[n_fit:]))]


def main():
    vae, folder, *methods = sys.argv[1:]
    out = []
    for name, k in TABLES.items():
        with open(pathlib.Path(folder) / f"{name}.csv", newline="") as file:
            table = list(csv.reader(file))
        n_splits = 10 if len(table) <= 1000 else 2
        for method in methods or ["spectral", "auto"]:
            acc = np.array([one_split(vae, table, k, method, seed) for seed in range(n_splits)])
            difference = acc[:, 1] - acc[:, 0]
            row = {"table": name, "method": method, "splits": n_splits, "fitted_acc": round(acc[:, 0].mean(), 4),
                   "new_acc": round(acc[:, 1].mean(), 4), "difference": round(difference.mean(), 4),
                   "standard_error": round(difference.std(ddof=1) / n_splits**0.5, 4)}
            print(json.dumps(row), file=sys.stderr)
            out.append(row)
    print("[\n" + ",\n".join("  " + json.dumps(row) for row in out) + "\n]")


main()
