"""Photos a second of the network alone with one thread and with two, by `pomona bench`: MobileNetV2 1.0/224, in 8 bits and in fp32.

usage: threads.py [--model FILE.onnx] [--keep]
"""
import argparse
import json
import os
import subprocess

import common
import quantized

parser = argparse.ArgumentParser()
parser.add_argument("--model", default=common.MODEL)
parser.add_argument("--keep", action="store_true", help="add the rows to bench/results/threads.csv")
options = parser.parse_args()
rows = []
for precision, model in (("int8", quantized.pomona(options.model)), ("fp32", options.model)):
    done = subprocess.run([common.POMONA, "bench", "--model", model, "--precision", precision, "--stage", "net", "--json", "-q"],
                          check=True, capture_output=True, text=True)
    found = [row for row in json.loads(done.stdout)["rows"] if row["threads"] in (1, 2)]
    print(f"{precision}: {found[1]['photos_per_second'] / found[0]['photos_per_second']:.3f} times as many photos with two threads")
    rows += [{"model": os.path.basename(options.model), "precision": precision, "threads": row["threads"], "batch": row["batch"],
              "runs": row["runs"], "photos_a_second": f"{row['photos_per_second']:.2f}", "low": f"{row['photos_per_second_low']:.2f}",
              "high": f"{row['photos_per_second_high']:.2f}"} for row in found]
if options.keep:
    common.append_rows("threads", rows)
