"""The whole job, two threads: photos in, Parquet out. pomona, tuned Python, and the feature step of the reference pipeline.

usage: job.py [--count 5000] [--rounds 5] [--batches 4 8 16 32] [--reference-photos 5000] [--no-reference] [--keep]

pomona and Python are timed as whole commands, start included, in turns. The reference (PySpark and TensorFlow) runs once, and
only the seconds of its feature step count: starting Spark is left out, in its favour.
"""
import argparse
import json
import os
import shutil
import subprocess

import common


def pomona(photos, model):
    out = common.WORK / "job-pomona"
    shutil.rmtree(out, ignore_errors=True)
    seconds, _ = common.timed([common.POMONA, "features", photos, "--out", out, "--model", model, "--threads", 2, "-q"])
    return seconds


def python(photos, model, batch):
    out = common.WORK / "job-python"
    shutil.rmtree(out, ignore_errors=True)
    seconds, _ = common.timed(
        [common.BUILD / "venv-peers/bin/python", common.ROOT / "bench/python_pipeline.py", photos, out, model,
         "--processes", 2, "--batch", batch], stdout=subprocess.DEVNULL)
    return seconds


def reference(photos):
    """Seconds of the feature step alone, as the reference prints them."""
    out = common.WORK / "job-reference"
    shutil.rmtree(out, ignore_errors=True)
    model = common.SHARED / "data/models/mobilenet_v2_1.0_224.keras"
    done = subprocess.run(
        [common.BUILD / "venv-reference/bin/python", common.SHARED / "reference/reference_pipeline.py", photos, out, model,
         "--k", "5", "--master", "local[2]"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])["features_s"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[4, 8, 16, 32])
    parser.add_argument("--model", default=common.MODEL)
    parser.add_argument("--reference-photos", type=int, default=5000)
    parser.add_argument("--no-reference", action="store_true")
    parser.add_argument("--keep", action="store_true", help="add the rows to bench/results/job.csv")
    options = parser.parse_args()
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:2]))
    photos, few = common.corpus(options.count), common.corpus(min(options.count, 1000))
    pomona(few, options.model)  # both engines start from a warm page cache
    tuning = {batch: python(few, options.model, batch) for batch in options.batches}
    batch = min(tuning, key=tuning.get)
    print("Python, seconds for a first part, by batch size: " + "  ".join(f"{b}: {s:.2f}" for b, s in tuning.items()))
    rows, rates = [], {}

    def keep(system, number, count, seconds, note=""):
        rates.setdefault(system, []).append(count / seconds)
        rows.append({"system": system, "threads": 2, "photos": count, "size": "100x100", "round": number,
                     "seconds": f"{seconds:.3f}", "photos_a_second": f"{count / seconds:.2f}", "note": note})
        print(f"  {system:10} {count} photos  {seconds:8.2f} s  {count / seconds:8.1f} photos/s")

    for number in range(options.rounds):
        keep("pomona", number, options.count, pomona(photos, options.model), "whole command")
        keep("python", number, options.count, python(photos, options.model, batch),
             f"Pillow + ONNX Runtime, 2 processes, batch {batch}, whole command")
    if not options.no_reference:
        count = options.reference_photos
        keep("reference", 0, count, reference(common.corpus(count)), "PySpark 3.5.1 local[2] + TensorFlow 2.17, feature step")
    ours = common.spread(rates["pomona"])[0]
    for system, values in rates.items():
        median, low, high = common.spread(values)
        print(f"{system:10} {median:8.1f} photos/s ({low:.1f} - {high:.1f})   pomona is {ours / median:.2f} times as fast")
    if options.keep:
        common.append_rows("job", rows)


main()
