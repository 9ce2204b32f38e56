"""Peak resident memory of `pomona features`, by number of photos: it should not grow.

usage: memory.py [--counts 1000 5000 20000] [--size 100] [--model FILE.onnx] [--threads 2] [--keep]
"""
import argparse
import shutil

import common

parser = argparse.ArgumentParser()
parser.add_argument("--counts", type=int, nargs="+", default=[1000, 5000, 20000])
parser.add_argument("--size", type=int, default=100)
parser.add_argument("--model", default=common.MODEL if common.MODEL.exists() else None)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--keep", action="store_true", help="add the rows to bench/results/memory.csv")
options = parser.parse_args()
rows = []
for count in options.counts:
    photos, out = common.corpus(count, options.size), common.WORK / "memory"
    shutil.rmtree(out, ignore_errors=True)
    model = ["--model", options.model] if options.model else []
    seconds, usage = common.timed([common.POMONA, "features", photos, "--out", out, "--threads", options.threads, "-q", *model])
    megabytes = usage.ru_maxrss * 1024 / 1e6
    print(f"{count:8} photos of {options.size}x{options.size}: peak {megabytes:.1f} MB, {seconds:.1f} s")
    rows.append({"model": getattr(options.model, "name", options.model) or "embedded", "photos": count,
                 "size": f"{options.size}x{options.size}", "threads": options.threads, "peak_rss_mb": f"{megabytes:.1f}",
                 "seconds": f"{seconds:.2f}"})
if options.keep:
    common.append_rows("memory", rows)
