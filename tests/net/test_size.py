"""Another input size than the network's own, against ONNX Runtime on the same file with its height and width left open."""
import subprocess

import numpy as np
import onnx
import pytest
from onnx import helper

import harness
from onnx_models import ZOO, Builder


def run_sized(file, pixels, folder, size):
    """Features of uint8 pixels [photos, size, size, 3], or the message of the refusal."""
    (folder / "pixels.raw").write_bytes(pixels.tobytes())
    done = subprocess.run([harness.tool(), file, "-", folder / "pixels.raw", "2", folder / "features.raw", str(size)],
                          capture_output=True, text=True)
    if done.returncode:
        return done.stderr.strip()
    return np.fromfile(folder / "features.raw", np.float32).reshape(len(pixels), -1), done.stdout.split(maxsplit=1)[1].strip()


def open_sides(model):
    """The model with any height and width."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    dims = model.graph.input[0].type.tensor_type.shape.dim
    for at in ((2, 3) if dims[1].dim_value == 3 else (1, 2)):
        dims[at].ClearField("dim_value")
        dims[at].dim_param = f"side{at}"
    return model


def save(model, folder):
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


@pytest.mark.parametrize("dialect, size", [("torch", 48), ("torch", 131), ("keras", 48), ("keras", 96)])
@pytest.mark.parametrize("network", ["mobilenet_v1", "mobilenet_v2", "mobilenet_v3", "efficientnet_b0", "resnet18", "squeezenet"])
def test_network(network, dialect, size, tmp_path):
    b = Builder(seed=7, layout=dialect, size=64)
    model = b.model(ZOO[network](b))
    pixels = harness.photos(3, size)
    answer = run_sized(save(model, tmp_path), pixels, tmp_path, size)
    assert not isinstance(answer, str), answer
    features, layer = answer
    want = harness.peer(open_sides(model), pixels, layer)
    scale = max(1.0, float(np.abs(want).max()))
    assert features.shape == want.shape and float(np.abs(features - want).max()) <= 1e-4 * scale
    # The same file with open sides, and no profile that tells them, takes any size.
    sized, _ = run_sized(save(open_sides(model), tmp_path), pixels, tmp_path, size)
    assert (sized == features).all()
    assert "no pomona.profile" in run_sized(tmp_path / "model.onnx", pixels, tmp_path, 0)


def fixed(kind):
    b = Builder(seed=3, size=32)
    x = b.conv("x", 8, 3, 2)  # 16 x 16
    if kind == "pool":
        x = b.node("Flatten", [b.node("AveragePool", [x], kernel_shape=[16, 16])])
    elif kind == "pool of a part":
        x = b.node("Flatten", [b.node("MaxPool", [x], kernel_shape=[16, 16], strides=[16, 16])])
    elif kind == "reshape":
        x = b.node("Reshape", [x, b.constant([-1, 8 * 16 * 16], np.int64)], 8 * 256)
    elif kind == "reshape exactly":
        x = b.node("Reshape", [x, b.constant([1, 8, 256], np.int64)], 256)
        x = b.node("ReduceMean", [x], axes=[1], keepdims=0)
    elif kind == "flatten":
        x = b.node("Flatten", [x], 8 * 256)
    elif kind == "window":
        x = b.node("Flatten", [b.mean(b.node("Conv", [x, b.constant(b.uniform(8, 8, 16, 16))], 8))])
    width = {"flatten": 2048, "reshape": 2048, "reshape exactly": 256}.get(kind, 8)
    return b.model(b.node("MatMul", [x, b.constant(b.uniform(width, 5))], 5)), b.nodes


@pytest.mark.parametrize("kind, size, node, words", [
    ("pool", 64, "n_averagepool2", "window of 16x16 is fixed"), ("pool", 34, "n_averagepool2", "17x17"),
    ("pool of a part", 64, "n_maxpool2", "window of 16x16"), ("reshape", 64, "n_reshape2", ""),
    ("reshape exactly", 64, "n_reshape2", "do not fit"), ("flatten", 64, "flatten2", "not fully convolutional"),
    ("window", 16, "n_conv2", "does not fit")])
def test_what_cannot_grow_says_why(kind, size, node, words, tmp_path):
    model, _ = fixed(kind)
    file = save(model, tmp_path)
    message = run_sized(file, harness.photos(1, size), tmp_path, size)
    assert isinstance(message, str), "it was planned"
    assert message.startswith("-5 ") and f"for {size}x{size} pixels, it was made for 32x32" in message
    assert node in message and words in message, message
    assert message.count(str(file)) == 1
    answer = run_sized(file, harness.photos(1, 32), tmp_path, 32)
    assert not isinstance(answer, str), "its own size works"


def test_a_profile_of_another_size_is_still_a_contradiction(tmp_path):
    b = Builder(seed=3, size=32)
    model = b.model(ZOO["mobilenet_v1"](b))
    entry = model.metadata_props.add()
    entry.key = "pomona.profile"
    entry.value = ("name=phone decode=exact orient=1 crop=square size=48x48 filter=bicubic mean=127.5,127.5,127.5 "
                   "std=127.5,127.5,127.5 layout=rgb")
    assert "its profile says 48x48 pixels, its input 32x32" in run_sized(save(model, tmp_path), harness.photos(1, 48), tmp_path, 48)
