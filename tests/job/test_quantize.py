"""pomona quantize: the QDQ file, through ONNX Runtime and through pomona, what it says about itself, and what is refused."""
import json
import sys

import numpy as np
import onnx
import onnx.numpy_helper
import onnxruntime
import pyarrow.parquet as pq
import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests/net"))
import onnx_models as zoo  # noqa: E402


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 2, 3
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # tests/net/harness.py says why
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def features(model, pixels, name):
    """Of uint8 pixels [n, h, w, 3], normalised to -1..1."""
    runner = session(model)
    x = (pixels.astype(np.float32) / 127.5 - 1).astype(np.float32)
    shape = runner.get_inputs()[0].shape
    if shape[1] == 3:
        x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    parts = [runner.run([name], {runner.get_inputs()[0].name: x[i:i + 16]})[0] for i in range(0, len(x), 16)]
    return np.concatenate(parts).reshape(len(pixels), -1)


def cosine(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def table(path):
    """Features by path of a results folder."""
    rows = pq.read_table(path / "Results").to_pydict()
    order = sorted(range(len(rows["path"])), key=lambda i: rows["path"][i])
    return [rows["path"][i] for i in order], np.array([rows["features"][i] for i in order], np.float32)


def quantize(pomona, *arguments, **options):
    return json.loads(pomona("quantize", *arguments, "--json", "-q", **options).stdout)


def properties(model):
    return {p.key: p.value for p in model.metadata_props}


@pytest.fixture(scope="module")
def noise():
    random = np.random.default_rng(5)
    return random.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8).repeat(2, 0)[:16]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """An 8-layer network with a residual, in the torch dialect; its output is the pool."""
    b = zoo.Builder(seed=3, size=32)
    x = b.relu6(b.norm(b.conv("x", 16, 3, 2, bias=False)))
    x = b.norm(b.conv(b.relu6(b.norm(b.conv(x, 16, 3, 1, 16, bias=False))), 8, bias=False))
    for _ in range(2):
        before = x
        x = b.relu6(b.norm(b.conv(x, 32, bias=False)))
        x = b.relu6(b.norm(b.conv(x, 32, 3, 1, 32, bias=False)))
        x = b.node("Add", [before, b.norm(b.conv(x, 8, bias=False))])
    x = b.node("Flatten", [b.mean(b.relu6(b.norm(b.conv(x, 24, bias=False))))])
    model = b.model(x, {"note": "kept"})
    path = tmp_path_factory.mktemp("small") / "small.onnx"
    onnx.save(model, path)
    return path, x


@pytest.fixture(scope="module")
def quantised(pomona, small, photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("quantised") / "small.int8.onnx"
    return quantize(pomona, small[0], "--calibrate", photos, "--out", out, "--photos", "60"), onnx.load(out), out


def test_onnx_runtime_and_pomona_run_the_file(pomona, small, quantised, photos, tmp_path):
    report, model, path = quantised
    onnx.checker.check_model(model, full_check=True)
    assert report["photos"] == 60 and report["listed"] == 120 and report["errors"] == 0 and not report["few_photos"]
    assert report["cosine_mean"] > 0.999 and report["cosine_min"] > 0.995
    assert report["pixels_exact"] and report["bytes"] == path.stat().st_size
    for name, file in (("fp32", small[0]), ("int8", path)):
        pomona("features", photos, "--model", file, "--out", tmp_path / name, "-q")
    paths, before = table(tmp_path / "fp32")
    again, after = table(tmp_path / "int8")
    assert paths == again
    drift = cosine(before, after)
    assert drift.mean() > 0.999 and drift.min() > 0.995
    info = json.loads(pomona("model", "info", path, "--json").stdout)
    assert info["feature_space"] == report["feature_space"] and info["hash"] == report["hash"]
    assert info["profile"] == properties(model)["pomona.profile"]


def test_what_pomona_computes_is_what_onnx_runtime_computes(small, quantised, noise):
    before = features(onnx.load(small[0]), noise, small[1])
    after = features(quantised[1], noise, small[1])
    assert cosine(before, after).min() > 0.98  # noise, calibrated on drawings of fruit


def test_structure(quantised, small):
    model = quantised[1]
    makers = {name: node for node in model.graph.node for name in node.output}
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    readers = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    convs = [n for n in model.graph.node if n.op_type == "Conv"]
    assert len(convs) == 10 and model.ir_version == 8 and model.opset_import[0].version >= 13
    for conv in convs:
        weights, bias = makers[conv.input[1]], makers[conv.input[2]]
        assert weights.op_type == bias.op_type == "DequantizeLinear"
        w, w_scale, w_zero = (constants[name] for name in weights.input)
        b, b_scale, b_zero = (constants[name] for name in bias.input)
        x = makers[conv.input[0]]
        x_scale = constants[x.input[1]]
        assert x.op_type == "DequantizeLinear" and makers[x.input[0]].op_type == "QuantizeLinear"
        assert w.dtype == np.int8 and b.dtype == np.int32 and not w_zero.any() and not b_zero.any()
        assert w_scale.shape == (w.shape[0],) and w.min() >= -127
        assert np.array_equal(b_scale, x_scale * w_scale)  # in float32
        assert (2.0 ** -40 <= w_scale).all() and (w_scale <= 2.0 ** 40).all()
        bound = np.abs(b.astype(np.int64)) + 2 * 255 * np.abs(w.astype(np.int64)).reshape(len(w), -1).sum(1)
        assert bound.max() < 2 ** 31
    adds = [n for n in model.graph.node if n.op_type == "Add" and makers.get(n.input[0], n).op_type == "Conv"]
    assert len(adds) == 2
    for add in adds:
        assert makers[add.input[1]].op_type == "DequantizeLinear"
        assert [n.op_type for n in readers[add.output[0]]] == ["QuantizeLinear"]
    pool = next(n for n in model.graph.node if n.op_type == "GlobalAveragePool")
    assert makers[pool.input[0]].op_type == "Clip" and makers[makers[pool.input[0]].input[0]].op_type == "Conv"
    assert [o.name for o in model.graph.output] == [small[1]] and [i.name for i in model.graph.input] == ["x"]
    found = properties(model)
    assert found["note"] == "kept" and "cosine_mean=" in found["pomona.quantised"]


def test_every_pixel_is_its_own_code(quantised):
    model = onnx.ModelProto()
    model.CopyFrom(quantised[1])
    first = next(n for n in model.graph.node if n.op_type == "QuantizeLinear")
    model.graph.output.append(onnx.helper.make_tensor_value_info(first.output[0], onnx.TensorProto.UINT8, None))
    pixels = np.arange(256, dtype=np.uint8).repeat(4).reshape(1, 32, 32, 1).repeat(3, 3)
    x = (pixels.astype(np.float32) / 127.5 - 1).astype(np.float32).transpose(0, 3, 1, 2)
    codes = session(model).run([first.output[0]], {"x": np.ascontiguousarray(x)})[0]
    assert np.array_equal(codes, pixels.transpose(0, 3, 1, 2))


def test_deviations_that_differ_take_the_whole_range(pomona, photos, tmp_path):
    b = zoo.Builder(seed=4, size=32)
    x = b.mean(b.relu6(b.conv(b.relu6(b.conv("x", 8, 3, 2)), 16)))
    profile = ("name=custom decode=exact orient=0 crop=none size=32x32 filter=bicubic mean=123.675,116.28,103.53 "
               "std=58.395,57.12,57.375 layout=rgb")
    onnx.save(b.model(b.node("Flatten", [x]), {"pomona.profile": profile}), tmp_path / "m.onnx")
    report = quantize(pomona, tmp_path / "m.onnx", "--calibrate", photos, "--out", tmp_path / "q.onnx", "-n", "40")
    assert not report["pixels_exact"] and report["cosine_min"] > 0.998
    model = onnx.load(tmp_path / "q.onnx")
    assert model.graph.node[0].op_type == "QuantizeLinear" and properties(model)["pomona.profile"] == profile


@pytest.mark.parametrize("layout", ["torch", "keras"])
def test_both_dialects(pomona, photos, noise, tmp_path, layout):
    b = zoo.Builder(seed=1, layout=layout)
    onnx.save(b.model(zoo.mobilenet_v2(b)), tmp_path / "m.onnx")
    report = quantize(pomona, tmp_path / "m.onnx", "--calibrate", photos, "--out", tmp_path / "q.onnx", "-n", "48")
    assert report["cosine_min"] > 0.97  # thirty layers of random weights
    model = onnx.load(tmp_path / "q.onnx")
    assert [o.name for o in model.graph.output] == ["features"]
    assert (model.graph.node[0].op_type == "Transpose") == (layout == "keras")
    assert features(model, noise, "features").shape == (16, 320)


def test_hard_swish(pomona, photos, noise, tmp_path):
    b = zoo.Builder(seed=6, size=32)
    x = b.hard_swish(b.conv("x", 8, 3, 2))
    x = b.hard_swish(b.conv(b.relu(b.conv(x, 8, 5, 1, 8)), 16))
    onnx.save(b.model(b.node("Flatten", [b.mean(x)])), tmp_path / "m.onnx")
    report = quantize(pomona, tmp_path / "m.onnx", "--calibrate", photos, "--out", tmp_path / "q.onnx", "-n", "48")
    model = onnx.load(tmp_path / "q.onnx")
    assert report["cosine_min"] > 0.998 and [n.op_type for n in model.graph.node].count("HardSwish") == 2
    assert features(model, noise, model.graph.output[0].name).shape == (16, 16)


def test_the_same_bytes_for_any_number_of_threads(pomona, photos, tmp_path):
    for threads in ("1", "2"):
        pomona("quantize", "--calibrate", photos, "--out", tmp_path / f"{threads}.onnx", "--photos", "40", "--threads", threads, "-q")
    assert (tmp_path / "1.onnx").read_bytes() == (tmp_path / "2.onnx").read_bytes()


def test_the_embedded_classifier_keeps_its_head(pomona, photos, tmp_path):
    out = tmp_path / "s.onnx"
    report = quantize(pomona, "--calibrate", photos, "--out", out)
    assert report["cosine_mean"] > 0.999 and report["cosine_min"] > 0.997
    assert report["changed"] <= 6 and report["photos"] == 120
    embedded = ROOT / "models/pomona-s.onnx"
    before, after = properties(onnx.load(embedded)), properties(onnx.load(out))
    assert after["pomona.head.classes"] == before["pomona.head.classes"]
    assert after["pomona.head.precision"] == "int8" and after["pomona.head.feature_space"] == report["feature_space"]
    assert out.stat().st_size < embedded.stat().st_size * 0.45
    rows = [json.loads(pomona("predict", "--json", "--quiet", *arguments, photos).stdout.splitlines()[0])
            for arguments in ((), ("--model", out))]
    assert rows[0].keys() == rows[1].keys()
    pomona("model", "export", out, "--backbone", "--out", tmp_path / "b.onnx")
    backbone = onnx.load(tmp_path / "b.onnx")
    assert not any(key.startswith("pomona.head") for key in properties(backbone))


def test_parts_of_the_method_earn_something(pomona, photos, tmp_path):
    arguments = ("--calibrate", photos, "--out", tmp_path / "q.onnx", "--overwrite")
    plain = quantize(pomona, *arguments, "--no-clip", "--no-equalise", "--no-correct")
    whole = quantize(pomona, *arguments)
    assert 1 - whole["cosine_mean"] < 0.7 * (1 - plain["cosine_mean"])


def test_one_photo_warns(pomona, small, photos, tmp_path):
    photo = sorted(photos.rglob("*.jpg"))[0]
    done = pomona("quantize", small[0], "--calibrate", photo, "--out", tmp_path / "q.onnx")
    assert "warning   calibrated on 1 photo" in done.stdout
    session(onnx.load(tmp_path / "q.onnx"))


def test_photos_that_are_none(pomona, small, photos, tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.jpg").write_text("no photo")
    done = pomona("quantize", small[0], "--calibrate", folder, "--out", tmp_path / "q.onnx", status=2)
    assert "none of 3 photos could be read" in done.stderr and not (tmp_path / "q.onnx").exists()
    (folder / "a.jpg").write_bytes(sorted(photos.rglob("*.jpg"))[0].read_bytes())
    report = quantize(pomona, small[0], "--calibrate", folder, "--out", tmp_path / "q.onnx")
    assert report["photos"] == 1 and report["errors"] == 3 and report["checked"] == 1 and report["few_photos"]


def test_refusals(pomona, photos, small, quantised, tmp_path):
    def refused(build, status=2):
        b = zoo.Builder(seed=2, size=32)
        onnx.save(b.model(build(b)), tmp_path / "m.onnx")
        done = pomona("quantize", tmp_path / "m.onnx", "--calibrate", photos, "--out", tmp_path / "q.onnx", status=status)
        assert not (tmp_path / "q.onnx").exists()
        return done.stderr

    def excited(b):
        x = b.excite(b.relu(b.conv("x", 8, 3, 2)), 4)
        return b.node("Flatten", [b.mean(x)])

    assert "n_globalaveragepool3" in refused(excited) and "squeeze" in refused(excited)
    def joined(b):
        x = b.relu(b.conv("x", 8, 3, 2))
        x = b.node("Concat", [b.relu(b.conv(x, 8)), b.relu(b.conv(x, 8, 3))], 16, axis=1)
        return b.node("Flatten", [b.mean(b.relu(b.conv(x, 8)))])

    assert "n_concat" in refused(joined)
    assert "n_maxpool" in refused(lambda b: zoo.resnet(b))
    def endless(b):
        weight = np.full((8, 3, 3, 3), 1e38)
        return b.node("Flatten", [b.mean(b.relu(b.conv(b.node("Conv", ["x", b.constant(weight)], 8), 8)))])

    assert "n_conv1" in refused(endless)
    message = pomona("quantize", quantised[2], "--calibrate", photos, "--out", tmp_path / "q.onnx", status=2).stderr
    assert "quantised already" in message
    (tmp_path / "q.onnx").write_text("mine")
    pomona("quantize", small[0], "--calibrate", photos, "--out", tmp_path / "q.onnx", status=2)
    assert (tmp_path / "q.onnx").read_text() == "mine"
    assert "--calibrate SRC is needed" in pomona("quantize", small[0], "--out", tmp_path / "x", status=1).stderr
    assert "--out FILE.onnx is needed" in pomona("quantize", small[0], "--calibrate", photos, status=1).stderr


def test_figures_on_real_photos(pomona, shared, tmp_path):
    """The drift that docs/internals/quantise.md states, through ONNX Runtime on the pixels that pomona sees."""
    from PIL import Image
    grocery, fp32 = shared / "data/grocery", shared / "data/models/mobilenet_v2_1.0_224_features.onnx"
    report = quantize(pomona, fp32, "--calibrate", grocery / "train", "--check", grocery / "val", "--out", tmp_path / "m.onnx",
                      timeout=600)
    assert report["cosine_mean"] >= 0.998 and report["cosine_min"] >= 0.993
    files = sorted(grocery.glob("val/**/*.jpg"))[::4]
    pixels = np.stack([np.asarray(Image.open(f).convert("RGB").resize((224, 224))) for f in files])
    drift = cosine(features(onnx.load(fp32), pixels, "output_0"), features(onnx.load(tmp_path / "m.onnx"), pixels, "output_0"))
    assert drift.mean() >= 0.998 and drift.min() >= 0.993
    info = json.loads(pomona("model", "info", tmp_path / "m.onnx", "--json").stdout)
    assert info["precision"] == "int8" and info["weight_bytes"] + info["activation_bytes"] <= 6e6
    report = quantize(pomona, "--calibrate", grocery / "train", "--check", grocery / "val", "--out", tmp_path / "s.onnx", timeout=600)
    assert report["cosine_mean"] >= 0.9995 and report["cosine_min"] >= 0.998
    assert report["labelled"] == 256 and abs(report["top1"] - report["top1_before"]) <= 0.01
