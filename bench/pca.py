"""PCA of 20,000 rows of 1,280 features, 50 components, standardised: pomona against scikit-learn, two threads for both.

usage: pca.py [--rows 20000] [--features 1280] [--rounds 5] [--keep]

scikit-learn: StandardScaler and PCA.fit on an array in memory, with each of its solvers that suits the shape; its best one is
the peer. pomona: from moments.pom (what a job of pomona features leaves: what a user waits for), and from the features themselves
(reading Parquet included). Wall clock and processor time of each, in turns; the latter says more on a busy machine.
"""
import argparse
import json
import os
import shutil
import time

os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:2]))
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "2"

import numpy as np  # noqa: E402  (after the number of threads is set)
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from sklearn.decomposition import PCA  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

import common  # noqa: E402


def features(rows, columns):
    """Like a network's: a spectrum that falls off, nothing negative, up to 6."""
    random = np.random.default_rng(1)
    directions = random.normal(size=(200, columns)) / np.arange(1, 201)[:, None] ** 0.5
    values = random.normal(size=(rows, 200)) @ directions + random.normal(size=(rows, columns)) / 3
    return np.clip(values, 0, 6).astype(np.float32)


def write(values, folder):
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "Results").mkdir(parents=True)
    table = pa.table({"path": [f"file:/{i:06d}.jpg" for i in range(len(values))], "label": [f"l{i % 100}" for i in range(len(values))],
                      "features": pa.FixedSizeListArray.from_arrays(values.ravel(), values.shape[1]).cast(pa.list_(pa.float32()))})
    pq.write_table(table, folder / "Results/part-00000.parquet")


def timed(function):
    wall, busy = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - busy


def pomona(folder, out):
    """Wall and processor seconds of the command, and what it says of its steps."""
    import subprocess
    shutil.rmtree(out, ignore_errors=True)
    seconds, usage = common.timed([common.POMONA, "pca", folder, "--k", "50", "--out", out, "--json"],
                                  stdout=open(common.WORK / "pca.json", "w"), stderr=subprocess.DEVNULL)
    return seconds, usage.ru_utime + usage.ru_stime, json.load(open(common.WORK / "pca.json"))["seconds"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20000)
    parser.add_argument("--features", type=int, default=1280)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="add the rows to bench/results/pca.csv")
    options = parser.parse_args()
    values = features(options.rows, options.features)
    folder, out = common.WORK / "pca-features", common.WORK / "pca-out"
    write(values, folder)
    solvers = {solver: lambda solver=solver: PCA(50, svd_solver=solver, random_state=0).fit(StandardScaler().fit_transform(values))
               for solver in ("covariance_eigh", "randomized", "arpack")}
    rows, times = [], {}

    def note(round, engine, wall, busy):
        rows.append({"rows": options.rows, "features": options.features, "round": round, "engine": engine,
                     "wall_s": f"{wall:.4f}", "cpu_s": f"{busy:.4f}"})
        times.setdefault(engine, []).append((wall, busy))

    for round in range(1, options.rounds + 1):
        for solver, fit in solvers.items():
            note(round, f"scikit-learn {solver}", *timed(fit))
        (folder / "moments.pom").unlink(missing_ok=True)
        wall, busy, steps = pomona(folder, out)
        note(round, "pomona command, from features", wall, busy)
        note(round, "pomona moments of features", steps["moments"], float("nan"))
        common.timed([common.POMONA, "moments", "compute", folder, "--out", folder / "moments.pom"])
        wall, busy, steps = pomona(folder, out)
        note(round, "pomona command, from moments", wall, busy)
        note(round, "pomona PCA from moments (read and fit)", steps["moments"] + steps["fit"], float("nan"))
    for engine, pairs in times.items():
        wall, busy = ([pair[i] for pair in pairs] for i in (0, 1))
        print(f"{engine:42} wall %.2f s (middle 80 %%: %.2f - %.2f)   processor %.2f s" % (*common.spread(wall), common.spread(busy)[0]))
    if options.keep:
        common.append_rows("pca", rows)


if __name__ == "__main__":
    main()
