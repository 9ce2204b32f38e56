"""Where the time of a network goes, against the floor: MobileNetV2 1.0/224 by parts, one thread, in 8 bits and in fp32.

usage: layers.py [--model FILE.onnx] [--keep]

The floor of a part is its multiply-adds at the peak that `pomona bench` sees in registers, in the same run.
"""
import argparse
import json
import os
import re
import subprocess

import common
import quantized

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default=common.MODEL)
    parser.add_argument("--keep", action="store_true", help="add the rows to bench/results/layers.csv")
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rows = []
    for precision, model in (("int8", quantized.pomona(options.model)), ("fp32", options.model)):
        bench = subprocess.run([common.POMONA, "bench", "--model", model, "--precision", precision, "--stage", "net", "--threads", "1",
                                "--runs", "3", "--json", "-q"], check=True, capture_output=True, text=True)
        peak = json.loads(bench.stdout)["peaks"][0][f"{precision}_gmacs"]
        lines = subprocess.run([common.BUILD / "release/tests/net/layers_bench", model, precision], check=True, capture_output=True,
                               text=True).stdout.splitlines()
        print(f"\n{precision}: peak {peak:.1f} GMAC/s")
        total = 0
        for line in lines:
            microseconds, macs, what = line.split("\t")
            floor = float(macs) / peak * 1e-3
            if what != "whole":
                total += int(macs)
                print(f"{float(microseconds):8.1f} us, floor {floor:7.1f}  {what}")
            else:
                floor = total / peak * 1e-3
                print(f"{float(microseconds):8.1f} us, floor {floor:7.1f}  whole network: {100 * floor / float(microseconds):.0f} % of the peak")
            rows.append({"model": os.path.basename(options.model), "precision": precision, "peak_gmacs": f"{peak:.1f}",
                         "step": re.sub(r"\s+", " ", what), "macs": macs if what != "whole" else total, "us": microseconds,
                         "floor_us": f"{floor:.1f}"})
    if options.keep:
        common.append_rows("layers", rows)


main()
