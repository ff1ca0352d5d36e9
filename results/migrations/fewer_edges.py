"""Runs of `partition-by-conductance` 3 to 4, where 4 chooses the same partition.

Revision 4 keeps, of the candidates of nearly the winner's modularity, one whose conductance is at most a tenth of the winner's. A
phase of a run file records every candidate, so whether that rule chooses another one needs no new run. This script was run once,
on the runs of results/own:

    python3 results/migrations/fewer_edges.py results/own/runs/*.json

It writes the new number where the rule chooses the recorded partition, names the runs where it does not, and changes no other key.
"""

import json
import sys

NAME = "partition-by-conductance"
NEAR, FEWER, N_NEIGHBORS = 0.01, 10, 10


def height(candidate):
    return candidate.get("modularity_after_moves", candidate["modularity"])


def keeps(notes):
    """Whether revision 4 keeps the partition that these notes of a phase tell of."""
    winner = next(c for c in notes["candidates"] if c["modularity"] == notes["modularity"])
    return not any(height(c) >= height(winner) - NEAR and c["smallest"] > N_NEIGHBORS
                   and c["conductance"] * FEWER <= winner["conductance"] for c in notes["candidates"] if winner["conductance"] > 0)


def main():
    n_written = 0
    for path in sys.argv[1:]:
        with open(path) as file:
            text = file.read()
        run = json.loads(text)
        if run.get("revisions", {}).get(NAME) != 3:
            continue
        cut = [phase["notes"] for phase in run["phases"] if NAME in phase["revisions"] and "candidates" in (phase["notes"] or {})]
        if not cut or not all(map(keeps, cut)):
            print(f"{path}: to be made anew")
            continue
        new = text.replace(f'"{NAME}": 3', f'"{NAME}": 4')
        changed = json.loads(new)
        for part in [changed, *changed["phases"]]:
            if NAME in part["revisions"]:
                part["revisions"][NAME] = 3
        assert changed == run, path
        with open(path, "w") as file:
            file.write(new)
        n_written += 1
    print(f"{n_written} run files")


main()
