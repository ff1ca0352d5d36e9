"""Run files of schema 1 to schema 2, which names everything that a result depends on.

A run used to be known by its configuration's hash and one revision of its method. Since schema 2 it is known by the configuration's
hash (without a revision inside), the content of its data (a hash that also covers dense or sparse and the shape of images), the rows
it was fitted on, and the revision of every algorithm it used. Keys changed, scores did not: this script changed no other key.

It was run once, on the run files that a checkout of commit b6ae4f2 calls current:

    python3 results/migrations/identity.py OLD_VAE NEW_VAE

OLD_VAE and NEW_VAE are the programs before and after the change. For each run file it asks OLD_VAE for the hash of the cell's
configuration and stops if the file has another one; it stops if the file's data are not those that the readers gave before. Only
then it writes what NEW_VAE says of the same cell. The revisions are those of the first schema-2 code, which changed no result; which
of them a run used follows from its phases and its settings, and was compared with what new runs of the demo list.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

# Content of the sets by the hash of schema 1 (shape and values), as recorded.
OLD_DATA = {
    ("strokes", "all"): "f27fc90fdec8087632b995f5a45a02f9b647436e9e1bb30ac93e02726af009f9",
    ("mnist", "all"): "35d7b7aaa559d1236c8f7485806579d355a688c6a377cff7da5849eb5669d41f",
    ("mnist", "train"): "958d61553912ce761bbd03b8cbb456dda1b5e101173cbe551bed3835beb9b0ce",
    ("hhar", "all"): "9ce8fee6dda0e7ff2385f8df10495a7cf3730a5d6d447c386bc099d29677bda0",
    ("fashion-mnist", "all"): "f4bc5bf5174451537b69cc21dab0bf02238f7071b5d0758b9d1e4938bdf141bf",
    ("fashion-mnist", "train"): "3fa6ce65e9368dd5906d388cae486aae428c6da9b0bcf3aec40f90716d0b555e",
    ("reuters21578", "all"): "bdf4dc2975102eb50a348be0babc99878c5ebe90e0acdfa8057f4fc4928c8a37",
}
PARTITION = ["spectral-partition", "affinity", "neighbours", "k-means"]
NETWORK = ["training", "network"]


def selection(recipe, run):
    """The options of `vae config` for the cell of a run, as xtask gives them."""
    row = next(row for row in recipe["row"] if row["id"] == run["row"])
    cell = next((cell for cell in row.get("cell", []) if cell["dataset"] == run["dataset"]), {})
    words = ["--preset", cell["preset"]] if "preset" in cell else ["--method", row["method"]]
    words += ["--data", run["dataset"], "--profile", run["profile"]]
    sets = row.get("set", []) + cell.get("set", []) + cell.get("set_in", {}).get(run["profile"], [])
    for setting in sets:
        words += ["--set", setting]
    return words


def ask(program, words):
    out = subprocess.run([program, "config", *words, "--json"], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


# What a method's own training uses beside the training loop and the networks.
CLASSES = {"class-vae", "posterior", "encoder-decoder"}
OWN = {
    "vade": {"vade", "mixture-vae", "posterior", "mixture-prior"},
    "dgg": {"dgg", "mixture-vae", "posterior", "mixture-prior", "cluster-gaussians", "pairwise-objective", "affinity"},
    "dec": {"dec"},
    "imsat": {"imsat"},
    "spectralnet": {"spectralnet", "k-means"},
    "ltvae": {"ltvae", "latent-tree", "k-means", "posterior", "cluster-gaussians"},
    "vae-cluster": {"vae-cluster", "random-start"} | CLASSES,
    "conv-vae": {"conv-vae", "random-start"} | CLASSES,
    "gmvae": {"gmvae", "random-start", "posterior", "encoder-decoder"},
    "gmvae-m2": {"gmvae-m2", "random-start"},
}


def algorithms(run, config):
    """Names of the algorithms that a run used."""
    method, names = run["method"], {"random", "scale"}
    codes = config.get("codes") or config.get("init", {}).get("codes") or {}
    for phase in (phase["name"] for phase in run["phases"]):
        if phase == "kmeans":
            names |= {"k-means"}
        elif phase == "gmm":
            names |= {"gaussian-mixture", "k-means"}
        elif phase.startswith("pretrain"):
            names |= {"pretraining", *NETWORK}
        elif phase == "init":
            names |= {"code-clustering", "gaussian-mixture", "k-means"}
            names |= set(PARTITION) if codes.get("select") == "modularity" else set()
        elif phase == "partition":
            names |= {"cluster-gaussians", *PARTITION}
            names |= {"graph-start"} if method in ("vae-cluster", "conv-vae") else set()
        elif phase == "neighbours":
            names |= {"neighbours"} | ({"imsat"} if method == "imsat" else set())
        elif phase == "siamese":
            names |= {"siamese", *NETWORK}
        elif phase == "graph":
            names |= {"neighbours", "affinity"}
        elif phase == "classifier":
            names |= {"dgg-classifier", "dgg", *NETWORK}
        elif phase == "clusters":
            names |= {"spectralnet-clusters", "k-means"}
            names |= set(PARTITION) if config["clusters"] == "modularity" else set()
        elif phase == "plain":
            names |= {"graph-start", method, *NETWORK} | CLASSES
        elif phase.startswith("train"):
            names |= OWN[method] | set(NETWORK)
            names |= set(PARTITION) if method == "dgg" and config["graph"]["rebuild_epochs"] else set()
        else:
            sys.exit(f"unknown phase {phase} of {method}")
    return names


def main():
    old, new = sys.argv[1:]
    for recipe_file in sorted(Path("results").glob("*/recipe.toml")):
        recipe, answers = tomllib.loads(recipe_file.read_text()), {}
        for path in sorted((recipe_file.parent / "runs").glob("*.json")):
            run = json.loads(path.read_text())
            if run["schema"] != 1:
                continue
            words = tuple(selection(recipe, run))
            if words not in answers:
                answers[words] = (ask(old, words), ask(new, words))
            before, after = answers[words]
            split = run["fit_split"]
            found = (run["config_sha256"], run.pop("revision"), run["data_sha256"], split)
            data = OLD_DATA.get((run["dataset"], split))
            if found != (before["config_sha256"], before["revision"], data, recipe.get("fit_split", "all")):
                sys.exit(f"{path} is not current: {found}")
            used = algorithms(run, after["config"])
            unknown = used - set(after["revisions"])
            if unknown or after["data_sha256"][split] is None:
                sys.exit(f"{path}: unknown {unknown}, {after['data_sha256']}")
            run["schema"] = 2
            run["config_sha256"] = after["config_sha256"]
            run["data_sha256"] = after["data_sha256"][split]
            run["revisions"] = {name: after["revisions"][name] for name in used}
            path.write_text(json.dumps(run, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
