"""Writes golden.json: k-means and diagonal mixtures as scikit-learn fits them from given starts.

    python3 -m venv venv && venv/bin/pip install scikit-learn==1.9.1 numpy==2.4.6
    venv/bin/python make.py

The data come from a formula that needs no generator, so the Rust test builds the same rows.
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

N, D, K = 240, 3, 4


def rows():
    """Integers over 64: exact in f32. Four groups, overlapping."""
    i, j = np.meshgrid(np.arange(N), np.arange(D), indexing="ij")
    noise = (i * i * 31 + i * j * 17 + i * 7 + j * j * 13) % 257 + (i * 57 + j * 91 + i * i * j) % 193
    return ((i % K) * (j + 1) * 48 + noise) / 64.0


x = rows()
start = x[:K]

kmeans = KMeans(K, init=start, n_init=1, tol=0, max_iter=300, algorithm="lloyd").fit(x)

golden = {
    "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
    "kmeans": {
        "centres": kmeans.cluster_centers_.tolist(),
        "labels": kmeans.labels_.tolist(),
        "inertia": kmeans.inertia_,
    },
    "gmm": [],
}
for max_iter, reg in [(1, 1e-6), (40, 1e-6), (40, 0.5)]:
    gmm = GaussianMixture(
        K,
        covariance_type="diag",
        tol=0,
        reg_covar=reg,
        max_iter=max_iter,
        weights_init=np.full(K, 1 / K),
        means_init=start,
        precisions_init=np.tile(1 / x.var(axis=0), (K, 1)),
    ).fit(x)
    golden["gmm"].append(
        {
            "max_iter": max_iter,
            "reg_covar": reg,
            "pi": gmm.weights_.tolist(),
            "mu": gmm.means_.tolist(),
            "var": gmm.covariances_.tolist(),
            "mean_log_likelihood": gmm.score(x),
            "bic": gmm.bic(x),
            "aic": gmm.aic(x),
            "gamma_of_first_rows": gmm.predict_proba(x[:5]).tolist(),
            "log_likelihood_of_first_rows": gmm.score_samples(x[:5]).tolist(),
        }
    )

text = json.dumps(golden, indent=1)
(Path(__file__).parent / "golden.json").write_text(text + "\n")
