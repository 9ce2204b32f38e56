"""PCA of 20,000 rows of 1,280 features, 50 components, standardised: pomona from moments.pom against Spark MLlib.

usage: pca_spark.py [--rows 20000] [--features 1280] [--keep]     (with the reference pipeline's environment)

Spark, local[2], 6 GB: the rows are vectors in memory before the clock starts (count() on a cached frame); then StandardScaler.fit and
PCA.fit on the scaled rows, as the reference pipeline has it. pomona: reading moments.pom and fitting, by its own clock.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pandas as pd

import common

parser = argparse.ArgumentParser()
parser.add_argument("--rows", type=int, default=20000)
parser.add_argument("--features", type=int, default=1280)
parser.add_argument("--keep", action="store_true", help="add the rows to bench/results/pca_spark.csv")
options = parser.parse_args()

random = np.random.default_rng(1)
directions = random.normal(size=(200, options.features)) / np.arange(1, 201)[:, None] ** 0.5
values = random.normal(size=(options.rows, 200)) @ directions + random.normal(size=(options.rows, options.features)) / 3
values = np.clip(values, 0, 6).astype(np.float32)
folder, out = common.WORK / "pca-spark", common.WORK / "pca-spark-out"
shutil.rmtree(folder, ignore_errors=True)
(folder / "Results").mkdir(parents=True)
pd.DataFrame({"path": [f"file:/{i:06d}.jpg" for i in range(options.rows)], "label": "l", "features": list(values)}).to_parquet(
    folder / "Results/part-00000.parquet")
subprocess.run([common.POMONA, "moments", "compute", folder, "--out", folder / "moments.pom"], check=True, stdout=subprocess.DEVNULL)


def pomona():
    shutil.rmtree(out, ignore_errors=True)
    done = subprocess.run([common.POMONA, "pca", folder, "--k", "50", "--out", out, "--json"], check=True, capture_output=True)
    seconds = json.loads(done.stdout)["seconds"]
    return seconds["moments"] + seconds["fit"]


def spark():
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    from pyspark.ml.feature import PCA, StandardScaler
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import SparkSession
    session = (SparkSession.builder.master("local[2]").config("spark.driver.memory", "6g").config("spark.ui.enabled", "false")
               .getOrCreate())
    session.sparkContext.setLogLevel("ERROR")
    frame = session.read.parquet(str(folder / "Results")).repartition(20).select(array_to_vector("features").alias("v")).cache()
    frame.count()
    start = time.perf_counter()
    scaled = StandardScaler(inputCol="v", outputCol="s", withMean=True, withStd=True).fit(frame).transform(frame)
    model = PCA(k=50, inputCol="s", outputCol="pca").fit(scaled)
    seconds = time.perf_counter() - start
    explained = float(model.explainedVariance.toArray().sum())
    session.stop()
    return seconds, explained


mine = [pomona() for _ in range(3)]
theirs, explained = spark()
mine += [pomona() for _ in range(2)]
median = common.spread(mine)[0]
found = pd.read_csv(out / "PCA_variance.csv").explained.sum()
print(f"pomona, moments.pom to model   {median:.2f} s ({min(mine):.2f} - {max(mine):.2f}), explained {found:.6f}")
print(f"Spark MLlib                    {theirs:.2f} s, explained {explained:.6f}; pomona is {theirs / median:.0f} times as fast")
if options.keep:
    rows = [{"rows": options.rows, "features": options.features, "engine": "pomona PCA from moments (read and fit)",
             "wall_s": f"{seconds:.4f}"} for seconds in mine]
    common.append_rows("pca_spark", rows + [{**rows[0], "engine": "Spark MLlib 3.5.1 StandardScaler and PCA", "wall_s": f"{theirs:.4f}"}])
