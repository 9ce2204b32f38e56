"""The whole job, two threads: photos in, Parquet out. pomona, tuned Python, and the feature step of the reference pipeline.

usage: job.py [--precision fp32|int8] [--count 5000] [--size 100] [--rounds 5] [--batches 1 2 4 8 16] [--reference-photos 5000]
              [--no-reference] [--keep]

pomona and Python are timed as whole commands, start included, in turns. The reference (PySpark and TensorFlow) runs once, and
only the seconds of its feature step count: starting Spark is left out, in its favour.
"""
import argparse
import json
import os
import shutil
import subprocess

import common
import quantized


def pomona(photos, model):
    out = common.WORK / "job-pomona"
    shutil.rmtree(out, ignore_errors=True)
    seconds, _ = common.timed([common.POMONA, "features", photos, "--out", out, "--model", model, "--threads", 2, "-q"])
    return seconds, pixels_share(out)


def pixels_share(out):
    """Of the threads' seconds: decoding and resizing."""
    threads = json.loads((out / "run.json").read_text())["seconds"]["summed_over_threads"]
    return (threads["decode"] + threads["resize"]) / sum(threads.values())


def python(photos, engine, model, batch):
    out = common.WORK / "job-python"
    shutil.rmtree(out, ignore_errors=True)
    seconds, _ = common.timed(
        [common.BUILD / "venv-peers/bin/python", common.ROOT / "bench/python_pipeline.py", photos, out, model,
         "--engine", engine, "--processes", 2, "--batch", batch], stdout=subprocess.DEVNULL)
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
    parser.add_argument("--precision", choices=["fp32", "int8"], default="fp32")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--size", type=int, default=100, help="side of a photo, in pixels")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--model", default=common.MODEL)
    parser.add_argument("--reference-photos", type=int, default=5000)
    parser.add_argument("--no-reference", action="store_true")
    parser.add_argument("--keep", action="store_true", help="add the rows to bench/results/job.csv")
    options = parser.parse_args()
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:2]))
    photos = common.corpus(options.count, options.size)
    few = common.corpus(min(options.count, 2000), options.size)
    ours, peers = options.model, [("onnxruntime", options.model), ("openvino", options.model)]
    if options.precision == "int8":
        ours = quantized.pomona(options.model)
        peers = [("openvino", quantized.nncf(options.model)), ("openvino", ours),
                 ("onnxruntime", quantized.onnxruntime(options.model))]
    pomona(few, ours)  # both engines start from a warm page cache
    tuning = {(*peer, batch): python(few, *peer, batch) for peer in peers for batch in options.batches}
    best = min(tuning, key=tuning.get)
    for (engine, model, batch), seconds in tuning.items():
        print(f"  Python, {engine} {os.path.basename(model)}, batch {batch}: {seconds:.2f} s for {min(options.count, 2000)}")
    rows, rates = [], {}

    def keep(system, number, count, seconds, note=""):
        rates.setdefault(system, []).append(count / seconds)
        rows.append({"system": system, "precision": options.precision, "threads": 2, "photos": count,
                     "size": f"{options.size}x{options.size}", "round": number,
                     "seconds": f"{seconds:.3f}", "photos_a_second": f"{count / seconds:.2f}", "note": note})
        print(f"  {system:10} {count} photos  {seconds:8.2f} s  {count / seconds:8.1f} photos/s")

    for number in range(options.rounds):
        seconds, share = pomona(photos, ours)
        keep("pomona", number, options.count, seconds, f"whole command; decoding and resizing {100 * share:.1f} % of the threads' time")
        keep("python", number, options.count, python(photos, *best),
             f"Pillow + {best[0]} {os.path.basename(best[1])}, 2 processes, batch {best[2]}, whole command")
    if not options.no_reference and options.precision == "fp32":
        count = options.reference_photos
        keep("reference", 0, count, reference(common.corpus(count)), "PySpark 3.5.1 local[2] + TensorFlow 2.17, feature step")
    ours = common.spread(rates["pomona"])[0]
    for system, values in rates.items():
        median, low, high = common.spread(values)
        print(f"{system:10} {median:8.1f} photos/s ({low:.1f} - {high:.1f})   pomona is {ours / median:.2f} times as fast")
    if options.keep:
        common.append_rows("job", rows)


main()
