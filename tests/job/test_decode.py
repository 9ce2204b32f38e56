"""Scaled decoding from features to answers: another feature space, which no one enters by accident."""
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def large(pomona, tmp_path_factory):
    """40 synthetic photos of 800 x 800, 2 labels; read only."""
    folder = tmp_path_factory.mktemp("large") / "photos"
    pomona("sample", "--out", folder, "--count", "40", "--classes", "2", "--size", "800", "-q")
    return folder


@pytest.fixture(scope="module")
def features(pomona, large, tmp_path_factory):
    """Features of them, exact and scaled."""
    folder = tmp_path_factory.mktemp("decode")
    for decode in "exact", "scaled":
        pomona("features", large, "--out", folder / decode, "--decode", decode, "-q")
    return folder


@pytest.fixture(scope="module")
def classifiers(pomona, features):
    for decode in "exact", "scaled":
        pomona("train", features / decode, "--out", features / f"{decode}.onnx", "--strength", "0.01", "--folds", "2", "-q")
    return features


def run_json(folder):
    return json.loads((folder / "run.json").read_text())


def test_run_json_and_footer_say_so(pomona, features, large, tmp_path):
    exact, scaled = run_json(features / "exact"), run_json(features / "scaled")
    assert " decode=exact " in exact["profile"]["text"] and " decode=scaled " in scaled["profile"]["text"]
    for what in "feature_space", "job":
        assert exact[what] != scaled[what]
    assert exact["profile"]["hash"] != scaled["profile"]["hash"]
    pomona("features", large, "--out", tmp_path / "default", "-q")
    assert run_json(tmp_path / "default")["job"] == exact["job"]
    text = pomona("features", large, "--out", tmp_path / "dry", "--decode", "scaled", "--dry-run").stdout
    assert " decode=scaled " in text
    info = json.loads(pomona("model", "info", "--decode", "scaled", "--json").stdout)
    assert info["profile"] == scaled["profile"]["text"] and info["feature_space"] == scaled["feature_space"]


def test_features_are_nearly_those_of_exact_decoding(pomona, features):
    diff = json.loads(pomona("diff", features / "exact", features / "scaled", "--json", status=3).stdout)
    assert diff["common"] == 40 and diff["identical"] == 0
    assert diff["cosine_min"] > 0.999


def test_small_photos_have_the_same_features(pomona, photos, tmp_path):
    for decode in "exact", "scaled":
        pomona("features", photos, "--out", tmp_path / decode, "--decode", decode, "--limit", "20", "-q")
    assert json.loads(pomona("diff", tmp_path / "exact", tmp_path / "scaled", "--json").stdout)["identical"] == 20
    assert run_json(tmp_path / "exact")["feature_space"] != run_json(tmp_path / "scaled")["feature_space"]


def test_the_two_are_never_mixed(pomona, features, tmp_path):
    both = tmp_path / "both"
    both.mkdir()
    for decode in "exact", "scaled":
        for part in (features / decode / "Results").glob("part-*"):
            shutil.copy(part, both / part.name)
    pomona("pca", both, "--out", tmp_path / "pca", status=2)
    pomona("moments", "merge", features / "exact/moments.pom", features / "scaled/moments.pom", "--out", tmp_path / "m.pom", status=2)
    pomona("train", features / "exact", "--val", features / "scaled", "--out", tmp_path / "x.onnx", "-q", status=2)


def test_a_classifier_decodes_as_its_head_was_trained(pomona, classifiers, large, tmp_path):
    model = classifiers / "scaled.onnx"
    assert " decode=scaled " in json.loads(pomona("model", "info", model, "--json").stdout)["profile"]
    rows = [json.loads(line) for line in pomona("predict", large, "--model", model, "--json").stdout.splitlines()]
    again = [json.loads(line) for line in pomona("predict", large, "--model", model, "--decode", "scaled", "--json").stdout.splitlines()]
    assert rows == again and len(rows) == 40
    refused = pomona("predict", large, "--model", model, "--decode", "exact", status=1).stderr
    assert "trained with 'scaled'" in refused
    refused = pomona("predict", large, "--model", classifiers / "exact.onnx", "--decode", "scaled", status=1).stderr
    assert "trained with 'exact'" in refused
    pomona("evaluate", large, "--model", model, "--decode", "exact", "--out", tmp_path / "e", status=1)
    pomona("evaluate", large, "--model", model, "--decode", "scaled", "--out", tmp_path / "e", "-q")
    pomona("evaluate", classifiers / "exact", "--model", model, "--out", tmp_path / "f", "-q", status=2)  # a table of the other space
    pomona("features", large, "--model", model, "--decode", "exact", "--out", tmp_path / "g", status=1)
    assert not (tmp_path / "g").exists()
    pomona("features", large, "--model", model, "--out", tmp_path / "g", "-q")
    assert json.loads(pomona("diff", tmp_path / "g", classifiers / "scaled", "--json").stdout)["identical"] == 40


def test_compare(pomona, classifiers, large, tmp_path):
    pomona("compare", classifiers / "exact.onnx", classifiers / "scaled.onnx", "--on", large, "--out", tmp_path / "c", "--decode", "scaled",
           "--quick", "--seconds", "0.05", "--photos", "10", "-q")
    exact, scaled = json.loads((tmp_path / "c/comparison.json").read_text())["rows"]
    assert "trained with 'exact'" in exact["error"] and not scaled.get("error")
    assert scaled["decode"] == "scaled"


def test_views_need_their_share_of_the_pixels(pomona, large, tmp_path):
    """60 % of 800 pixels, halved, are enough for an input of 96 but not for one of 160."""
    for size, same in (96, 0), (160, 5):
        for decode in "exact", "scaled":
            pomona("features", large, "--out", tmp_path / f"{decode}{size}", "--decode", decode, "--views", "scales", "--size", str(size),
                   "--limit", "5", "-q")
        assert " decode=scaled " in run_json(tmp_path / f"scaled{size}")["profile"]["text"]
        diff = json.loads(pomona("diff", tmp_path / f"exact{size}", tmp_path / f"scaled{size}", "--json", status=None).stdout)
        assert diff["identical"] == same and diff["cosine_min"] > 0.99


def test_damaged_photos_fail_alike(pomona, large, tmp_path):
    folder = tmp_path / "p"
    folder.mkdir()
    data = next(large.rglob("*.jpg")).read_bytes()
    (folder / "1-whole.jpg").write_bytes(data)
    (folder / "2-cut.jpg").write_bytes(data[:len(data) // 2])
    (folder / "3-no-end.jpg").write_bytes(data[:-2])
    (folder / "4-text.jpg").write_bytes(b"hello")
    Image.new("RGB", (8000, 7000)).save(folder / "5-many.jpg")  # 56 million pixels, also when few of them are decoded
    errors = {}
    for decode in "exact", "scaled":
        pomona("features", folder, "--out", tmp_path / decode, "--decode", decode, "--max-errors", "-1", "-q")
        table = pd.concat(pd.read_parquet(path) for path in (tmp_path / decode / "Errors").glob("part-*"))
        errors[decode] = table.sort_values("path").reason.to_list()
    assert errors["exact"] == errors["scaled"] and len(errors["exact"]) == 4


def test_another_word_is_bad_usage(pomona, large, tmp_path):
    for command in (["features", large, "--out", tmp_path / "o"], ["run", large, "--out", tmp_path / "o"], ["predict", large],
                    ["evaluate", large, "--out", tmp_path / "o"], ["model", "info"]):
        assert "exact or scaled" in pomona(*command, "--decode", "fast", status=1).stderr
    assert not (tmp_path / "o/Results").exists()


def test_threads_do_not_show(pomona, large, features, tmp_path):
    pomona("features", large, "--out", tmp_path / "one", "--decode", "scaled", "--threads", "1", "-q")
    ours, theirs = ({path.name: path.read_bytes() for path in (folder / "Results").glob("part-*")}
                    for folder in (tmp_path / "one", features / "scaled"))
    assert ours == theirs


def test_scaled_features_are_finite(features):
    table = pd.concat(pd.read_parquet(path) for path in (features / "scaled/Results").glob("part-*"))
    assert np.isfinite(np.stack(table.features.to_numpy())).all()
