"""Which of several runs to keep: what criteria without labels choose, against what labels say afterwards.

    python results/selection/runs.py target/debug/vae ../shared/datasets FORMER.json FOLDER... > NEW.json

    python results/selection/runs.py runs.json    prints the tables of README.md

Arguments: the program, the folder with the data sets, the outcome of a former call, whose pairs are kept where there are no run
folders (`-` for none), and folders with run folders of `cargo xtask reproduce` (`out/runs/own`, `out/runs/demo`, `out/runs/seeds`:
`DATASET-ROW-PROFILE-sSEED-...`). A pair is a data set and a method with five seeds whose accuracies differ. For every pair and
criterion: the accuracy of the run that the criterion chooses less the mean of the five, whether that run is the worst or the best
of them, and Spearman's rank correlation with ACC and NMI. Over pairs: the mean difference with a bootstrap interval (10,000 draws
of pairs). The criterion that is the default was fixed on the tables `CHOOSE`; the results are those of `REPORT` and `OTHERS`.
Needs numpy.
"""

import json
import pathlib
import re
import subprocess
import sys

import numpy as np

CHOOSE = ["iris", "wine"]
REPORT = ["optdigits", "pendigits", "breast-cancer"]
# No tables: pictures, sensor features, text.
OTHERS = ["strokes", "hhar", "reuters21578"]

# The larger the better. Of the run itself, of its clusters in the space of the scaled features, and of the five together.
OF_RUN = {"loss": lambda run: -run["phases"][-1]["final_loss_nats"], "entropy": lambda run: -run["criteria"]["mean_entropy"]}
OF_CLUSTERS = {"modularity": 1, "largest_conductance": -1, "pooled_silhouette": 1, "calinski_harabasz": 1,
               "davies_bouldin": -1, "smallest_share": 1, "effective_clusters": 1}
OF_ALL = ["agreement", "agreement, then modularity"]


def ari(a, b):
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    pairs = lambda counts: (counts * (counts - 1) / 2).sum()
    both, rows, columns, all_ = pairs(table), pairs(table.sum(1)), pairs(table.sum(0)), pairs(np.array([len(a)]))
    expected, most = rows * columns / all_, (rows + columns) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def ranks(values):
    order = np.sort(values)
    return np.array([(np.searchsorted(order, v) + np.searchsorted(order, v, side="right") - 1) / 2 for v in values])


def spearman(a, b):
    a, b = ranks(a), ranks(b)
    return None if a.std() == 0 or b.std() == 0 else float(np.corrcoef(a, b)[0, 1])


def features(vae, data_dir, name, groups):
    """How `vae score` is given the features of a set without its labels."""
    if name not in OTHERS:
        return ["--data", f"{data_dir}/own/{name.replace('-', '_')}.csv", "--drop", "class"]
    # The latent space of k-means on the features is the features.
    model = next(iter(groups[name, "kmeans"].values()))
    path = model.parent / f"{name}.npy"
    if not path.exists():
        subprocess.run([vae, "embed", "--model", model, "--data-dir", data_dir, "--data", name, "--out", path], check=True, capture_output=True)
    return ["--data", str(path)]


def criteria_of(vae, data, run):
    words = [vae, "score", "--pred", str(run / "assignments.npy"), *data, "--json"]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)["criteria"]


def values(vae, data, folders):
    """Every criterion of the runs of a pair, and their scores."""
    runs = [json.loads((folder / "run.json").read_text()) for folder in folders]
    found = {}
    for name, of in OF_RUN.items():
        try:
            found[name] = [of(run) for run in runs]
        except (KeyError, TypeError):
            pass  # The method has no loss or no posterior.
    clusters = [criteria_of(vae, data, folder) for folder in folders]
    for name, sign in OF_CLUSTERS.items():
        if all(name in of_run for of_run in clusters):
            found[name] = [sign * of_run[name] for of_run in clusters]
    labels = [np.load(folder / "assignments.npy").astype(int) for folder in folders]
    agreement = [np.mean([ari(a, b) for j, b in enumerate(labels) if j != i]) for i, a in enumerate(labels)]
    found["agreement"] = agreement
    # Runs that agree equally well with the others, to 0.01, are told apart by modularity.
    if "modularity" in found:
        near = [a >= max(agreement) - 0.01 for a in agreement]
        found["agreement, then modularity"] = [m if n else a - 10 for m, n, a in zip(found["modularity"], near, agreement)]
    scores = {metric: [run["metrics"]["fit"][metric] for run in runs] for metric in ("acc", "nmi")}
    return found, scores


def summary(pairs, name, tables):
    of = [p["criteria"][name] for p in pairs if p["table"] in tables and name in p["criteria"]]
    if not of:
        return None
    gain = np.array([c["chosen_minus_mean"] for c in of])
    draws = np.random.default_rng(0).choice(gain, (10_000, len(gain))).mean(1)
    mean = lambda key: float(np.mean([c[key] for c in of if c[key] is not None]))
    return {"pairs": len(of), "chosen_minus_mean": round(float(gain.mean()), 5),
            "interval_95": [round(float(q), 5) for q in np.quantile(draws, [0.025, 0.975])],
            "worst_of_five": round(mean("is_worst"), 3), "best_of_five": round(mean("is_best"), 3),
            "best_minus_chosen": round(mean("best_minus_chosen"), 5),
            "spearman_acc": round(mean("spearman_acc"), 3), "spearman_nmi": round(mean("spearman_nmi"), 3)}


def print_tables(path):
    with open(path) as file:
        summary = json.load(file)["summary"]
    for which in ("report", "others"):
        print(f"\n{which}\n")
        print("| criterion | pairs | chosen − mean seed (95 %) | best − chosen | worst of five | best of five | rank correlation with ACC | with NMI |")
        print("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |")
        found = [(name, s) for name, s in summary[which].items() if s]
        for name, s in sorted(found, key=lambda item: -item[1]["chosen_minus_mean"]):
            low, high = (100 * q for q in s["interval_95"])
            print(f"| {name.replace('_', ' ')} | {s['pairs']} | {100 * s['chosen_minus_mean']:+.2f} ({low:+.2f} to {high:+.2f}) | "
                  f"{100 * s['best_minus_chosen']:.2f} | {100 * s['worst_of_five']:.0f} % | {100 * s['best_of_five']:.0f} % | "
                  f"{s['spearman_acc']:+.2f} | {s['spearman_nmi']:+.2f} |")


def main():
    if len(sys.argv) == 2:
        return print_tables(sys.argv[1])
    vae, data_dir, former = sys.argv[1:4]
    names = "|".join([*CHOOSE, *REPORT, *OTHERS])
    groups = {}
    folders = (folder for runs in sys.argv[4:] for folder in pathlib.Path(runs).iterdir() if folder.is_dir())
    for folder in sorted(folders):
        match = re.fullmatch(rf"({names})-(.+)-(?:standard|quick)-s([0-4])-.*", folder.name)
        if match and (folder / "DONE").exists():
            groups.setdefault(match.group(1, 2), {})[int(match.group(3))] = folder
    pairs = []
    for (table, row), folders in groups.items():
        if len(folders) < 5:
            print(f"{table} {row}: {len(folders)} of 5 runs, left out", file=sys.stderr)
            continue
        found, scores = values(vae, features(vae, data_dir, table, groups), [folders[s] for s in range(5)])
        acc = np.array(scores["acc"])
        if acc.max() - acc.min() < 1e-9:
            continue
        of_criteria = {}
        for name, value in found.items():
            # Of equal values the first seed: nothing tells them apart.
            chosen = acc[int(np.argmax(value))]
            of_criteria[name] = {
                "chosen_minus_mean": float(chosen - acc.mean()), "best_minus_chosen": float(acc.max() - chosen),
                "is_worst": bool(chosen == acc.min()), "is_best": bool(chosen == acc.max()),
                "spearman_acc": spearman(value, acc), "spearman_nmi": spearman(value, scores["nmi"])}
        pairs.append({"table": table, "method": row, "acc": [round(a, 4) for a in scores["acc"]], "criteria": of_criteria})
    if former != "-":
        with open(former) as file:
            new = {(p["table"], p["method"]) for p in pairs}
            pairs += [p for p in json.load(file)["pairs"] if (p["table"], p["method"]) not in new]
    pairs.sort(key=lambda p: ([*CHOOSE, *REPORT, *OTHERS].index(p["table"]), p["method"]))
    names = [*OF_RUN, *OF_CLUSTERS, *OF_ALL]
    over = {which: {name: summary(pairs, name, of) for name in names} for which, of in (("choose", CHOOSE), ("report", REPORT), ("others", OTHERS))}
    json.dump({"summary": over, "pairs": pairs}, sys.stdout, indent=1)
    print()


main()
