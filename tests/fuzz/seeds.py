"""Writes small models as seeds for fuzz_onnx: seeds.py FOLDER. Needs onnx and numpy."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "net"))
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


main(sys.argv[1])
