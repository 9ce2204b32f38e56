"""The same bytes on other processors: quantised networks on AArch64 (under qemu) and WebAssembly (under node) give those of this
machine. `./dev test --long` makes the builds; docs/internals/kernels.md says how."""
import shutil

import numpy as np
import pytest

import harness
from integer_models import Integer, mobile

TARGETS = {
    "scalar": ("arm64", [harness.ROOT / "build/arm64-root/run"]),
    "neon": ("arm64", [harness.ROOT / "build/arm64-root/run"]),
    "neondot": ("arm64", [harness.ROOT / "build/arm64-root/run"]),
    "wasm128": ("wasm-net", ["node", "--no-warnings", harness.ROOT / "tests/kernels/run_wasm.mjs"]),
}
pytestmark = pytest.mark.long


@pytest.fixture(params=TARGETS)
def target(request):
    build, runner = TARGETS[request.param]
    program = harness.ROOT / "build" / build / "tests/net/run_model"
    if not program.exists() or not shutil.which(runner[0]):
        pytest.skip(f"no {program} or no {runner[0]}")
    return request.param, [*runner, program]


def check(model, pixels, folder, target):
    tier, command = target
    want, name = harness.run(model, pixels, folder, tier="scalar")
    assert want is not None, name
    for batch in (1, 4):
        got, name = harness.run(model, pixels, folder, batch=batch, tier=tier, command=command)
        assert got is not None, name
        assert np.array_equal(got.view(np.uint32), want.view(np.uint32)), float(np.abs(got - want).max())
    assert float(want.std()) > 1e-3 * float(np.abs(want).max()), "the test proves nothing: all values are alike"


@pytest.mark.parametrize("seed", range(3))
def test_mobile_network(seed, target, tmp_path):
    b = Integer(harness.photos(5, 32 + seed, seed), seed=seed, signed=seed == 2)
    check(b.features(mobile(b, width=8 + seed)), b.pixels.transpose(0, 2, 3, 1).astype(np.uint8), tmp_path, target)


def test_extreme_weights(target, tmp_path):
    pixels = (harness.photos(3, 32) > 127).astype(np.uint8) * 255
    b = Integer(pixels, seed=8)
    x = b.integer_conv(b.input_pixels(), 48, 3, 2, zero_point=128, extreme=True)
    x = b.integer_conv(x, 48, 3, 1, groups=48, zero_point=128, extreme=True)
    x = b.integer_conv(x, 200, zero_point=0, clip=(0.0, 100.0), extreme=True)
    check(b.features(b.head(x, 33, clip=(0.0, 1000.0))), pixels, tmp_path, target)


def test_sums_tables_and_means(target, tmp_path):
    b = Integer(harness.photos(3, 32), seed=9, opset=14)
    x = b.integer_conv(b.input_pixels(0.0123, 7), 16, 3, 2, zero_point=128)
    swish = b.table(x, "HardSwish", lambda v: v * np.clip(v / 6 + 0.5, 0, 1), 0.031, 12)
    other = b.integer_conv(b.table(swish, None, lambda v: v, 0.05, 40), 16, 5, 1, groups=16)
    both = b.add(swish, other, 0.04, 99)
    model = b.features(b.integer_mean(b.integer_conv(both, 24, zero_point=128)))
    check(model, b.pixels.transpose(0, 2, 3, 1).astype(np.uint8), tmp_path, target)


def test_photos(shared, pomona, target, tmp_path):
    """MobileNetV2 1.0/224, quantised here, on photos whose pixels were made here."""
    from PIL import Image
    model = tmp_path / "int8.onnx"
    pomona("quantize", shared / "data/models/mobilenet_v2_1.0_224_features.onnx", "--calibrate", shared / "data/grocery/val",
           "--photos", "16", "--out", model)
    paths = sorted((shared / "data/grocery/val").rglob("*.jpg"))[::25]
    pixels = np.stack([np.asarray(Image.open(p).convert("RGB").resize((224, 224), Image.BICUBIC), np.uint8) for p in paths])
    check(model, pixels, tmp_path, target)
