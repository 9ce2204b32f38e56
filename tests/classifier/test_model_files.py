"""pomona model export, strip, join: parts of a classifier's file, and the same answers from them."""
import hashlib
import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper


@pytest.fixture(scope="module")
def work(pomona, photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    pomona("features", photos, "--out", folder / "f", "-q")
    for head in ("lda", "knn"):
        pomona("train", folder / "f", "--out", folder / f"{head}.onnx", "--head", head, "-q")
    return folder


def run(path, x, outputs=None):
    session = onnxruntime.InferenceSession(path)
    names = outputs or [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: x})))


PHOTO = np.random.default_rng(1).normal(size=(2, 3, 160, 160)).astype(np.float32)


def test_backbone_head_and_join(pomona, work, tmp_path):
    model = work / "lda.onnx"
    info = json.loads(pomona("model", "info", model, "--json").stdout)
    pomona("model", "export", model, "--backbone", "--out", tmp_path / "b.onnx")
    assert hashlib.sha256((tmp_path / "b.onnx").read_bytes()).hexdigest() == info["hash"]
    pomona("model", "export", model, "--head", "--out", tmp_path / "h.onnx")
    onnx.checker.check_model(onnx.load(tmp_path / "h.onnx"))
    pomona("model", "join", tmp_path / "b.onnx", tmp_path / "h.onnx", "--out", tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == model.read_bytes()
    pomona("model", "join", tmp_path / "h.onnx", "--out", tmp_path / "embedded.onnx")  # the embedded backbone is the same
    assert (tmp_path / "embedded.onnx").read_bytes() == model.read_bytes()
    pomona("model", "export", model, "--head", "--fp16", "--out", tmp_path / "half.onnx")
    assert (tmp_path / "half.onnx").stat().st_size < 0.6 * (tmp_path / "h.onnx").stat().st_size
    pomona("model", "join", tmp_path / "b.onnx", tmp_path / "half.onnx", "--out", tmp_path / "halved.onnx")
    assert (tmp_path / "halved.onnx").stat().st_size < model.stat().st_size
    pomona("model", "export", tmp_path / "halved.onnx", "--head", "--out", tmp_path / "half-again.onnx")
    assert (tmp_path / "half-again.onnx").read_bytes() == (tmp_path / "half.onnx").read_bytes()


@pytest.mark.parametrize("head", ["lda", "knn"])
def test_optimised_gives_the_same_numbers(pomona, work, tmp_path, head):
    model, out = work / f"{head}.onnx", tmp_path / "o.onnx"
    pomona("model", "export", model, "--optimised", "--out", out)
    onnx.checker.check_model(onnx.load(out))
    before, after = run(model, PHOTO), run(out, PHOTO)
    assert set(after) == {"probabilities", "known"}  # the features are no answer
    for name, values in after.items():
        assert (values == before[name]).all()
    metadata = {p.key for p in onnx.load(out).metadata_props}
    assert "pomona.head.classes" in metadata and "pomona.backbone" not in metadata
    assert out.stat().st_size < model.stat().st_size
    assert "no head" in pomona("model", "export", out, "--backbone", "--out", tmp_path / "x.onnx", status=2).stderr


def clutter():
    """A network with dead nodes, copies in a chain, a Dropout, documentation and metadata of others."""
    weight = numpy_helper.from_array(np.random.default_rng(2).normal(size=(4, 3, 3, 3)).astype(np.float32), "w")
    unused = numpy_helper.from_array(np.zeros(1000, np.float32), "unused")
    nodes = [helper.make_node("Identity", ["w"], ["w1"]), helper.make_node("Identity", ["w1"], ["w2"]),
             helper.make_node("Conv", ["x", "w2"], ["c"], doc_string="made by somebody on some machine", strides=[2, 2]),
             helper.make_node("Dropout", ["c"], ["d"]), helper.make_node("Relu", ["d"], ["r"]),
             helper.make_node("Exp", ["c"], ["dead"]), helper.make_node("GlobalAveragePool", ["r"], ["p"]),
             helper.make_node("Flatten", ["p"], ["flat"]), helper.make_node("Identity", ["flat"], ["y"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 16, 16])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4])], [weight, unused], doc_string="secret",
                              value_info=[helper.make_tensor_value_info("c", TensorProto.FLOAT, ["N", 4, 7, 7])])
    model = helper.make_model(graph, producer_name="somebody", doc_string="secret", opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {"author": "somebody", "pomona.profile_note": "kept"})
    return model


@pytest.mark.parametrize("action", [("export", "--optimised"), ("strip",)])
def test_clutter_goes(pomona, tmp_path, action):
    source, out = tmp_path / "m.onnx", tmp_path / "o.onnx"
    onnx.save(clutter(), source)
    pomona("model", action[0], source, *action[1:], "--out", out)
    after = onnx.load(out)
    onnx.checker.check_model(after)
    assert [node.op_type for node in after.graph.node] == ["Conv", "Relu", "GlobalAveragePool", "Flatten", "Identity"]
    assert [t.name for t in after.graph.initializer] == ["w"] and not after.graph.value_info
    assert b"somebody" not in out.read_bytes() and b"secret" not in out.read_bytes()
    assert [p.key for p in after.metadata_props] == ["pomona.profile_note"]
    x = PHOTO[:, :, :16, :16]
    assert (run(source, x)["y"] == run(out, x)["y"]).all()


def test_mobilenet_loses_its_old_classes(pomona, shared, photos, tmp_path):
    """A head on MobileNetV2's features: what computed the 1,000 classes of ImageNet is not needed any more."""
    model = shared / "data/models/mobilenet_v2_1.0_224.onnx"
    pomona("features", photos, "--out", tmp_path / "f", "--model", model, "-q", "--limit", "60")
    pomona("train", tmp_path / "f", "--backbone", model, "--out", tmp_path / "m.onnx", "--head", "lda", "-q")
    pomona("model", "export", tmp_path / "m.onnx", "--optimised", "--out", tmp_path / "o.onnx")
    assert (tmp_path / "o.onnx").stat().st_size < (tmp_path / "m.onnx").stat().st_size - 1280 * 1000 * 4
    x = np.random.default_rng(3).normal(size=(1, 224, 224, 3)).astype(np.float32)
    before, after = run(tmp_path / "m.onnx", x, ["probabilities"]), run(tmp_path / "o.onnx", x, ["probabilities"])
    assert np.abs(before["probabilities"] - after["probabilities"]).max() < 1e-6


def test_bad_input(pomona, work, photos, tmp_path):
    model = work / "lda.onnx"
    for arguments, status, part in (((), 1, "--out"), (("--out", tmp_path / "o.onnx"), 1, "one of"),
                                    (("--backbone", "--head", "--out", tmp_path / "o.onnx"), 1, "one of"),
                                    (("--backbone", "--out", model), 2, "--overwrite"), (("--head", "--out", tmp_path / "no/o.onnx"), None, "no/o.onnx")):
        done = pomona("model", "export", model, *arguments, status=status)
        assert part in done.stderr and done.returncode != 0
    (tmp_path / "broken.onnx").write_bytes(model.read_bytes()[:-100])
    assert pomona("model", "export", tmp_path / "broken.onnx", "--backbone", "--out", tmp_path / "o.onnx", status=2).stderr
    assert not (tmp_path / "o.onnx").exists()
    onnx.save(clutter(), tmp_path / "other.onnx")
    pomona("model", "export", model, "--head", "--out", tmp_path / "h.onnx")
    assert pomona("model", "join", tmp_path / "other.onnx", tmp_path / "h.onnx", "--out", tmp_path / "o.onnx", status=2).stderr
    assert not (tmp_path / "o.onnx").exists()
