"""UMAP (10 dimensions, 20 neighbours), then a Gaussian mixture: what such tables are clustered with today.

    python results/own/umap_mixture.py DATA_DIR > results/own/umap.json

needs umap-learn, scikit-learn and pandas. Seeds 0 to 4; ACC in per cent under the best matching.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
import umap
from scipy.optimize import linear_sum_assignment
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

SETS = ["optdigits", "pendigits", "iris", "wine", "breast_cancer"]


def accuracy(labels, clusters):
    table = np.zeros((labels.max() + 1, clusters.max() + 1), int)
    np.add.at(table, (labels, clusters), 1)
    rows, columns = linear_sum_assignment(-table)
    return 100.0 * table[rows, columns].sum() / len(labels)


def main():
    result = {"umap": umap.__version__, "scikit-learn": sklearn.__version__, "acc": {}}
    for name in SETS:
        table = pd.read_csv(Path(sys.argv[1]) / "own" / f"{name}.csv")
        labels = pd.factorize(table["class"])[0]
        raw = table.drop(columns="class").to_numpy(float)
        for scale, x in [("raw", raw), ("standardised", StandardScaler().fit_transform(raw))]:
            scores = []
            for seed in range(5):
                z = umap.UMAP(n_components=10, n_neighbors=20, random_state=seed).fit_transform(x)
                mixture = GaussianMixture(labels.max() + 1, n_init=5, random_state=seed)
                scores.append(round(accuracy(labels, mixture.fit_predict(z)), 2))
            result["acc"].setdefault(name, {})[scale] = scores
            print(name, scale, scores, file=sys.stderr, flush=True)
    json.dump(result, sys.stdout, indent=1)
    print()


main()
