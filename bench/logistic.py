"""Multinomial logistic regression, 20,000 rows of 1,280 features, 81 classes: pomona against scikit-learn, two threads for both.

usage: logistic.py [--rows 20000] [--features 1280] [--classes 81] [--l2 0.01] [--rounds 3] [--keep]

The same objective (mean cross-entropy + l2 / 2 |W|^2 on standardised features, intercepts free) and the same stopping rule
(largest element of the gradient at most a tolerance: 1e-4 for scikit-learn, its default; 4e-5 for pomona, which reaches the lower loss). scikit-learn: StandardScaler and LogisticRegression with lbfgs, on float32 and on
float64, whichever is faster; its newton-cholesky would need a Hessian of 100,000 x 100,000. pomona: the seconds that `pomona train` reports for the
candidate: scaling, fit, and the answers on 81 validation rows. Both losses are evaluated here, in double, by the same lines.
"""
import argparse
import json
import os
import shutil
import subprocess
import time

os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:2]))
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "2"
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)  # NumPy's products are the peer's time: they get the kernels that OpenBLAS itself chooses

import numpy as np  # noqa: E402  (after the number of threads is set)
import onnx  # noqa: E402
import onnx.numpy_helper  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

import common  # noqa: E402


def corpus(rows, columns, classes):
    """Like a network's features: correlated, nothing negative, up to 6, classes that overlap."""
    random = np.random.default_rng(1)
    directions = random.normal(size=(200, columns)) / np.arange(1, 201)[:, None] ** 0.5
    centres = random.normal(size=(classes, 200)) * 0.6
    labels = random.integers(0, classes, rows)
    values = (random.normal(size=(rows, 200)) + centres[labels]) @ directions + random.normal(size=(rows, columns)) / 3
    return np.clip(values, 0, 6).astype(np.float32), labels


def write(values, labels, path):
    table = pa.table({"path": [f"file:/{i:06d}.jpg" for i in range(len(values))], "label": [f"l{c:03d}" for c in labels],
                      "features": pa.FixedSizeListArray.from_arrays(values.ravel(), values.shape[1]).cast(pa.list_(pa.float32()))})
    pq.write_table(table, path)


def loss(weights, bias, values, labels, scale, l2):
    """The objective, in double; weights [classes][features] in the features' own units."""
    logits = values.astype(np.float64) @ weights.T + bias
    most = logits.max(1, keepdims=True)
    cross = np.log(np.exp(logits - most).sum(1)) + most[:, 0] - logits[np.arange(len(labels)), labels]
    return cross.mean() + l2 / 2 * ((weights * scale) ** 2).sum()


def sklearn_fit(values, labels, l2, dtype):
    start = time.perf_counter()
    scaler = StandardScaler()
    z = scaler.fit_transform(values.astype(dtype))
    model = LogisticRegression(C=1 / (l2 * len(labels)), tol=1e-4, max_iter=1000).fit(z, labels)
    seconds = time.perf_counter() - start
    weights = model.coef_.astype(np.float64) / scaler.scale_
    return seconds, int(model.n_iter_[0]), weights, model.intercept_ - weights @ scaler.mean_


def pomona_fit(folder, backbone, l2):
    done = subprocess.run([common.POMONA, "train", folder / "rows.parquet", "--val", folder / "val.parquet", "--backbone", backbone,
                           "--out", folder / "out.onnx", "--strength", str(l2), "--no-class-weights", "--threads", "2", "--overwrite",
                           "--no-rejection", "--json"], check=True, capture_output=True, text=True)
    result = json.loads(done.stdout)
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(folder / "out.onnx").graph.initializer}
    factor = result["temperature"]
    candidate = result["candidates"][0]
    assert candidate["converged"]
    return (candidate["seconds"], factor * tensors["pomona.head/weight"].astype(np.float64),
            factor * tensors["pomona.head/bias"].astype(np.float64))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20000)
    parser.add_argument("--features", type=int, default=1280)
    parser.add_argument("--classes", type=int, default=81)
    parser.add_argument("--l2", type=float, default=0.01)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    folder = common.WORK / "logistic"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    values, labels = corpus(arguments.rows, arguments.features, arguments.classes)
    write(values, labels, folder / "rows.parquet")
    first = [int(np.flatnonzero(labels == c)[0]) for c in range(arguments.classes)]
    write(values[first], labels[first], folder / "val.parquet")
    backbone = common.MODEL  # its 1,280 features; any backbone of that width will do
    scale = values.astype(np.float64).std(0)
    rows = []
    for round_number in range(arguments.rounds):
        for engine in ("pomona", "scikit-learn float32", "scikit-learn float64"):
            iterations = 0
            if engine == "pomona":
                seconds, weights, bias = pomona_fit(folder, backbone, arguments.l2)
            else:
                dtype = np.float32 if engine.endswith("32") else np.float64
                seconds, iterations, weights, bias = sklearn_fit(values, labels, arguments.l2, dtype)
            reached = loss(weights, bias, values, labels, scale, arguments.l2)
            rows.append({"round": round_number, "engine": engine, "rows": arguments.rows, "features": arguments.features,
                         "classes": arguments.classes, "l2": arguments.l2, "seconds": round(seconds, 4), "iterations": iterations,
                         "loss": f"{reached:.9f}"})
            print(f"{engine:22s} {seconds:8.3f} s  loss {reached:.9f}  {iterations or ''}")
    for engine in dict.fromkeys(row["engine"] for row in rows):
        median, low, high = common.spread([row["seconds"] for row in rows if row["engine"] == engine])
        print(f"{engine:22s} median {median:.3f} s ({low:.3f} to {high:.3f})")
    if arguments.keep:
        common.append_rows("logistic", rows)


if __name__ == "__main__":
    main()
