"""What several views of a photo gain, and what they cost: the grocery photos, each set of views, two backbones.

usage: views.py [--models embedded mobilenet] [--rounds 3] [--keep]

For each backbone and set of views: features of train and val, a head with a fixed strength (nothing is chosen on val: lda 0.4 and
logistic 0.01), top-1 and coarse accuracy on val with their 95 % intervals, and the photos a second of val's features (all sets in
turns, `rounds` times; median). The photos that only one of the two answers right are counted against the plain view.
"""
import argparse
import json
import math
import shutil
import statistics
import subprocess

import common

GROCERY = common.SHARED / "data/grocery"
SETS = ["100c", "flip", "scales", "100c,100cm,60c,60cm", "crops"]
HEADS = {"lda": "0.4", "logistic": "0.01"}
MODELS = {"embedded": [], "mobilenet": [common.MODEL]}


def pomona(*arguments):
    return subprocess.run([common.POMONA, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def features(source, out, model, views):
    shutil.rmtree(out, ignore_errors=True)
    backbone = ["--model", *MODELS[model]] if MODELS[model] else []
    return json.loads(pomona("features", source, "--out", out, "--views", views, *backbone, "--json", "-q"))


def mcnemar(gained, lost):
    """Two-sided exact: how often chance alone parts so many photos at least as unevenly."""
    both = gained + lost
    tail = sum(math.comb(both, k) for k in range(min(gained, lost) + 1)) / 2 ** both
    return min(1.0, 2 * tail)


def answers(classifier):
    """Whether each val photo is answered right."""
    lines = pomona("predict", GROCERY / "val", "--model", classifier, "--json", "--max-errors", "-1", "-q").splitlines()
    rows = [json.loads(line) for line in lines]
    return [row["class"] == row["path"].split("/")[-2] for row in rows]


def judge(folder, model, views, head, strength):
    out = folder / f"{head}.onnx"
    backbone = ["--backbone", *MODELS[model]] if MODELS[model] else []
    result = json.loads(pomona("train", folder / "train", "--val", folder / "val", *backbone, "--head", head, "--strength", strength,
                               "--hierarchy", GROCERY / "classes.csv", "--out", out, "--overwrite", "--json", "-q"))
    return result, answers(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    rows = []
    for model in options.models:
        folders = {views: common.WORK / "views" / f"{model}-{views}" for views in SETS}
        speeds = {views: [] for views in SETS}
        for views, folder in folders.items():
            folder.mkdir(parents=True, exist_ok=True)
            features(GROCERY / "train", folder / "train", model, views)
        for _ in range(options.rounds):
            for views, folder in folders.items():
                speeds[views].append(features(GROCERY / "val", folder / "val", model, views)["images_per_second"])
        for head, strength in HEADS.items():
            plain = None
            for views, folder in folders.items():
                result, right = judge(folder, model, views, head, strength)
                plain = plain or right
                gained = sum(b and not a for a, b in zip(plain, right))
                lost = sum(a and not b for a, b in zip(plain, right))
                row = {"model": model, "views": views, "pictures": max(1, 6 if views == "crops" else 2 if views in ("flip", "scales")
                                                                       else views.count(",") + 1),
                       "head": head, "strength": strength, "photos": result["validation"], "top1": f"{result['top1']:.4f}",
                       "low": f"{result['top1_interval'][0]:.4f}", "high": f"{result['top1_interval'][1]:.4f}",
                       "coarse": f"{result['coarse']:.4f}", "gained": gained, "lost": lost, "p": f"{mcnemar(gained, lost):.2g}",
                       "photos_per_second": f"{statistics.median(speeds[views]):.1f}"}
                rows.append(row)
                print(f"{model:10} {head:9} {views:20} top-1 {100 * float(row['top1']):5.1f} %  coarse {100 * float(row['coarse']):5.1f} %  "
                      f"+{gained} -{lost} (p {row['p']})  {row['photos_per_second']} photos/s", flush=True)
    if options.keep:
        common.append_rows("views", rows)


if __name__ == "__main__":
    main()
