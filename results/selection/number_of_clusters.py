"""The number of clusters that each criterion of `vae sweep` chooses, against the true one.

    python results/selection/number_of_clusters.py target/debug/vae ../shared/datasets DIR [FORMER.json] > NEW.json
    python results/selection/number_of_clusters.py chosen.json      prints the table of README.md

The first makes the sweeps, resumed in DIR, of the sets that FORMER.json has not.

Sets: known data whose classes are counted (of MNIST the first 10,000 images), and ten mixtures of 2 to 11 unequal Gaussians whose centres are at least six
deviations apart (numbers 0 to 9 of `mixture`). Of each a sweep of `spectral` over 2..15 clusters (6..14 for ten classes of
more than 3,000 rows, for the sake of time) and seeds 0 to 2. The sweep sees no labels; the number of classes enters only
here. Needs numpy.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np

KNOWN = {"iris": 3, "wine": 3, "breast-cancer": 2, "optdigits": 10, "pendigits": 10, "strokes": 10, "mnist": 10, "hhar": 6,
         "reuters21578": 4}
LONG = {"optdigits", "pendigits", "mnist"}
FIRST_ROWS = {"mnist"}


def mixture(case):
    """Rows, and how many groups they have."""
    rng = np.random.default_rng(3000 + case)
    k, d = 2 + case, int(rng.choice([2, 3, 5, 10, 20]))
    centres, side = [], 6 * k ** (1 / d)
    while len(centres) < k:
        one = rng.random(d) * side
        if all(np.linalg.norm(one - c) >= 6 for c in centres):
            centres.append(one)
        else:
            side *= 1.01
    sizes = rng.integers(40, 300, k)
    return np.concatenate([c + rng.standard_normal((n, d)) for c, n in zip(centres, sizes)]), k


def sweep(vae, data_dir, data, clusters, out):
    words = [vae, "sweep", "--data-dir", data_dir, "--data", str(data), "--methods", "spectral", "--clusters", clusters, "--seeds", "3",
             "--out", str(out), "--jobs", "1", "--threads", "1"]
    words += ["--limit", "10000"] if data in FIRST_ROWS else []
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return json.loads((out / "sweep.json").read_text())


def judged(name, found, truth):
    number = found["number"]
    votes = {vote["criterion"]: vote["n_clusters"] for vote in number["votes"]}
    return {"set": name, "rows": found["n"], "columns": found["dim"], "true": truth, "votes": votes,
            "recommended": number["recommended"], "clarity": number["clarity"], "sentence": number["sentence"]}


def run(vae, data_dir, out, former):
    out.mkdir(parents=True, exist_ok=True)
    known = {one["set"]: one for one in json.loads(pathlib.Path(former).read_text())["sets"]} if former else {}
    sets = []
    for name, k in KNOWN.items():
        if name in known:
            sets.append(known[name])
            continue
        found = sweep(vae, data_dir, name, "6..14" if name in LONG else "2..15", out / name)
        sets.append(judged(name, found, k))
    for case in range(10):
        if f"mixture {case}" in known:
            sets.append(known[f"mixture {case}"])
            continue
        rows, k = mixture(case)
        path = out / f"mixture-{case}.csv"
        np.savetxt(path, rows, fmt="%.5f", delimiter=",", comments="", header=",".join(f"x{j}" for j in range(rows.shape[1])))
        found = sweep(vae, data_dir, path, "2..15", out / f"mixture-{case}")
        sets.append(judged(f"mixture {case}", found, k))
    json.dump({"sets": sets}, sys.stdout, indent=1)
    print()


def table(path):
    sets = json.loads(pathlib.Path(path).read_text())["sets"]
    names = sorted({name for one in sets for name in one["votes"]})
    known, made = [s for s in sets if not s["set"].startswith("mixture")], [s for s in sets if s["set"].startswith("mixture")]
    print("| criterion | " + " | ".join(f"{s['set']} ({s['true']})" for s in known) + " | mixtures exact | mean error there |")
    print("| --- |" + " ---: |" * (len(known) + 2))
    for name in ["recommended", *names]:
        of = lambda s: s["recommended"] if name == "recommended" else s["votes"].get(name)
        errors = [abs(of(s) - s["true"]) for s in made if of(s) is not None]
        cells = [str(of(s) or "-") for s in known]
        exact = f"{sum(e == 0 for e in errors)} of {len(made)}"
        print(f"| {name.replace('_', ' ')} | " + " | ".join(cells) + f" | {exact} | {np.mean(errors):.1f} |")


def main():
    if len(sys.argv) == 2:
        table(sys.argv[1])
    else:
        run(sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else None)


main()
