"""Writes small models as seeds for fuzz_onnx: seeds.py FOLDER. Needs onnx and numpy."""
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "net"))
import harness  # noqa: E402
from integer_models import Integer, mobile  # noqa: E402
from onnx_models import ZOO, Builder  # noqa: E402
from test_operators import CONVS, ELEMENTWISE, OLD, POOLS, SHAPES, build, conv  # noqa: E402


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    makers = {**ELEMENTWISE, **SHAPES}
    makers.update({name: lambda b, x, o=o: b.node("AveragePool", [x], **o) for name, o in POOLS.items()})
    makers.update({name: lambda b, x, o=o: conv(b, x, **{"out": 8, **o}) for name, o in CONVS.items()})
    for i, make in enumerate(makers.values()):
        (folder / f"operator{i}.onnx").write_bytes(build(make)[1].SerializeToString())
    for i, (opset, make) in enumerate(OLD.values()):
        (folder / f"old{i}.onnx").write_bytes(build(make, opset=opset)[1].SerializeToString())
    for name in ("mobilenet_v3", "squeezenet"):
        b = Builder(size=32, layout="keras")
        (folder / f"{name}.onnx").write_bytes(b.model(ZOO[name](b)).SerializeToString())
    for name, model in quantised():
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())


def quantised():
    """Files that run in 8 bits: one of everything, and the smallest with each kind of end."""
    b = Integer(harness.photos(1, 16), seed=1)
    yield "integer_mobile", b.features(mobile(b, width=4, head=5))
    b = Integer(harness.photos(1, 8), seed=2, signed=True, opset=14)
    x = b.integer_conv(b.input_pixels(0.0123, 7), 4, 3, 2, zero_point=128)
    x = b.table(x, "HardSwish", lambda v: v * np.clip(v / 6 + 0.5, 0, 1), 0.031, 12)
    x = b.add(x, b.integer_conv(x, 4, 5, 1, groups=4), 0.05, 40)
    yield "integer_mean", b.features(b.integer_mean(x))
    b = Integer(harness.photos(1, 8), seed=3)
    head = b.head(b.integer_conv(b.input_pixels(), 4, 3, 2, zero_point=128), 3)
    head.name = b.quantize(head.name, 0.02, 5)
    yield "integer_features", b.features(head)


main(sys.argv[1])
