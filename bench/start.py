"""Cold start: one photo, the embedded model, the whole command, from exec to exit.

usage: start.py [--rounds 20] [--keep]

Twice: with files in the page cache (what every later start sees), and with the page cache emptied before each start (needs root).
"""
import argparse
import shutil
import subprocess

import common

parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=20)
parser.add_argument("--keep", action="store_true", help="add the rows to bench/results/start.csv")
options = parser.parse_args()
folder, out, rows = common.WORK / "one", common.WORK / "start", []
shutil.rmtree(folder, ignore_errors=True)
subprocess.run([common.POMONA, "sample", "--out", folder, "--count", "1"], check=True, stdout=subprocess.DEVNULL)
for cache in ("warm", "dropped"):
    times = []
    for number in range(options.rounds + 1):
        shutil.rmtree(out, ignore_errors=True)
        if cache == "dropped" and not common.page_cache_dropped():
            print("page cache: may not be emptied by this user, so only warm starts were measured")
            break
        seconds, _ = common.timed([common.POMONA, "features", folder, "--out", out, "-q"])
        if number > 0:  # the first one only warms up
            times.append(1e3 * seconds)
            rows.append({"cache": cache, "round": number, "ms": f"{times[-1]:.2f}"})
    if times:
        print("page cache %-8s median %.1f ms (middle 80 %%: %.1f - %.1f)" % (cache, *common.spread(times)))
if options.keep:
    common.append_rows("start", rows)
