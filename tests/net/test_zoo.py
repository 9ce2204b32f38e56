"""The networks of the mobile zoo, in both dialects, against ONNX Runtime."""
import subprocess

import numpy as np
import onnx
import pytest

import harness
from onnx_models import ZOO, Builder


@pytest.fixture(scope="module", params=harness.tiers())
def tier(request):
    return request.param


@pytest.mark.parametrize("dialect", ["torch", "keras"])
@pytest.mark.parametrize("network", ZOO)
def test_network(network, dialect, tier, tmp_path):
    b = Builder(seed=7, layout=dialect, size=64, opset=13)
    model = b.model(ZOO[network](b))
    harness.check(model, tmp_path, 64, tier=tier)


@pytest.mark.parametrize("opset", [10, 11, 14, 18, 21])
@pytest.mark.parametrize("network", ["mobilenet_v2", "mobilenet_v3"])
def test_operator_set(network, opset, tmp_path):
    b = Builder(seed=8, layout="torch", size=64, opset=opset, ir=10 if opset > 18 else 8)
    harness.check(b.model(ZOO[network](b)), tmp_path, 64)


@pytest.mark.parametrize("network", ZOO)
def test_whole_network(network, tmp_path):
    """Up to the last output: the classifier too."""
    b = Builder(seed=9, layout="keras", size=64)
    output = ZOO[network](b)
    harness.check(b.model(output), tmp_path, 64, layer=output)


@pytest.mark.parametrize("network", ["mobilenet_v2", "mobilenet_v3", "resnet18", "squeezenet"])
def test_dialects_make_the_same_plan(network, tmp_path):
    """Transposes, Pads and unfused normalization leave no trace: both exports run the same number of steps."""
    plans = []
    for dialect in ("torch", "keras"):
        b = Builder(seed=7, layout=dialect, size=64)
        import onnx
        path = tmp_path / f"{dialect}.onnx"
        onnx.save(b.model(ZOO[network](b)), path)
        done = subprocess.run([harness.tool(), path, "-", "-", "steps", "-"], capture_output=True, text=True, check=True)
        plans.append([line.replace("scale by", "gate").split()[0] for line in done.stdout.splitlines()])
    assert plans[0] == plans[1]
    assert not {"transpose", "pad", "scale", "clamp", "broadcast"} & set(plans[0])


def test_batches_and_neighbours_do_not_matter(tmp_path, tier):
    b = Builder(seed=3, size=64)
    model = b.model(ZOO["mobilenet_v3"](b))
    pixels = harness.photos(7, 64)
    alone, _ = harness.run(model, pixels, tmp_path, batch=1, tier=tier)
    for batch in (2, 3, 7, 64):
        together, _ = harness.run(model, pixels, tmp_path, batch=batch, tier=tier)
        assert np.array_equal(alone, together)


@pytest.mark.parametrize("network", ["mobilenet_v1", "mobilenet_v2", "mobilenet_v3"])
def test_large_photos(network, tmp_path):
    """Of 224 pixels, where blocks run in bands and late layers for several photos at once."""
    b = Builder(seed=4, size=224)
    model = b.model(ZOO[network](b))
    together = harness.check(model, tmp_path, 224, batch=3)
    alone = harness.check(model, tmp_path, 224, batch=1)
    assert np.array_equal(alone, together)


@pytest.mark.parametrize("name", ["mobilenet_v2_1.0_224_features.onnx", "mobilenet_v2_1.0_224.onnx"])
def test_photos(shared, name, tmp_path, tier):
    """Real photos, pixels through Pillow: at most 1e-4 from ONNX Runtime."""
    from PIL import Image
    paths = sorted((shared / "data/grocery/val").rglob("*.jpg"))[::25]
    pixels = np.stack([np.asarray(Image.open(p).convert("RGB").resize((224, 224), Image.BICUBIC)) for p in paths])
    model = shared / "data/models" / name
    got, layer = harness.run(model, pixels, tmp_path, tier=tier)
    want = harness.peer(model, pixels, layer)
    assert got.shape == (len(paths), 1280)
    assert np.abs(got - want).max() <= 1e-4
