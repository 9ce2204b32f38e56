"""pomona labels: names change, answers do not, except that merged classes add up."""
import json

import onnx
import onnxruntime
import pyarrow.parquet as pq
import numpy as np
import pytest


@pytest.fixture(scope="module")
def model(pomona, photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels")
    pomona("features", photos, "--out", folder / "f", "-q")
    pomona("train", folder / "f", "--out", folder / "m.onnx", "--head", "lda", "-q")
    return folder / "m.onnx", folder / "f"


def names(pomona, path):
    return [c["name"] for c in json.loads(pomona("labels", path, "--json").stdout)["classes"]]


def answers(pomona, path, photos):
    lines = pomona("predict", "--model", path, photos, "--json", "--top", "9").stdout.splitlines()
    return [{top["class"]: top["probability"] for top in json.loads(line)["top"]} for line in lines]


def test_rename_and_alias(pomona, model, photos, tmp_path):
    before = names(pomona, model[0])
    out = tmp_path / "n.onnx"
    pomona("labels", "rename", model[0], before[0], 'a/"b" 🍎', "--out", out)
    pomona("labels", "alias", out, before[1], "also", "--out", out)
    onnx.checker.check_model(onnx.load(out))
    assert names(pomona, out) == ['a/"b" 🍎'] + before[1:]
    assert json.loads(pomona("labels", out, "--json").stdout)["labels_version"] == 3
    for old, new in zip(answers(pomona, model[0], photos), answers(pomona, out, photos)):
        assert new['a/"b" 🍎'] == old[before[0]] and new[before[1]] == old[before[1]]
    for arguments, part in ((("rename", out, "nobody", "x"), "nobody"), (("rename", out, before[1], before[2]), before[2]),
                            (("alias", out, before[2], "also"), "also")):
        assert part in pomona("labels", *arguments, "--out", tmp_path / "no.onnx", status=None).stderr
        assert not (tmp_path / "no.onnx").exists()


def test_merged_classes_add_up(pomona, model, photos, tmp_path):
    before = names(pomona, model[0])
    out = tmp_path / "n.onnx"
    pomona("labels", "merge", model[0], before[0], before[2], "--into", "both", "--out", out)
    assert sorted(names(pomona, out)) == sorted(["both", before[1], *before[3:]])
    for old, new in zip(answers(pomona, model[0], photos), answers(pomona, out, photos)):
        assert abs(new["both"] - old[before[0]] - old[before[2]]) < 1e-12
    session = onnxruntime.InferenceSession(out)
    assert [o.shape[1] for o in session.get_outputs() if o.name == "probabilities"] == [len(before) - 1]
    # The backbone in it is still the one that made the features.
    pomona("features", photos, "--out", tmp_path / "g", "--model", out, "-q")
    ours, theirs = (np.stack(pq.read_table(folder / "Results")["features"].to_numpy()) for folder in (tmp_path / "g", model[1]))
    assert (ours == theirs).all()
    pomona("train", tmp_path / "g", "--out", tmp_path / "again.onnx", "--head", "lda", "-q")
    assert (tmp_path / "again.onnx").read_bytes() == model[0].read_bytes()


def test_hierarchy(pomona, model, photos, tmp_path):
    before = names(pomona, model[0])
    csv = tmp_path / "h.csv"
    csv.write_text("class,coarse\n" + "".join(f"{name},{'even' if i % 2 == 0 else 'odd'}\n" for i, name in enumerate(before)))
    out = tmp_path / "n.onnx"
    pomona("labels", "hierarchy", model[0], csv, "--out", out)
    rows = [json.loads(line) for line in pomona("predict", "--model", out, photos, "--json", "--top", "9").stdout.splitlines()]
    for row in rows:
        even = sum(top["probability"] for top in row["top"] if before.index(top["class"]) % 2 == 0)
        assert abs(max(even, 1 - even) - row["coarse_probability"]) < 1e-9
