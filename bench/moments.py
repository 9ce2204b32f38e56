"""What share of the feature job's work the moments take, 1,280 features.

usage: moments.py [--count 2000] [--rounds 3] [--keep]
"""
import argparse
import json
import shutil
import sys

import common

parser = argparse.ArgumentParser()
parser.add_argument("--count", type=int, default=2000)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--keep", action="store_true", help="add the rows to bench/results/moments.csv")
options = parser.parse_args()
if not common.MODEL.exists():
    sys.exit(f"no model at {common.MODEL}: set POMONA_SHARED")
rows, photos, out = [], common.corpus(options.count), common.WORK / "moments"
for round in range(1, options.rounds + 1):
    shutil.rmtree(out, ignore_errors=True)
    common.timed([common.POMONA, "features", photos, "--out", out, "--model", common.MODEL, "--threads", 2, "-q"])
    seconds = json.load(open(out / "run.json"))["seconds"]["summed_over_threads"]
    share = 100 * seconds["moments"] / sum(seconds.values())
    print(f"round {round}: moments {share:.2f} % of the work, {1e6 * seconds['moments'] / options.count:.0f} us a photo")
    rows.append({"photos": options.count, "round": round, "moments_s": f"{seconds['moments']:.4f}",
                 "all_s": f"{sum(seconds.values()):.4f}", "share_percent": f"{share:.3f}"})
if options.keep:
    common.append_rows("moments", rows)
