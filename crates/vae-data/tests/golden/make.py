"""Golden values of the text pipeline and small MATLAB and sparse files.

Run from this folder:  python make.py [FOLDER WITH reut2-*.sgm.gz AND cat-descriptions_120396.txt]

Writes tfidf.json, mat/*.mat and npz/*.npz; with the folder also reuters21578.json. Versions are written into the JSON files.
"""

import glob
import gzip
import html
import json
import os
import re
import sys

import numpy as np
import scipy
import scipy.sparse
import sklearn
from scipy.io import savemat
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

VERSIONS = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}


def tfidf(documents, max_features):
    """Rows of unit length, terms and idf, as scikit-learn computes them.

    Which of several equally frequent terms is the last one kept is not defined by scikit-learn (its sort is not
    stable); here it is the first by code point. The check below shows that nothing else differs.
    """
    every = CountVectorizer().fit(documents)
    totals = np.asarray(every.transform(documents).sum(axis=0)).ravel()
    terms = every.get_feature_names_out()
    kept = sorted(range(len(terms)), key=lambda i: (-totals[i], terms[i]))[:max_features]
    chosen = sorted(terms[i] for i in kept)
    theirs = CountVectorizer(max_features=max_features).fit(documents).get_feature_names_out()
    last = min(totals[i] for i in kept)
    above = {terms[i] for i in range(len(terms)) if totals[i] > last}
    assert above <= set(theirs) and above <= set(chosen) and len(theirs) == len(chosen)
    counts = CountVectorizer(vocabulary=chosen).fit_transform(documents)
    transformer = TfidfTransformer(norm="l2", sublinear_tf=True, smooth_idf=True)
    return transformer.fit_transform(counts.astype(np.float64)), chosen, transformer.idf_


def small():
    documents = [
        "The bank said it forecast a shortage of around 250 mln stg in the money market today.",
        "Money, money, MONEY: the market's money!",
        "Crude oil prices rose; OPEC's oil ministers met in Vienna -- oil, oil.",
        "École élémentaire: l'été à Zürich, naïve façade.",
        "x y z",
        "",
        "wheat wheat corn soy_bean 7-3/4 1,000 u.s. u.k.",
        "corn corn corn soy_bean shipments to the U.S. rose",
        "the the the the the of of of in in",
        "ΟΔΟΣ οδος Οδός",
    ]
    cases = []
    for max_features in (5, 20, 1000):
        matrix, terms, idf = tfidf(documents, max_features)
        cases.append({"max_terms": max_features, "terms": terms, "idf": idf.tolist(), "rows": matrix.toarray().tolist()})
    write("tfidf.json", {"versions": VERSIONS, "documents": documents, "cases": cases})


def groups(folder):
    headings = {
        "****Subject Codes": None, "**Economic Indicator Codes": 1, "**Currency Codes": 1,
        "**Corporate Codes": 0, "**Commodity Codes": 2, "**Energy Codes": 3, "@heading": None,
    }
    found, group = {"money-fx": 1, "interest": 1}, None
    for line in open(os.path.join(folder, "cat-descriptions_120396.txt"), encoding="latin-1"):
        heading = next((h for h in headings if line.startswith(h)), None)
        if heading:
            group = headings[heading]
        elif group is not None and line.strip():
            name = re.search(r"\(([^()]*)\)\s*$", line)
            found[(name[1] if name else line.strip()).lower()] = group
    return found


def reuters(folder):
    of = groups(folder)
    documents, classes = [], []
    for path in sorted(glob.glob(os.path.join(folder, "reut2-*.sgm.gz"))):
        text = gzip.open(path, "rt", encoding="latin-1", newline="").read()
        for document in re.findall(r"<REUTERS.*?</REUTERS>", text, re.S):
            topics = re.findall(r"<D>(.*?)</D>", re.search(r"<TOPICS>(.*?)</TOPICS>", document, re.S)[1])
            found = {of[topic] for topic in topics if topic in of}
            if len(found) != 1:
                continue
            body = re.search(r"<TEXT[^>]*>(.*?)</TEXT>", document, re.S)[1]
            body = re.sub(r"<(DATELINE|AUTHOR)>.*?</\1>", " ", body, count=2, flags=re.S)
            body = re.sub(r"&#\d+;", " ", re.sub(r"<[^>]*>", " ", body))
            documents.append(html.unescape(body))
            classes.append(found.pop())
    matrix, terms, idf = tfidf(documents, 2000)
    rows = []
    for i in range(0, len(documents), 500):
        row = matrix[i].sorted_indices()
        rows.append({"row": i, "class": classes[i], "columns": row.indices.tolist(), "values": row.data.tolist()})
    write("reuters21578.json", {
        "versions": VERSIONS, "classes": np.bincount(classes).tolist(), "stored": int(matrix.nnz),
        "terms": terms, "idf": idf.tolist(), "column_sums": np.asarray(matrix.sum(axis=0)).ravel().tolist(), "rows": rows,
    })


def mat():
    os.makedirs("mat", exist_ok=True)
    x = np.array([[1.5, -2.0, 0.25], [4.0, 5.0, 1e-3]])
    y = np.array([3, 1], dtype=np.int64)
    for name, compress in (("v6", False), ("v7", True)):
        savemat(f"mat/{name}.mat", {"X": x, "Y": y, "note": "text"}, do_compression=compress)
    kinds = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
    savemat("mat/kinds.mat", {kind: np.array([[1, 2], [3, 100]], dtype=kind) for kind in kinds}, do_compression=True)
    others = {"sparse": scipy.sparse.csc_matrix(x), "complex": x * 1j, "cell": np.array([[1, "a"]], dtype=object),
              "cube": np.zeros((2, 2, 2)), "one": np.array([[7.0]]), "empty": np.zeros((0, 3))}
    savemat("mat/others.mat", others, do_compression=True)


def npz():
    os.makedirs("npz", exist_ok=True)
    # Coordinates with one place twice, a stored zero, an empty row and columns out of order.
    rows, columns = [2, 0, 0, 2, 0], [3, 2, 0, 3, 1]
    matrix = scipy.sparse.coo_matrix(([1.5, 2.0, -1.0, 0.25, 0.0], (rows, columns)), shape=(4, 5))
    for name in ("coo", "csr", "csc"):
        scipy.sparse.save_npz(f"npz/{name}.npz", matrix.asformat(name), compressed=name != "csc")
    scipy.sparse.save_npz("npz/bsr.npz", matrix.asformat("bsr"))


def write(name, value):
    with open(name, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


small()
mat()
npz()
if len(sys.argv) > 1:
    reuters(sys.argv[1])
