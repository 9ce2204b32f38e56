"""Views and other input sizes from features to answers: a classifier looks at photos as those it was trained on were looked at."""
import csv
import json
import subprocess

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from conftest import POMONA


@pytest.fixture(scope="module")
def trained(pomona, photos, tmp_path_factory):
    """Features with views at another size, the classifier of them, and its head alone."""
    folder = tmp_path_factory.mktemp("views")
    pomona("features", photos, "--out", folder / "features", "--views", "100c,60c,60cm", "--size", "96", "-q")
    for name, more in (("fruit.onnx", []), ("head.onnx", ["--head-only"])):
        pomona("train", folder / "features", "--out", folder / name, "--strength", "0.01", "--folds", "2", "-q", *more)
    return folder


def answers(pomona, *arguments, **options):
    return [json.loads(line) for line in pomona("predict", *arguments, "--json", **options).stdout.splitlines()]


def test_the_file_says_how_its_photos_are_looked_at(pomona, trained):
    info = json.loads(pomona("model", "info", trained / "fruit.onnx", "--json").stdout)
    assert " size=96x96 " in info["profile"] and info["profile"].endswith(" views=100c,60c,60cm")
    assert (info["views"], info["input_width"]) == (3, 96)
    run = json.loads((trained / "features/run.json").read_text())
    assert info["feature_space"] == run["feature_space"] and info["profile"] == run["profile"]["text"]


def test_features_of_the_classifier_are_those_it_was_trained_on(pomona, trained, photos, tmp_path):
    pomona("features", photos, "--out", tmp_path / "again", "--model", trained / "fruit.onnx", "-q")
    assert json.loads(pomona("diff", tmp_path / "again", trained / "features", "--json").stdout)["identical"] == 120


def test_answers_are_those_to_the_stored_features(pomona, trained, photos):
    """The softmax of the file's weights and the stored means, in numpy."""
    onnx = pytest.importorskip("onnx")
    table = pd.concat(pd.read_parquet(path) for path in sorted((trained / "features/Results").glob("part-*")))
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in
               onnx.load(trained / "head.onnx").graph.initializer}
    features = np.stack(table.features.to_numpy()).astype(np.float64)
    logits = features @ weights["pomona.head/weight"].astype(np.float64).T + weights["pomona.head/bias"]
    chances = np.exp(logits - logits.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    rows = answers(pomona, photos, "--model", trained / "fruit.onnx")
    assert [row["path"] for row in rows] == list(table.path)
    assert np.abs(np.array([row["probability"] for row in rows]) - chances.max(1)).max() < 1e-9
    assert answers(pomona, photos, "--head", trained / "head.onnx") == rows


def test_a_photo_on_standard_input_has_as_many_views(pomona, trained, photos):
    photo = next(photos.rglob("*.jpg"))
    done = subprocess.run([POMONA, "predict", "--model", trained / "fruit.onnx", "-", "--json"],
                          input=photo.read_bytes(), capture_output=True, check=True)
    row, = answers(pomona, photo, "--model", trained / "fruit.onnx")
    assert json.loads(done.stdout) == {**row, "path": "-"}


def test_views_of_a_head_are_no_option(pomona, trained, photos, tmp_path):
    model = trained / "fruit.onnx"
    refused = pomona("features", photos, "--out", tmp_path / "o", "--model", model, "--views", "flip", status=1)
    assert "made for others" in refused.stderr and not (tmp_path / "o").exists()
    pomona("features", photos, "--out", tmp_path / "plain", "-q")
    refused = pomona("train", tmp_path / "plain", "--backbone", model, "--out", tmp_path / "x.onnx", "-q", status=None)
    assert refused.returncode in (1, 2) and not (tmp_path / "x.onnx").exists()


def test_compare_counts_the_work_of_all_views(pomona, trained, photos, tmp_path):
    pomona("compare", trained / "fruit.onnx", "embedded", "--on", photos, "--out", tmp_path / "o", "--sizes", "96,128", "--quick",
           "--seconds", "0.05", "--photos", "10")
    with open(tmp_path / "o/comparison.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["error"] for row in rows] == [""] * 4
    small, large, plain_small, plain_large = (int(row["macs"]) for row in rows)
    assert small < large and small == 3 * plain_small and large == 3 * plain_large
    assert float(rows[0]["top1"]) > 0.9  # at its own size, on what it has learnt from
