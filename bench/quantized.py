"""The same network in 8 bits by each engine's own tool, calibrated on the same photos: made once, kept in build/bench."""
import pathlib
import subprocess

import numpy as np

import common

PHOTOS = 256


def photos():
    """Grocery's training photos where they are, else synthetic ones."""
    folder = common.SHARED / "data/grocery/train"
    return folder if folder.exists() else common.corpus(PHOTOS, 348)


def pixels():
    """What the reference feeds the network: [1, 224, 224, 3] in -1..1, photos spread evenly over the sorted list."""
    from PIL import Image
    paths = sorted(pathlib.Path(photos()).rglob("*.jpg"))
    for i in range(PHOTOS):
        with Image.open(paths[i * len(paths) // PHOTOS]) as image:
            x = np.asarray(image.convert("RGB").resize((224, 224)), np.float32)
        yield (x / np.float32(127.5) - np.float32(1))[None]


def made(name, make):
    path = common.WORK / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"making {path.relative_to(common.ROOT)}")
        make(path)
    return path


def pomona(model):
    return made(f"{pathlib.Path(model).stem}.pomona.onnx", lambda path: subprocess.run(
        [common.POMONA, "quantize", model, "--calibrate", photos(), "--photos", str(PHOTOS), "--out", path], check=True,
        stdout=subprocess.DEVNULL))


def nncf(model):
    """OpenVINO's tool, at the preset that ran faster here (activations around zero)."""
    def make(path):
        import nncf as tool
        import openvino
        network = openvino.Core().read_model(str(model))
        name = network.inputs[0].get_any_name()
        data = tool.Dataset(list(pixels()), lambda x: {name: x})
        openvino.save_model(tool.quantize(network, data, preset=tool.QuantizationPreset.PERFORMANCE, subset_size=PHOTOS),
                            str(path))
    return made(f"{pathlib.Path(model).stem}.nncf.xml", make)


def onnxruntime(model):
    def make(path):
        from onnxruntime import quantization as tool

        class Reader(tool.CalibrationDataReader):
            def __init__(self):
                self.rows = iter(list(pixels()))

            def get_next(self):
                x = next(self.rows, None)
                return None if x is None else {"input_layer": x}
        ready = path.with_suffix(".prepared.onnx")
        tool.quant_pre_process(str(model), str(ready), skip_symbolic_shape=True)
        tool.quantize_static(str(ready), str(path), Reader(), quant_format=tool.QuantFormat.QDQ, per_channel=True,
                             activation_type=tool.QuantType.QUInt8, weight_type=tool.QuantType.QInt8)
    return made(f"{pathlib.Path(model).stem}.onnxruntime.onnx", make)
