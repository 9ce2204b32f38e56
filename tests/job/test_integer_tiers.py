"""The 8-bit features of real photos are the same bytes on every tier of this machine, decoding and resizing included."""
import json

import pyarrow.parquet as parquet
import pytest


def tiers(pomona):
    return [t for t in ("scalar", "avx2", "avx512", "neon", "neondot")
            if pomona("cpu", "--tier", t, status=None).returncode == 0]


def rows_of(folder):
    """path -> bits of the features, and the errors."""
    table = parquet.read_table(folder / "Results")
    values = table["features"].combine_chunks()
    width = len(values[0])
    bits = values.flatten().to_numpy().view("uint32").reshape(-1, width)
    return dict(zip(table["path"].to_pylist(), (row.tobytes() for row in bits)))


def check(pomona, photos, out, *arguments, timeout=120):
    results = {}
    for tier in tiers(pomona):
        pomona("features", photos, "--out", out / tier, "--tier", tier, "--glob", "*.jp*g", "--max-errors", "100", "-q",
               *arguments, timeout=timeout)
        run = json.loads((out / tier / "run.json").read_text())
        assert run["precision"] == "int8" and run["tier"] == tier
        results[tier] = rows_of(out / tier)
    first = results.pop("scalar")
    assert len(first) > 1
    for tier, rows in results.items():
        assert rows.keys() == first.keys()
        different = [path for path in first if rows[path] != first[path]]
        assert not different, (tier, len(different), different[:3])
    return len(first)


def test_synthetic_photos(pomona, photos, tmp_path):
    assert check(pomona, photos, tmp_path) == 120


def test_views(pomona, photos, tmp_path):
    assert check(pomona, photos, tmp_path, "--views", "100,60", "--limit", "30") == 30


def test_some_real_photos(pomona, shared, tmp_path):
    assert check(pomona, shared / "data/orientation", tmp_path) == 18


@pytest.mark.long
def test_all_real_photos(pomona, shared, tmp_path):
    """The embedded network, and MobileNetV2 1.0/224 as `pomona quantize` makes it."""
    model = tmp_path / "mobilenet.onnx"
    pomona("quantize", shared / "data/models/mobilenet_v2_1.0_224_features.onnx", "--calibrate",
           shared / "data/grocery/train", "--out", model, "-q", timeout=600)
    for name, arguments in (("embedded", []), ("mobilenet", ["--model", model])):
        assert check(pomona, shared / "data", tmp_path / name, *arguments, timeout=3600) > 2900
