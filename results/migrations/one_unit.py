"""Runs of `scale-auto` 2 to 3, where 3 chooses the same scaling.

Revision 3 asks the neighbour graph whether columns have one unit whose spreads differ 2.5-fold or more, where their lower quartile does not settle it. Which scaling it
chooses depends on the table alone, so one fit of k-means for each table tells it. This script was run once, on the runs of
results/own:

    python3 results/migrations/one_unit.py VAE TABLES results/own/runs/*.json

VAE is the program with revision 3, TABLES the folder of the tables. It writes the new number, and those of the algorithms that were
asked, where the scaling is the recorded one, names the runs where it is not, and changes no other key.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

NAME = "scale-auto"


def kind(resolved):
    """`shared` of "scale = shared (columns of comparable spread: one unit)"."""
    return next(text.split()[2] for text in resolved if text.startswith("scale = "))


def of_table(vae, table, n_clusters):
    """The scaling that the program chooses for a table now, and the revisions that this depends on."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        words = ["fit", "--data", table, "--drop", "class", "--method", "kmeans", "--clusters", str(n_clusters), "--no-cache", "--out", out]
        subprocess.run([vae, *words], check=True, capture_output=True)
        run = json.loads((out / "run.json").read_text())
    of_phases = {name for phase in run["phases"] for name in phase["revisions"]}
    revisions = {name: n for name, n in run["revisions"].items() if name not in of_phases}
    if "spectral-partition" in revisions:
        # It uses k-means too, as the fit does.
        revisions["k-means"] = run["revisions"]["k-means"]
    return kind(run["resolved"]), revisions


def main():
    vae, tables = sys.argv[1], Path(sys.argv[2])
    chosen, n_written = {}, 0
    for path in sys.argv[3:]:
        text = Path(path).read_text()
        run = json.loads(text)
        if run.get("revisions", {}).get(NAME) != 2:
            continue
        name = run["dataset"]
        if name not in chosen:
            chosen[name] = of_table(vae, tables / f"{name.replace('-', '_')}.csv", run["n_clusters"])
            print(name, *chosen[name])
        now, revisions = chosen[name]
        if kind(run["resolved"]) != now:
            print(f"{path}: to be made anew")
            continue
        revisions = dict(sorted({**run["revisions"], **revisions}.items()))
        block = json.dumps(revisions, indent=2).replace("\n", "\n  ")
        # Only this key: Python would write some numbers in another way.
        Path(path).write_text(re.sub(r'(?m)^  "revisions": \{[^}]*\}', f'  "revisions": {block}', text))
        n_written += 1
    print(f"{n_written} runs")


if __name__ == "__main__":
    main()
