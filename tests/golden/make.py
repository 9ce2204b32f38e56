"""Makes the golden vectors anew after an embedded network has changed: tests/golden/make.py build/pomona build/release/tests/net/run_model

Photos come from `pomona sample`; pixels from Pillow, features in fp32 from ONNX Runtime, so that the vectors are not pomona's own
word about itself. Features in 8 bits come from the plain C kernels, which tests/net/test_integer.py holds against the page that
defines them; they are kept as a hash, since every tier gives the same bytes. Every build of the core is compared with both
(tests/golden/test_golden.c).
"""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from PIL import Image, ImageOps



def backbone_hash(path):
    """Of the backbone inside a classifier's file."""
    done = subprocess.run([sys.argv[1], "model", "info", path, "--json"], check=True, capture_output=True)
    return json.loads(done.stdout)["hash"]


here = pathlib.Path(__file__).resolve().parent
model = here.parents[1] / "models/pomona-s.onnx"
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([sys.argv[1], "sample", "--out", folder, "--count", "6", "--size", "200", "--classes", "6", "--seed", "7",
                    "-q"], check=True)
    photos = sorted(pathlib.Path(folder).rglob("*.jpg"))
    for number, photo in enumerate(photos):
        (here / f"{number}.jpg").write_bytes(photo.read_bytes())

session = onnxruntime.InferenceSession(model)
shape = session.get_inputs()[0].shape
channels_first = shape[1] == 3
side = shape[2]
vectors, digest, raw = [], hashlib.sha256(), b""
for number in range(len(photos)):
    picture = ImageOps.exif_transpose(Image.open(here / f"{number}.jpg").convert("RGB"))
    width, height = picture.size
    edge = min(width, height)
    left, top = (width - edge) // 2, (height - edge) // 2
    pixels = np.asarray(picture.crop((left, top, left + edge, top + edge)).resize((side, side)))
    digest.update(pixels.tobytes())
    raw += pixels.tobytes()
    x = (pixels.astype(np.float32) - 127.5) / 127.5
    x = x.transpose(2, 0, 1) if channels_first else x
    vectors.append(session.run(["features"], {session.get_inputs()[0].name: x[None]})[0].reshape(-1))
np.stack(vectors).astype("<f4").tofile(here / "features.f32")
integers = here.parents[1] / "models/pomona-s.int8.onnx"
with tempfile.TemporaryDirectory() as folder:
    pixels, features = pathlib.Path(folder) / "pixels.raw", pathlib.Path(folder) / "features.raw"
    pixels.write_bytes(raw)
    subprocess.run([sys.argv[2], integers, "-", pixels, "4", features], check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, POMONA_TIER="scalar"))
    bits = hashlib.sha256(features.read_bytes()).hexdigest()
(here / "golden.txt").write_text(
    f"photos {len(photos)}\nfeatures {len(vectors[0])}\npixels {digest.hexdigest()}\n"
    f"model {backbone_hash(model)}\nintegers {backbone_hash(integers)}\nbits {bits}\n")
