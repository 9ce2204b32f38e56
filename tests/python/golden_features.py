"""usage: golden_features.py FOLDER     What an installed pomona makes of the photos of tests/golden, as JSON: run by test_wheels.py
in Pythons that have the wheel and NumPy, nothing else."""
import hashlib
import json
import pathlib
import sys

import numpy as np
import pomona

folder = pathlib.Path(sys.argv[1])
photos = sorted(folder.glob("*.jpg"))
labels = [photo.stem if number % 3 else None for number, photo in enumerate(photos)]
model = pomona.Model()
features = model.features(photos)
few = photos[:2]  # the network in fp32 is slow under emulation
real = pomona.Model(precision="fp32").features(few)
expected = np.fromfile(folder / "features.f32", "<f4").reshape(len(photos), -1)[:len(few)]
moments = pomona.Moments.of(features, labels, model=model)
halves = pomona.Moments.of(features[:4], labels[:4], model=model) + pomona.Moments.of(features[4:], labels[4:], model=model)
components = moments.pca(k=3)
json.dump({
    "python": "%d.%d" % sys.version_info[:2], "numpy": np.__version__, "tier": model.tier, "where": pomona.__file__,
    "features": hashlib.sha256(features.tobytes()).hexdigest(),
    "fp32": float(np.abs(real - expected).max()),
    "moments": hashlib.sha256(moments.to_bytes()).hexdigest(),
    "merged": hashlib.sha256(halves.to_bytes()).hexdigest(),
    "scores": components.transform(features).tolist(),
}, sys.stdout)
