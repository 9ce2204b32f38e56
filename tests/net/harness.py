"""Runs one model in pomona (through run_model) and in ONNX Runtime and compares."""
import os
import pathlib
import subprocess

import numpy as np
import onnx
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILDS = [ROOT / "build/release", ROOT / "build"]


def tool():
    """The run_model of the build under test; RUN_MODEL names another."""
    if "RUN_MODEL" in os.environ:
        return os.environ["RUN_MODEL"]
    for build in BUILDS:
        if (build / "tests/net/run_model").exists():
            return build / "tests/net/run_model"
    raise FileNotFoundError("tests/net/run_model: build the tests first, or set RUN_MODEL")


def tiers():
    """The tiers that this machine runs."""
    found = []
    for tier in ("scalar", "avx2", "avx512", "neon", "neondot"):
        done = subprocess.run([tool(), "/nonexistent", "-", "-", "1", "-"], capture_output=True, text=True,
                              env=dict(os.environ, POMONA_TIER=tier))
        if "nonexistent" in done.stderr:
            found.append(tier)
    return found


def run(model, pixels, folder, layer="-", batch=4, tier=None, command=None):
    """Features [photos, features] fp32 of uint8 pixels; (None, message) when the model is refused. `command` runs another build."""
    path = pathlib.Path(folder)
    file = model
    if not isinstance(model, (str, os.PathLike)):
        file = path / "model.onnx"
        onnx.save(model, file)
    (path / "pixels.raw").write_bytes(np.ascontiguousarray(pixels).tobytes())
    environment = dict(os.environ, POMONA_TIER=tier) if tier else None
    done = subprocess.run([*(command or [tool()]), file, layer, path / "pixels.raw", str(batch), path / "features.raw"],
                          capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        assert done.returncode == 2, done
        return None, done.stderr
    features = np.fromfile(path / "features.raw", np.float32)
    return features.reshape(len(pixels), -1), done.stdout.split(maxsplit=1)[1].strip()


def peer(model, pixels, layer=None):
    """What ONNX Runtime computes, flattened per photo; `layer` names a value that need not be an output."""
    if isinstance(model, (str, os.PathLike)):
        model = onnx.load(model)
    if layer and layer not in [o.name for o in model.graph.output]:
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        model = copy
        model.graph.output.append(onnx.helper.make_tensor_value_info(layer, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    # As the file says it, in floats between its (de)quantisations: ONNX Runtime's own 8-bit kernels saturate sums of two products in 16 bits
    # where the processor has no VNNI, which is another network.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    x = (pixels.astype(np.float32) / 127.5 - 1).astype(np.float32)
    if shape[1] == 3:
        x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    name = layer or session.get_outputs()[0].name
    if isinstance(shape[0], int): # a fixed batch: one photo at a time
        return np.concatenate([session.run([name], {session.get_inputs()[0].name: p[None]})[0].reshape(1, -1) for p in x])
    return session.run([name], {session.get_inputs()[0].name: x})[0].reshape(len(pixels), -1)


def photos(count, size, seed=1):
    """Noise with some structure, uint8 [count, size, size, 3]."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (count, size // 4 + 1, size // 4 + 1, 3))
    large = small.repeat(4, 1).repeat(4, 2)[:, :size, :size]
    return ((large * 3 + random.integers(0, 256, large.shape)) // 4).astype(np.uint8)


def check(model, folder, size=32, layer=None, batch=4, tier=None, tolerance=1e-4):
    """Asserts parity: at most `tolerance`, absolute for values up to one and relative to the largest beyond."""
    pixels = photos(3, size)
    got, name = run(model, pixels, folder, layer or "-", batch, tier)
    assert got is not None, name
    want = peer(model, pixels, name)
    assert got.shape == want.shape, (got.shape, want.shape)
    scale = max(1.0, float(np.abs(want).max()))
    difference = float(np.abs(got - want).max())
    assert difference <= tolerance * scale, f"{difference} of {scale}, layer {name}"
    assert float(want.std()) > 1e-3 * float(np.abs(want).max()), "the test proves nothing: all values are alike"
    return got
