"""How good the classifiers are, on the Grocery Store Dataset's train and val photos: heads, views, rejection, calibration, agreement.

usage: classifier.py [--keep]

  head        top-1 on val of the best strength of the grid, per kind, and scikit-learn's LogisticRegression on the same grid
  views       the same with several views of a photo (mean of their features)
  rejection   heads that have not learnt from any carton: AUROC of the score `known`, val fruit and vegetables against val cartons;
              the share of known photos rejected by a threshold set on one half of val and tried on the other
  embedded    the classifier in the binary
  folds       temperature and threshold from folds of photos that are nearly alike, tried on val
  calibration error of one head, and what a perfectly calibrated one would show on so few photos
  onnx        `pomona predict` against ONNX Runtime on the file that pomona wrote: largest difference of a probability, classes that differ
  head_only   bytes of a head-only file with fp16 weights, 131 classes of 1,280 features
The test split of the data set is not looked at.
"""
import argparse
import json
import shutil
import subprocess

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import common

GROCERY = common.SHARED / "data/grocery"
WORK = common.WORK / "classifier"
STRENGTHS = [1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003]  # of `pomona train --head logistic`
VIEWS = {"one": None, "whole and centre 60 %": "100,60", "whole, centre 75 and 50 %": "100,75,50"}


def run(*arguments):
    done = subprocess.run([common.POMONA, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"pomona {arguments[0]}: {done.stderr}")
    return done.stdout


def features(split, views):
    out = WORK / f"{split}-{(views or 'one').replace(',', '-')}"
    if not out.exists():
        run("features", GROCERY / split, "--out", out, "--model", common.MODEL, "-q", *(["--views", views] if views else []))
    return out


def train(source, validation, out, *more):
    return json.loads(run("train", source, "--val", validation, "--backbone", common.MODEL, "--out", out, "--overwrite", "--json", "-q",
                          "--hierarchy", GROCERY / "classes.csv", *more))


def table(folder):
    return pa.concat_tables(pq.read_table(part) for part in sorted((folder / "Results").glob("*.parquet")))


def without(folder, word, name):
    """The rows of a table whose path lacks `word`, as one file with the same footer."""
    rows = table(folder)
    keep = [word not in path for path in rows["path"].to_pylist()]
    path = WORK / f"{name}.parquet"
    pq.write_table(rows.filter(pa.array(keep)), path)
    return path


def half(path, parity):
    rows = pq.read_table(path)
    out = path.with_name(f"{path.stem}-{parity}.parquet")
    pq.write_table(rows.filter(pa.array([i % 2 == parity for i in range(len(rows))])), out)
    return out


def matrix(folder):
    rows = table(folder)
    return np.stack(rows["features"].to_numpy()), np.array(rows["label"].to_pylist())


def sklearn_grid(source, validation):
    """The best top-1 over the same grid, classes weighted and not."""
    x, y = matrix(source)
    vx, vy = matrix(validation)
    scaler = StandardScaler().fit(x)
    x, vx = scaler.transform(x), scaler.transform(vx)
    best = 0
    for weights in ("balanced", None):
        for l2 in STRENGTHS:
            model = LogisticRegression(C=1 / (l2 * len(y)), tol=1e-4, max_iter=2000, class_weight=weights).fit(x, y)
            best = max(best, (model.predict(vx) == vy).mean())
    return best


def predict(model, source):
    out = run("predict", "--model", model, source, "--json", "--top", "200")
    return [json.loads(line) for line in out.splitlines()]


def auroc(known, unknown):
    known, unknown = np.sort(known), np.sort(unknown)
    below = np.searchsorted(unknown, known, "left") + np.searchsorted(unknown, known, "right")
    return below.sum() / 2 / len(known) / len(unknown)


def wilson(successes, trials, z=1.959964):
    share = successes / trials
    middle = (share + z * z / 2 / trials) / (1 + z * z / trials)
    reach = z / (1 + z * z / trials) * (share * (1 - share) / trials + z * z / 4 / trials ** 2) ** 0.5
    return middle - reach, middle + reach


def rejection(add):
    source = without(features("train", None), "/Packages/", "train-fruit")
    known = without(features("val", None), "/Packages/", "val-fruit")
    for kind in ("logistic", "lda"):
        model = WORK / f"fruit-{kind}.onnx"
        train(source, half(known, 0), model, "--head", kind)
        rows = predict(model, GROCERY / "val")
        scores = [r["known"] for r in rows if "/Packages/" not in r["path"]]
        cartons = [r["known"] for r in rows if "/Packages/" in r["path"]]
        other = set(pq.read_table(half(known, 1))["path"].to_pylist())
        tried = [r for r in rows if r["path"] in other]
        rejected = sum(r["rejected"] for r in tried)
        low, high = wilson(rejected, len(tried))
        add("rejection", kind, "AUROC", auroc(np.array(scores), np.array(cartons)))
        add("rejection", kind, f"rejected of {len(tried)} known photos, 0.05 stated; interval {low:.3f} to {high:.3f}", rejected / len(tried))
        add("rejection", kind, "cartons rejected", np.mean([r["rejected"] for r in rows if "/Packages/" in r["path"]]))


def agreement(model, add):
    session = onnxruntime.InferenceSession(model)
    names = {p: v for p, v in session.get_modelmeta().custom_metadata_map.items()}["pomona.head.classes"]
    names = [line.split("\t")[0] for line in names.splitlines()]
    worst = differ = 0
    rows = predict(model, GROCERY / "val")
    for row in rows:
        photo = np.asarray(Image.open(row["path"][5:]).convert("RGB").resize((224, 224)), np.float32) / 127.5 - 1
        theirs = session.run(["probabilities"], {session.get_inputs()[0].name: photo[None]})[0][0]
        ours = {top["class"]: top["probability"] for top in row["top"]}
        ours = np.array([ours[name] for name in names])
        worst, differ = max(worst, np.abs(ours - theirs).max()), differ + int(ours.argmax() != theirs.argmax())
    add("onnx", model.stem, "largest difference of a probability", worst)
    add("onnx", model.stem, f"of {len(rows)} photos, classes that differ", differ)


def calibration(add):
    """The calibration error of one head and of answers that are right as often as they say, drawn at random with its own confidences."""
    views = VIEWS["whole, centre 75 and 50 %"]
    model = WORK / "calibrated.onnx"
    result = train(features("train", views), features("val", views), model, "--head", "logistic", "--strength", "0.01")
    add("calibration", "logistic 0.01, whole, centre 75 and 50 %", "top-1 on val", result["top1"])
    add("calibration", "logistic 0.01, whole, centre 75 and 50 %", "ECE before temperature", result["ece_before"])
    add("calibration", "logistic 0.01, whole, centre 75 and 50 %", "ECE after temperature", result["ece"])
    confidence = np.array([row["probability"] for row in predict(model, GROCERY / "val")])
    bins = np.minimum((confidence * 15).astype(int), 14)
    random, errors = np.random.default_rng(1), []
    for _ in range(2000):
        right = random.random(len(confidence)) < confidence
        errors.append(sum(abs(confidence[bins == b].sum() - right[bins == b].sum()) for b in range(15)) / len(confidence))
    add("calibration", "perfectly calibrated, same confidences", "mean ECE by chance", np.mean(errors))
    add("calibration", "perfectly calibrated, same confidences", "95th percentile of ECE by chance", np.percentile(errors, 95))


def embedded(add):
    """The classifier in the binary, as `pomona evaluate` judges it."""
    out = WORK / "embedded"
    result = json.loads(run("evaluate", GROCERY / "val", "--out", out, "--json", "-q"))
    add("embedded", "logistic 0.03", "top-1 on val", result["top1"]["value"])
    add("embedded", "logistic 0.03", "coarse top-1 on val", result["coarse_top1"]["value"])
    add("embedded", "logistic 0.03", "ECE before temperature", result["ece_before_temperature"])
    add("embedded", "logistic 0.03", "ECE after temperature", result["ece"])
    add("embedded", "logistic 0.03", "known photos rejected", result["rejected"] / result["judged"])


def folds(add):
    """What folds of photos that are nearly alike promise, and what becomes of it on val."""
    for kind in ("logistic", "lda"):
        model = WORK / f"folds-{kind}.onnx"
        result = json.loads(run("train", features("train", None), "--backbone", common.MODEL, "--out", model, "--overwrite", "--json", "-q",
                                "--head", kind))
        judged = json.loads(run("evaluate", features("val", None), "--model", model, "--out", WORK / f"folds-{kind}", "--json", "-q"))
        add("folds", kind, "top-1 in folds of train", result["top1"])
        add("folds", kind, "top-1 on val", judged["top1"]["value"])
        add("folds", kind, "ECE on val, temperature from folds", judged["ece"])
        add("folds", kind, "val rejected, 0.05 stated from folds", judged["rejected"] / judged["judged"])


def head_only(add):
    random = np.random.default_rng(1)
    rows = pa.table({"path": [f"file:/{i}.jpg" for i in range(131 * 3)], "label": [f"Class number {i % 131}" for i in range(131 * 3)],
                     "features": pa.FixedSizeListArray.from_arrays(random.random(131 * 3 * 1280, np.float32), 1280).cast(pa.list_(pa.float32()))})
    pq.write_table(rows, WORK / "131.parquet")
    run("train", WORK / "131.parquet", "--backbone", common.MODEL, "--head", "lda", "--head-only", "--fp16", "--out", WORK / "131.onnx",
        "--overwrite", "-q")
    add("head_only", "lda", "bytes", (WORK / "131.onnx").stat().st_size)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    rows = []

    def add(part, subject, what, value):
        rows.append({"part": part, "subject": subject, "what": what, "value": f"{value:.6g}"})
        print(f"{part:10s} {subject:28s} {what}: {value:.6g}")

    for name, views in VIEWS.items():
        source, validation = features("train", views), features("val", views)
        for kind in ("logistic", "ridge", "lda", "knn", "prototype"):
            model = WORK / f"{kind}-{list(VIEWS).index(name)}.onnx"
            result = train(source, validation, model, "--head", kind)
            subject = f"{kind}, {name}"
            add("head", subject, "top-1 on val", result["top1"])
            add("head", subject, "coarse top-1 on val", result["coarse"])
            add("head", subject, "ECE after temperature", result["ece"])
        if views is None:
            add("head", "scikit-learn logistic, one", "top-1 on val", sklearn_grid(source, validation))
    for kind in ("logistic", "lda"):
        agreement(WORK / f"{kind}-0.onnx", add)
    rejection(add)
    calibration(add)
    embedded(add)
    folds(add)
    head_only(add)
    if arguments.keep:
        common.append_rows("classifier", rows)


if __name__ == "__main__":
    main()
