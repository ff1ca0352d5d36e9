"""Golden values for vae-metrics, from scikit-learn and SciPy.

    python -m venv venv && venv/bin/pip install scikit-learn
    venv/bin/python make.py

writes scores.json, silhouette.json and criteria.json beside itself, with the versions used.
"""

import json
import os
import platform
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy import stats
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


def dense_cases():
    """Scores from centroids of the points in silhouette.json, in their order."""
    for name, x, clusters in silhouette_cases():
        yield {
            "name": name,
            "calinski_harabasz": metrics.calinski_harabasz_score(x, clusters),
            "davies_bouldin": metrics.davies_bouldin_score(x, clusters),
        }


def spearman_cases():
    rng = np.random.default_rng(6)
    for name, n, values in [("no ties", 30, 10**6), ("ties", 40, 6), ("mostly ties", 25, 2)]:
        left = rng.integers(values, size=n) / 8
        right = np.round(left + rng.integers(values, size=n) / 8, 1)
        yield {"name": name, "left": left, "right": right, "expected": stats.spearmanr(left, right).statistic}


def posterior_cases():
    rng = np.random.default_rng(7)
    for name, n, k, sharpness in [("sure", 20, 3, 8.0), ("unsure", 30, 5, 0.5)]:
        logits = rng.normal(size=(n, k)) * sharpness
        gamma = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        yield {
            "name": name,
            "gamma": gamma,
            "mean_entropy": stats.entropy(gamma, axis=1).mean(),
            "share_entropy": stats.entropy(gamma.mean(axis=0)),
            "smallest_share": gamma.mean(axis=0).min(),
        }


def runs_cases():
    """Mean pairwise scores of runs that share labels but for noise."""
    rng = np.random.default_rng(8)
    labels = rng.integers(4, size=60)
    for name, noise in [("stable", 0.1), ("unstable", 0.6)]:
        runs = [np.where(rng.random(60) < noise, rng.integers(4, size=60), rng.permutation(4)[labels]) for _ in range(5)]
        pairs = [(a, b) for i, a in enumerate(runs) for b in runs[:i]]
        ari = [[metrics.adjusted_rand_score(a, b) for b in runs] for a in runs]
        to_others = (np.sum(ari, axis=1) - 1) / (len(runs) - 1)
        yield {
            "name": name,
            "runs": runs,
            "ari": ari,
            "mean_nmi": np.mean([metrics.normalized_mutual_info_score(a, b) for a, b in pairs]),
            "medoid": int(to_others.argmax()),
        }


def write(name, cases):
    def plain(value):
        return value.tolist() if hasattr(value, "tolist") else str(value)

    lists = cases if isinstance(cases, dict) else {"cases": cases}
    text = json.dumps({"versions": VERSIONS, **lists}, default=plain, separators=(",", ":"))
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
write(
    "criteria.json",
    {
        "dense": list(dense_cases()),
        "spearman": list(spearman_cases()),
        "posteriors": list(posterior_cases()),
        "runs": list(runs_cases()),
    },
)
