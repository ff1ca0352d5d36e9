"""Plots a run folder of `vae fit`: losses, the latent codes, how sure and how unusual the samples are.

    pip install pandas matplotlib
    python plot.py RUN [OUT.png]

Needs no part of this project but the files of the folder.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd


def read(run: Path):
    """The history of the phases, a row an epoch, and the assignments, a row a sample."""
    history = pd.DataFrame()
    if (run / "history.jsonl").stat().st_size > 0:
        history = pd.read_json(run / "history.jsonl", lines=True)
    return history, pd.read_csv(run / "assignments.csv")


def principal(codes: np.ndarray) -> np.ndarray:
    """The first two principal components, `[n, 2]`."""
    centred = codes - codes.mean(axis=0)
    if centred.shape[1] < 2:
        return np.column_stack([centred, np.zeros(len(centred))])
    values, vectors = np.linalg.eigh(centred.T @ centred)
    return centred @ vectors[:, np.argsort(values)[::-1][:2]]


def plot_losses(axis, history: pd.DataFrame) -> None:
    """A curve for each phase, one after another."""
    start = 0
    for phase, epochs in history.groupby("phase", sort=False) if len(history) else []:
        axis.plot(start + epochs["epoch"], epochs["loss"], label=phase)
        start += len(epochs)
    if start == 0:
        axis.text(0.5, 0.5, "no training", ha="center", transform=axis.transAxes)
    else:
        axis.legend()
    axis.set(title="loss, nats a sample", xlabel="epoch")


def plot_map(axis, run: Path, clusters: pd.Series) -> None:
    """The latent codes in two dimensions; without a latent space there is no such file."""
    path = run / "embedding.npy"
    if not path.exists():
        axis.text(0.5, 0.5, "the latent space is the data", ha="center", transform=axis.transAxes)
        return
    points = principal(np.load(path))
    axis.scatter(points[:, 0], points[:, 1], c=clusters, cmap="tab20", s=4, linewidths=0)
    axis.set(title="latent codes", xlabel="first principal component", ylabel="second")


def plot_histogram(axis, samples: pd.DataFrame, column: str, title: str) -> None:
    """How often each value of a column occurs; methods and older runs may lack it."""
    if column not in samples:
        axis.text(0.5, 0.5, f"no {column}", ha="center", transform=axis.transAxes)
        return
    axis.hist(samples[column], bins=40)
    axis.set(title=title, xlabel=column, ylabel="samples")


def main() -> None:
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    run = Path(sys.argv[1])
    if not (run / "DONE").exists():
        sys.exit(f"{run} is no folder of a finished run of `vae fit`")
    history, samples = read(run)
    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    plot_losses(axes[0, 0], history)
    plot_map(axes[0, 1], run, samples["cluster"])
    plot_histogram(axes[1, 0], samples, "confidence", "how sure the model is")
    plot_histogram(axes[1, 1], samples, "outlier", "how unusual the samples are")
    figure.suptitle(f"{run}: {len(samples)} samples, {samples['cluster'].nunique()} clusters")
    out = sys.argv[2] if len(sys.argv) == 3 else "run.png"
    figure.savefig(out, dpi=120)
    print(out)


if __name__ == "__main__":
    main()
