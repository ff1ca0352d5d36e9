"""Assigns new data to the clusters of a model that `vae export` wrote.

    pip install numpy safetensors
    python predict.py MODEL.safetensors DATA [--out FILE.csv] [--codes FILE.csv]

DATA is a CSV, whose columns go by their names, or an NPY. The model's file lists its steps, as
docs/src/export.md describes them; each is one function here. Networks are computed in double precision.
"""

import argparse, csv, json, re, sys  # noqa: E401
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from safetensors import safe_open

BLOCK = 256  # Rows at a time: maps of images need memory.
PREPARING = {"affine", "power", "impute"}  # Computed in the types of the model, to round as it does.
MISSING = {"", "na", "nan", "n/a", "#n/a", "null", "none", "?", "-"}


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def squares(x, centres):  # Distances of rows [n, d] to centres [k, d]: [n, k].
    return ((x[:, None] - centres) ** 2).sum(axis=2)

def log_density(x, mu, log_var):  # Of Gaussians [K, J], or others for each row [n, K, J]: [n, K].
    return -0.5 * (log_var + (x[:, None] - mu) ** 2 * np.exp(-log_var)).sum(axis=2)


def power(step, t, x):
    u = (x.astype(float) - t["centre"]) / t["spread"]
    exponent, size = np.where(u < 0, 2 - t["lambda"], t["lambda"]), np.log1p(np.abs(u))
    bent = np.expm1(exponent * size) / np.where(exponent == 0, 1, exponent)
    psi = np.sign(u) * np.where(exponent == 0, size, bent)
    return ((psi - t["shift"]) / t["width"]).astype(np.float32)


def impute(step, t, x):
    x, donors = x.copy(), t.get("donors", np.empty((0, x.shape[1]), np.float32))
    for row in map(x.__getitem__, np.flatnonzero(np.isnan(x).any(axis=1))):
        gaps, (total, shared) = np.isnan(row), np.zeros((2, len(donors)), np.float32)
        for there, value in zip(donors.T[~gaps], row[~gaps]):  # A sum in f32 depends on the order.
            total += np.where(np.isnan(there), 0, (value - there) ** 2)
            shared += ~np.isnan(there)
        known = np.flatnonzero(shared)
        near = known[np.argsort(total[known] / shared[known], kind="stable")]
        for column in np.flatnonzero(gaps):
            lent = donors[near, column]
            lent = lent[~np.isnan(lent)][: step["nearest"]]
            row[column] = lent.mean() if len(lent) else t["mean"][column]
    return x


def conv2d(step, t, x):
    size, s, rows = t["weight"].shape[2], step["stride"], step["padding"]
    extra = [max((-(-n // s) - 1) * s + size - n, 0) if rows == "same" else 2 * rows for n in x.shape[2:]]
    x = np.pad(x, [(0, 0), (0, 0), *((n // 2, n - n // 2) for n in extra)])
    windows = sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::s, ::s]
    y = np.tensordot(windows, t["weight"], axes=([1, 4, 5], [1, 2, 3]))
    return y.transpose(0, 3, 1, 2) + t["bias"][:, None, None]


def batch_norm(step, t, x):  # The columns of rows, or the channels of maps, are the axis 1.
    y = (x.swapaxes(1, -1) - t["mean"]) / np.sqrt(t["var"] + step["eps"])
    return (t["gamma"] * y + t["beta"]).swapaxes(1, -1)


def moving_mixture(step, t, z, components):
    mu, log_var = components.reshape(len(z), 2, step["n_clusters"], -1).transpose(1, 0, 2, 3)
    return softmax(log_density(z, mu, log_var.clip(-step["log_var_limit"], step["log_var_limit"])))


def neighbour_vote(step, t, x):
    k, points, out = step["n_neighbors"], t.get("points"), np.zeros((len(x), step["n_clusters"]))
    if points is None:  # Compressed rows.
        points = np.zeros((len(t["indptr"]) - 1, x.shape[1]))
        points[np.repeat(np.arange(len(points)), np.diff(t["indptr"])), t["indices"]] = t["values"]
    rough, n_near = (points**2.0).sum(axis=1) - 2 * x @ points.T, min(2 * k + 20, len(points))
    for row, votes, far in zip(x, out, rough):
        near = np.sort(np.argpartition(far, n_near - 1)[:n_near])
        exact = ((points[near] - row) ** 2).sum(axis=1)
        first = np.argsort(exact, kind="stable")[:k]
        d2 = np.sqrt(exact[first]).astype(np.float32).astype(float) ** 2
        weight = np.exp(-d2 / max(d2[k // 2], np.finfo(float).tiny))
        np.add.at(votes, t["labels"][near[first]], weight / weight.sum())
    return out


STEPS = {
    "power": power, "impute": impute, "conv2d": conv2d, "batch_norm": batch_norm,
    "moving_mixture": moving_mixture, "neighbour_vote": neighbour_vote,
    "affine": lambda step, t, x: (x - t["shift"]) / t["width"],
    "linear": lambda step, t, x: x @ t["weight"].T + t.get("bias", 0),
    "relu": lambda step, t, x: np.maximum(x, 0),
    "leaky_relu": lambda step, t, x: np.where(x > 0, x, step["slope"] * x),
    "softplus": lambda step, t, x: np.logaddexp(0, x),
    "images": lambda step, t, x: x.reshape(-1, step["channels"], step["height"], step["width"]),
    "max_pool2d": lambda step, t, x: sliding_window_view(x, (step["size"],) * 2, axis=(2, 3))[
        :, :, :: step["size"], :: step["size"]].max(axis=(4, 5)),
    "flatten": lambda step, t, x: x.transpose(0, 2, 3, 1).reshape(len(x), -1),
    "concat": lambda step, t, *parts: np.concatenate(parts, axis=1),
    "sum": lambda step, t, *parts: sum(parts) + t.get("bias", 0),
    "columns": lambda step, t, x: x[:, step["order"]],
    "one_hot": lambda step, t, x: np.eye(x.shape[1])[x.argmax(axis=1)],
    "unit_rows": lambda step, t, x: x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300),
    "softmax": lambda step, t, x: softmax(x), "tanh": lambda step, t, x: np.tanh(x),
    "gaussian_mixture": lambda step, t, x: softmax(t["log_pi"] + log_density(x, t["mu"], t["log_var"])),
    "student_t": lambda step, t, x: softmax(
        np.log1p(squares(x, t["centres"]) / step["alpha"]) * -0.5 * (step["alpha"] + 1)),
    "nearest_centre": lambda step, t, x: -squares(x, t["centres"]),
    "gaussians": lambda step, t, x: t["constant"] - 0.5 * (np.einsum(
        "ncp,cqp->ncq", x[:, None, t["columns"]] - t["mu"], t["whiten"]) ** 2).sum(axis=2),
    "log_sum_exp": lambda step, t, x: np.logaddexp.reduce(t["log_p"] + x[:, None], axis=2),
}


def run(model, tensors, x):  # The scores [n, K] and the codes [n, J] of raw features [n, d].
    values = {"x": x}
    for step in model["steps"]:
        t = {role: tensors[name] for role, name in step.get("tensors", {}).items()}
        inputs = [values[name] for name in step["in"]]
        if step["op"] not in PREPARING:
            inputs = [value.astype(float, copy=False) for value in inputs]
        values[step["out"]] = STEPS[step["op"]](step, t, *inputs)
    return values[model["outputs"]["scores"]], values[model["outputs"]["codes"]]


def features(cells, column):  # A number, or one feature for each level; NaN where the cell is missing.
    if "category" in column["kind"]:
        hot = np.array(cells)[:, None] == np.array(column["kind"]["category"]["levels"])
        return np.where(hot.any(axis=1, keepdims=True), hot, np.nan)
    try:
        numbers = np.array([float("nan" if cell.lower() in MISSING else cell) for cell in cells])
    except ValueError as error:
        sys.exit(f"column `{column['name']}`: {error}; decimals have a point, and gaps are empty cells")
    return (numbers - column["kind"]["number"]["offset"])[:, None]


def tf_idf(texts, terms, idf):
    counts, place = np.zeros((len(texts), len(terms) + 1)), {term: i for i, term in enumerate(terms)}
    for row, text in zip(counts, texts):
        for term in re.findall(r"\w\w+", text.lower()):
            row[place.get(term, -1)] += 1
    counts = counts[:, :-1]
    x = np.where(counts > 0, (1 + np.log(np.maximum(counts, 1))) * idf, 0)
    return np.sqrt(len(terms)) * x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300)


def read(path, text_column, table, documents, id=None, **_):  # Raw features [n, d]; names of column and rows.
    columns = table["columns"] if table else []
    if path.endswith(".npy"):
        x, offsets = np.load(path), [c["kind"].get("number", {}).get("offset", 0) for c in columns]
        x = x.astype(np.float32) / 255 if x.dtype == np.uint8 and x.ndim > 2 else x.astype(float)
        return x.reshape(len(x), -1) - (offsets if any(offsets) else 0), [[]] * (len(x) + 1)
    with open(path, newline="", encoding="utf-8-sig") as file:
        separator = max(",;\t", key=file.readline().count)
        file.seek(0)
        rows = [[cell.strip() for cell in row] for row in csv.reader(file, delimiter=separator) if row]
    is_named = documents or table and table["named"]
    header = rows.pop(0) if is_named else [str(i + 1) for i in range(len(rows[0]))]
    columns = columns or [{"name": name, "kind": {"number": {"offset": 0}}} for name in header]
    wanted = [text_column or "that --text-column names"] if documents else [c["name"] for c in columns]
    if lacking := set(wanted) - set(header):
        sys.exit(f"{path} lacks the columns {', '.join(sorted(lacking))}")
    cells = [[row[header.index(name)] for row in rows] for name in wanted]
    parts = [tf_idf(cells[0], **documents)] if documents else map(features, cells, columns)
    names = [[cell for name, cell in zip(header, row) if name == id] for row in [header, *rows]]
    return np.concatenate(list(parts), axis=1), names


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ["model", "data", "--out", "--codes", "--text-column"]:
        parser.add_argument(name)
    args = parser.parse_args()
    with safe_open(args.model, "np") as file:
        model = json.loads((file.metadata() or {}).get("vae_export", "{}"))
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    if model.get("version") != 1 or {step["op"] for step in model["steps"]} - set(STEPS):
        sys.exit(f"{args.model} is no file of `vae export`, or of a version of it that is unknown here")
    try:
        x, ids = read(args.data, args.text_column, **model["input"])
    except OSError as error:  # A folder is one.
        sys.exit(f"{error}; DATA is a CSV or an NPY file")
    if x.shape[1] != model["input"]["dim"]:
        sys.exit(f"{args.data} has {x.shape[1]} features, the model {model['input']['dim']}")
    parts = [run(model, tensors, x[i : i + BLOCK].astype(np.float32)) for i in range(0, len(x), BLOCK)]
    scores, codes = (np.concatenate(of) for of in zip(*parts))
    if not np.isfinite(scores).all():
        sys.exit(f"row {np.isfinite(scores).all(axis=1).argmin()} has a value that the model cannot use")
    names, clusters, letter = model["cluster_names"], scores.argmax(axis=1), "s"
    if model["outputs"]["are_probabilities"]:
        letter, scores[np.isnan(x).all(axis=1)] = "p", 1 / scores.shape[1]  # Without any value nothing is known.
    with open(args.out or sys.stdout.fileno(), "w", newline="", encoding="utf-8") as out:
        put = csv.writer(out, lineterminator="\n").writerow
        put([*ids[0], "index", "cluster", "cluster_name", *(f"{letter}{k}" for k in range(scores.shape[1]))])
        for i, (k, row, own) in enumerate(zip(clusters, scores, ids[1:])):
            put([*own, i, k, names.get(str(k), ""), *(f"{score:.8g}" for score in row)])
    if args.codes:
        np.savetxt(args.codes, codes, fmt="%.8g", delimiter=",")


if __name__ == "__main__":
    main()
