"""What scaled decoding (--decode scaled) gains on large photos, and how far its features are from exact ones.

usage: decode.py [--sets real sample-1000 sample-3000 grocery-6x] [--models embedded mobilenet] [--rounds 5] [--photos 24] [--keep]

For each set of photos and model: features exact and scaled, one thread, commands in turns; milliseconds a photo of decoding and
resizing and photos a second of the whole command, from its run.json; cosine between the two features of a photo; difference of the
pixels that the network sees (0 to 255). `real` are the photos of a camera or phone in POMONA_SHARED above a megapixel, `grocery-6x` its
grocery photos made six times larger, which adds no detail; the others are drawn.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess

import numpy as np
from PIL import Image

import common

MODELS = {"embedded": [], "mobilenet": ["--model", common.MODEL]}
SETS = ["real", "sample-1000", "sample-3000", "grocery-6x"]


def megapixels(path):
    with Image.open(path) as image:
        return image.width * image.height / 1e6


def real_photos(folder, count):
    """Few, so all of them whatever the count."""
    data = common.SHARED / "data"
    for path in sorted([*data.glob("exif/*.jpg"), *data.glob("orientation/*.jpg")]):
        if megapixels(path) > 1:
            shutil.copy(path, folder / f"{path.parent.name}-{path.name}")


def enlarged(folder, count):
    photos = sorted((common.SHARED / "data/grocery/val").rglob("*.jpg"))
    for number, path in enumerate(photos[::max(1, len(photos) // count)][:count]):
        with Image.open(path) as image:
            large = image.convert("RGB").resize((6 * image.width, 6 * image.height), Image.Resampling.BICUBIC)
            large.save(folder / f"{number:03}.jpg", quality=90)


def photos_of(name, count):
    if name.startswith("sample-"):
        return common.corpus(count, int(name.removeprefix("sample-")))
    folder = common.WORK / f"decode-{name}-{count}"
    if not (folder / ".complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (real_photos if name == "real" else enlarged)(folder, count)
        if not any(folder.glob("*.jpg")):
            raise SystemExit(f"no photos for {name}: set POMONA_SHARED")
        (folder / ".complete").touch()
    return folder


def features(source, model, decode):
    """run.json of the command; the features stay in its folder."""
    out = common.WORK / "decode" / decode
    shutil.rmtree(out, ignore_errors=True)
    done = subprocess.run([common.POMONA, "features", source, "--out", out, "--decode", decode, "--threads", "1", "--json", "-q",
                           *map(str, MODELS[model])], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def cosine():
    done = subprocess.run([common.POMONA, "diff", *(common.WORK / "decode" / decode for decode in ("exact", "scaled")), "--json"],
                          capture_output=True, text=True)
    return json.loads(done.stdout)


def pixels(tool, mode, size, path):
    tool.stdin.write(f"{mode} {size[0]} {size[1]} {path}\n".encode())
    tool.stdin.flush()
    state, width, height = tool.stdout.readline().split()
    assert state == b"ok", path
    return np.frombuffer(tool.stdout.read(3 * int(width) * int(height)), np.uint8).astype(int)


def pixel_difference(source, profile):
    """Mean and greatest absolute difference over all photos, and the share of values that are equal."""
    name = re.search(r"name=(\S+)", profile)[1]
    size = [int(side) for side in re.search(r"size=(\d+)x(\d+)", profile).groups()]
    program = os.environ.get("PHOTO_PIXELS", common.BUILD / "release/tests/image/photo_pixels")
    tool = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    differences = [np.abs(pixels(tool, name, size, path) - pixels(tool, f"{name}+scaled", size, path))
                   for path in sorted(source.rglob("*.jpg"))]
    tool.stdin.close()
    tool.wait()
    every = np.concatenate(differences)
    return every.mean(), every.max(), (every == 0).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", type=int, default=24, help="of a set that is made")
    parser.add_argument("--keep", action="store_true", help="add the rows to bench/results/decode.csv")
    options = parser.parse_args()
    rows = []
    for name in options.sets:
        source = photos_of(name, options.photos)
        for model in options.models:
            rounds = []
            for number in range(options.rounds):
                row = {"photos": name, "model": model}
                for decode in "exact", "scaled":
                    run = features(source, model, decode)
                    stages, count = run["seconds"]["summed_over_threads"], run["counts"]["rows"]
                    row["count"], row["megapixels"] = count, f"{statistics.mean(map(megapixels, source.rglob('*.jpg'))):.2f}"
                    row["round"] = number
                    row[f"{decode}_decode_ms"] = f"{1e3 * stages['decode'] / count:.3f}"
                    row[f"{decode}_resize_ms"] = f"{1e3 * stages['resize'] / count:.3f}"
                    row[f"{decode}_photos_per_second"] = f"{run['images_per_second']:.2f}"
                rounds.append(row)
            diff = cosine()
            mean, most, equal = pixel_difference(source, run["profile"]["text"])
            for row in rounds:
                row.update({"input": re.search(r"size=(\S+)", run["profile"]["text"])[1], "cosine_mean": f"{diff['cosine_mean']:.7f}",
                            "cosine_min": f"{diff['cosine_min']:.7f}", "pixel_mean_abs": f"{mean:.3f}", "pixel_max_abs": most,
                            "pixels_equal": f"{equal:.3f}"})
            rows += rounds

            def median(what):
                return statistics.median(float(row[what]) for row in rounds)

            print(f"{name:12} {model:9} {rounds[0]['count']:3} photos of {rounds[0]['megapixels']:>5} MP   decode "
                  f"{median('exact_decode_ms'):6.2f} -> {median('scaled_decode_ms'):6.2f} ms   resize {median('exact_resize_ms'):5.2f} -> "
                  f"{median('scaled_resize_ms'):5.2f} ms   {median('exact_photos_per_second'):6.1f} -> "
                  f"{median('scaled_photos_per_second'):6.1f} photos/s   cosine mean {diff['cosine_mean']:.6f} min {diff['cosine_min']:.6f}   "
                  f"pixels off by {mean:.2f} on average, {most} at most", flush=True)
    if options.keep:
        common.append_rows("decode", rows)


if __name__ == "__main__":
    main()
