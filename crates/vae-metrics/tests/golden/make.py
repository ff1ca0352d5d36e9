"""Golden values for vae-metrics, from scikit-learn and SciPy.

    python -m venv venv && venv/bin/pip install scikit-learn
    venv/bin/python make.py

writes scores.json and silhouette.json beside itself, with the versions used.
"""

import json
import os
import platform
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy.optimize import linear_sum_assignment
from sklearn import metrics
from sklearn.metrics.cluster import contingency_matrix

HERE = Path(__file__).parent
VERSIONS = {
    "python": platform.python_version(),
    "numpy": np.__version__,
    "scipy": scipy.__version__,
    "scikit-learn": sklearn.__version__,
}


def scores(clusters, labels):
    table = contingency_matrix(clusters, labels)  # rows clusters, columns classes
    rows, columns = linear_sum_assignment(table, maximize=True)
    nmi = {
        average: metrics.normalized_mutual_info_score(labels, clusters, average_method=average)
        for average in ("arithmetic", "geometric", "max", "min")
    }
    homogeneity, completeness, v_measure = metrics.homogeneity_completeness_v_measure(labels, clusters)
    return {
        "acc": table[rows, columns].sum() / len(labels),
        "purity": table.max(axis=1).sum() / len(labels),
        "nmi": nmi,
        "ami": metrics.adjusted_mutual_info_score(labels, clusters),
        "ari": metrics.adjusted_rand_score(labels, clusters),
        "homogeneity": homogeneity,
        "completeness": completeness,
        "v_measure": v_measure,
        "counts": table.tolist(),
    }


def noisy(rng, n, n_clusters, n_classes, noise, skew=0.0):
    """Labels with class shares proportional to exp(-skew * class), clusters that follow them except for noise."""
    shares = np.exp(-skew * np.arange(n_classes))
    labels = rng.choice(n_classes, size=n, p=shares / shares.sum())
    follow = rng.permutation(max(n_clusters, n_classes))[labels] % n_clusters
    clusters = np.where(rng.random(n) < noise, rng.integers(n_clusters, size=n), follow)
    return clusters, labels


def score_cases():
    rng = np.random.default_rng(20240229)
    each = np.arange(40)
    yield "one point", [0], [0]
    yield "sheet, purity both ways", [0, 0, 1, 1], [0, 0, 0, 1]
    yield "sheet, more clusters", [0, 1, 2, 2], [0, 0, 0, 1]
    yield "sheet, fewer clusters", [0, 0, 0, 1], [0, 1, 2, 2]
    yield "constant clusters", [0] * 9, [0, 0, 0, 0, 1, 1, 1, 2, 2]
    yield "constant labels", [0, 0, 0, 1, 1, 2, 2, 2, 3], [0] * 9
    yield "both constant", [0] * 5, [0] * 5
    yield "singletons, labels of 4", each, each % 4
    yield "4 clusters, singleton labels", each % 4, each
    yield "singletons twice", each, rng.permutation(40)
    yield "equal up to names", each % 5, (each % 5 + 2) % 5
    yield "independent by construction", each % 2, (each // 2) % 2
    yield "names with gaps", np.array([7, 4_000_000_000, 12])[each % 3], np.array([0, 4_294_967_295])[each // 25]
    yield "10x10", *noisy(rng, 2000, 10, 10, 0.2)
    yield "10x10, skewed", *noisy(rng, 2000, 10, 10, 0.3, skew=0.5)
    yield "16x10", *noisy(rng, 1500, 16, 10, 0.4)
    yield "30x10, skewed", *noisy(rng, 1500, 30, 10, 0.5, skew=0.3)
    yield "4x10", *noisy(rng, 1000, 4, 10, 0.1)
    yield "10x10, no relation", *noisy(rng, 1000, 10, 10, 1.0)
    yield "100x3, no relation", *noisy(rng, 500, 100, 3, 1.0)
    yield "2x2, one rare", *noisy(rng, 1200, 2, 2, 0.02, skew=4.0)


def silhouette_cases():
    rng = np.random.default_rng(5)
    for name, n, d, k, spread in [
        ("apart", 60, 2, 3, 0.2),
        ("overlapping", 80, 5, 4, 2.0),
        ("one dimension", 30, 1, 2, 0.5),
        ("more dimensions than points", 24, 64, 3, 1.0),
    ]:
        clusters = np.arange(n) % k
        x = rng.normal(size=(k, d))[clusters] * 2 + rng.normal(size=(n, d)) * spread
        yield name, np.round(x, 3), clusters
    clusters = np.array([0] * 10 + [1] * 5 + [2])
    yield "with a singleton", np.round(rng.normal(size=(16, 3)), 3), clusters
    x = np.repeat(np.round(rng.normal(size=(4, 2)), 3), 3, axis=0)
    yield "repeated points", x, np.arange(12) // 6


def write(name, cases):
    def plain(value):
        return value.tolist() if hasattr(value, "tolist") else str(value)

    text = json.dumps({"versions": VERSIONS, "cases": cases}, default=plain, separators=(",", ":"))
    text = text.replace('{"name"', '\n{"name"')
    beside = HERE / (name + ".tmp")
    beside.write_text(text + "\n")
    os.replace(beside, HERE / name)


write(
    "scores.json",
    [
        {"name": name, "clusters": clusters, "labels": labels, "expected": scores(clusters, labels)}
        for name, clusters, labels in score_cases()
    ],
)
write(
    "silhouette.json",
    [
        {"name": name, "x": x, "clusters": clusters, "expected": metrics.silhouette_samples(x, clusters)}
        for name, x, clusters in silhouette_cases()
    ],
)
