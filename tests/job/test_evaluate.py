"""pomona evaluate: its figures against scikit-learn's, and everything that can be wrong."""
import csv
import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import log_loss, precision_recall_fscore_support, roc_auc_score

CHILDREN = {"report.html", "confusion.png", "confusion.svg", "reliability.png", "reliability.svg", "evaluation.json",
            "predictions.csv", "per_class.csv", "confusion.csv"}


@pytest.fixture(scope="module")
def work(pomona, tmp_path_factory):
    """Photos to learn from, others to judge on, and a classifier with a hierarchy that is often wrong."""
    folder = tmp_path_factory.mktemp("evaluate")
    for name, seed in (("train", 1), ("test", 2)):
        pomona("sample", "--out", folder / name, "--count", "90", "--classes", "6", "--seed", str(seed), "-q")
        pomona("features", folder / name, "--out", folder / f"{name}-features", "-q")
    labels = sorted({path.parent.name for path in (folder / "train").rglob("*.jpg")})
    (folder / "h.csv").write_text("class,coarse\n" + "".join(f"{label},{'ab'[i % 2]}\n" for i, label in enumerate(labels)))
    pomona("train", folder / "train-features", "--out", folder / "m.onnx", "--head", "lda", "--strength", "0.9", "--on", "pca:3",
           "--hierarchy", folder / "h.csv", "-q")
    return folder, labels


def rows(path):
    return list(csv.DictReader(open(path)))


def test_figures(pomona, work, tmp_path):
    folder, labels = work
    text = pomona("evaluate", folder / "test", "--model", folder / "m.onnx", "--out", tmp_path / "o").stdout
    assert "top-1" in text and "report.html" in text
    assert {path.name for path in (tmp_path / "o").iterdir()} == CHILDREN
    result = json.loads((tmp_path / "o/evaluation.json").read_text())
    predictions = rows(tmp_path / "o/predictions.csv")
    right = [row["label"] == row["class"] for row in predictions]
    assert [row["right"] for row in predictions] == [str(r).lower() for r in right]
    assert result["judged"] == 90 and abs(result["top1"]["value"] - np.mean(right)) < 1e-12
    answers = [json.loads(line) for line in
               pomona("predict", "--model", folder / "m.onnx", folder / "test", "--json", "--top", "6").stdout.splitlines()]
    p = np.array([[{top["class"]: top["probability"] for top in row["top"]}[label] for label in labels] for row in answers])
    truth = [row["label"] for row in predictions]
    assert abs(result["log_loss"] - log_loss(truth, p / p.sum(1, keepdims=True), labels=labels)) < 1e-9
    confidence = p.max(1)
    bins = np.minimum((confidence * 15).astype(int), 14)
    ece = sum(abs(confidence[bins == b].sum() - np.array(right)[bins == b].sum()) for b in range(15)) / 90
    assert abs(result["ece"] - ece) < 1e-9
    precision, recall, f1, support = precision_recall_fscore_support(truth, [row["class"] for row in predictions], labels=labels, zero_division=0)
    for row, *expected in zip(rows(tmp_path / "o/per_class.csv"), precision, recall, f1, support):
        assert np.allclose([float(row[name]) for name in ("precision", "recall", "f1", "photos")], expected)
    assert sum(int(row["photos"]) for row in rows(tmp_path / "o/confusion.csv")) == 90
    coarse = {row["class"]: row["coarse"] for row in rows(tmp_path / "o/per_class.csv")}
    assert abs(result["coarse_top1"]["value"] - np.mean([row["coarse"] == coarse[row["label"]] for row in predictions])) < 1e-12
    assert result["coarse_top5"]["value"] == 1  # there are two coarse classes
    n, share, z = 90, np.mean(right), 1.959963984540054
    middle, half = (share + z * z / 2 / n) / (1 + z * z / n), z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / 4 / n / n)
    assert abs(result["top1"]["low"] - (middle - half)) < 1e-9


def test_photos_and_features_and_threads_agree(pomona, work, tmp_path):
    folder, _ = work
    pomona("evaluate", folder / "test", "--model", folder / "m.onnx", "--out", tmp_path / "a", "--threads", "1", "-q")
    pomona("evaluate", folder / "test", "--model", folder / "m.onnx", "--out", tmp_path / "b", "--threads", "3", "-q")
    pomona("evaluate", folder / "test-features", "--model", folder / "m.onnx", "--out", tmp_path / "c", "-q")
    parts = sorted((folder / "test-features/Results").glob("*.parquet"))
    pq.write_table(pa.concat_tables(pq.read_table(part) for part in parts), tmp_path / "table")  # it begins like one
    pomona("evaluate", tmp_path / "table", "--model", folder / "m.onnx", "--out", tmp_path / "d", "-q")
    for name in ("predictions.csv", "per_class.csv", "confusion.csv"):
        contents = {(tmp_path / part / name).read_bytes() for part in "abcd"}
        assert len(contents) == 1


def test_rejection(pomona, work, tmp_path):
    """The classes of one kind are unknown to a classifier that has learnt from the others."""
    folder, labels = work
    table = pa.concat_tables(pq.read_table(part) for part in sorted((folder / "train-features/Results").glob("*.parquet")))
    few = table.filter(pa.array([label in labels[:3] for label in table["label"].to_pylist()]))
    pq.write_table(few, tmp_path / "few.parquet")
    pomona("train", tmp_path / "few.parquet", "--out", tmp_path / "m.onnx", "--head", "lda", "-q")
    pomona("evaluate", folder / "test", "--model", tmp_path / "m.onnx", "--out", tmp_path / "o", "--unknown", folder / "train-features", "-q")
    result = json.loads((tmp_path / "o/evaluation.json").read_text())
    predictions = rows(tmp_path / "o/predictions.csv")
    assert len(predictions) == 180 and result["unknown"] == 180 - result["judged"] and result["unseen"] == 90 - result["judged"]
    known = [row["right"] != "" for row in predictions]
    auroc = roc_auc_score(known, [float(row["known"]) for row in predictions])
    assert abs(auroc - result["auroc"]["value"]) < 1e-12
    assert {"rejection.png", "rejection.svg"} <= {path.name for path in (tmp_path / "o").iterdir()}
    rejected = np.mean([row["level"] == "rejected" for row, k in zip(predictions, known) if not k])
    assert abs(rejected - result["unknown_rejected"]) < 1e-12


def test_leaks(pomona, work, tmp_path):
    folder, _ = work
    same = json.loads(pomona("evaluate", folder / "train", "--model", folder / "m.onnx", "--out", tmp_path / "a",
                             "--train", folder / "train-features", "--json", "-q").stdout)
    assert same["duplicates"] == 90 and same["top1_without_leaks"]["high"] == 0
    page = (tmp_path / "a/report.html").read_text()
    assert "id=\"leakage\"" in page or "Leakage" in page
    other = json.loads(pomona("evaluate", folder / "test", "--model", folder / "m.onnx", "--out", tmp_path / "b", "--similarity", "0.9999",
                              "--train", folder / "train-features", "--group", "([^/]*)/[^/]*$", "--json", "-q").stdout)
    assert other["duplicates"] == 0 and other["shared_groups"] == 6  # the group is the folder here
    assert other["top1_without_leaks"]["high"] == 0


def test_french_overwrite_and_bad_input(pomona, work, photos, tmp_path):
    folder, labels = work
    out = tmp_path / "o"
    pomona("evaluate", folder / "test", "--model", folder / "m.onnx", "--out", out, "--lang", "fr", "-q")
    assert 'lang="fr"' in (out / "report.html").read_text()
    assert "--overwrite" in pomona("evaluate", folder / "test", "--model", folder / "m.onnx", "--out", out, status=2).stderr
    pomona("evaluate", folder / "test", "--model", folder / "m.onnx", "--out", out, "--overwrite", "-q")
    assert 'lang="en"' in (out / "report.html").read_text() and not (out / "_temporary_evaluate").exists()

    def refused(status, part, *arguments):
        stderr = pomona("evaluate", *arguments, "--out", tmp_path / "no", "-q", status=status).stderr
        assert part in stderr and stderr.count("\n") == 1, stderr
        assert not (tmp_path / "no/report.html").exists()

    (tmp_path / "empty").mkdir()
    refused(2, "empty", tmp_path / "empty", "--model", folder / "m.onnx")
    refused(2, "knows none of its labels", folder / "test")  # groceries
    refused(2, "missing", tmp_path / "missing", "--model", folder / "m.onnx")
    refused(1, "--train names", folder / "test", "--model", folder / "m.onnx", "--group", "x")
    refused(1, "not a language", folder / "test", "--model", folder / "m.onnx", "--lang", "de")
    narrow = pa.table({"path": ["file:/a"], "label": [labels[0]], "features": pa.array([[1.0, 2.0]], pa.list_(pa.float32()))})
    pq.write_table(narrow, tmp_path / "narrow.parquet")
    refused(2, "has 2 features", tmp_path / "narrow.parquet", "--model", folder / "m.onnx")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged/part-0.parquet").write_bytes(b"PAR1 no more")
    refused(2, "part-0.parquet", tmp_path / "damaged", "--model", folder / "m.onnx")  # a table, and not taken for photos
    (tmp_path / "job/Results").mkdir(parents=True)
    (tmp_path / "job/Results/part-0.parquet").write_bytes(b"PAR1 no more")
    refused(2, "part-0.parquet", tmp_path / "job", "--model", folder / "m.onnx")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/Results").symlink_to(folder / "test" / labels[0])  # a class of that name, and no table
    refused(2, "knows none of its labels", tmp_path / "photos", "--model", folder / "m.onnx")
    broken = tmp_path / "broken"
    (broken / labels[0]).mkdir(parents=True)
    (broken / labels[0] / "x.jpg").write_bytes(b"no photo")
    photo = next((folder / "test" / labels[0]).rglob("*.jpg"), None) or next((folder / "test").rglob("*.jpg"))
    (broken / labels[0] / "y.jpg").write_bytes(photo.read_bytes())
    done = pomona("evaluate", broken, "--model", folder / "m.onnx", "--out", tmp_path / "b", status=3)
    assert "1 of 2 photos failed" in done.stderr and "x.jpg" in (tmp_path / "b/report.html").read_text()
