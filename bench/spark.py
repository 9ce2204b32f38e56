"""pomona inside Spark, on this machine's cores: against the reference's TensorFlow, ONNX Runtime in 8 bits, MLlib, and the command line.

usage: spark.py [--parts features overhead start pca notebook] [--rounds 3] [--keep]     (with the reference pipeline's environment,
the wheel installed in it; the 8-bit files are made by net.py --precision int8)

Sessions are warm: each engine has run on 64 photos before its clock starts, so that JVM, Python workers, imports and models are there.
Engines take turns, each with Python workers of its own. The job of all engines in `features` and `overhead`: binaryFile, features, Parquet.
"""
import argparse
import glob
import io
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import threading
import time

import numpy as np

import common

os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
KERAS = common.SHARED / "data/models/mobilenet_v2_1.0_224.keras"
REFERENCE = common.SHARED / "reference/reference_pipeline.py"
POMONA_INT8 = common.WORK / f"{common.MODEL.stem}.pomona.onnx"
ORT_INT8 = common.WORK / f"{common.MODEL.stem}.onnxruntime.onnx"
OUT = common.WORK / "spark-out"

parser = argparse.ArgumentParser()
parser.add_argument("--parts", nargs="+", default=["features", "overhead", "start", "pca", "notebook"])
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--count", type=int, default=0, help="photos, instead of those of each part")
parser.add_argument("--keep", action="store_true", help="add the rows to bench/results/spark.csv")
options = parser.parse_args()
rows = []


def record(part, engine, photos, seconds, **more):
    rows.append({"part": part, "engine": engine, "photos": photos, "wall_s": f"{seconds:.3f}",
                 "photos_per_s": f"{photos / seconds:.1f}" if photos else "", "worker_rss_mib": more.get("rss", ""),
                 "note": more.get("note", "")})
    print(f"{part:10} {engine:44} {seconds:8.2f} s  {photos / seconds if photos else 0:8.1f} photos/s  "
          f"{more.get('rss', '')} {more.get('note', '')}", flush=True)


def session(rows_per_batch):
    from pyspark.sql import SparkSession
    made = (SparkSession.builder.master("local[2]").appName("bench").config("spark.driver.memory", "6g")
            .config("spark.ui.enabled", "false").config("spark.sql.parquet.writeLegacyFormat", "true")
            .config("spark.sql.execution.arrow.maxRecordsPerBatch", str(rows_per_batch)).getOrCreate())
    made.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(rows_per_batch))
    made.sparkContext.setLogLevel("ERROR")
    return made


def binary_files(spark, folder):
    return (spark.read.format("binaryFile").option("pathGlobFilter", "*.jpg").option("recursiveFileLookup", "true")
            .load(str(folder)))


class WorkerMemory:
    """The largest resident set of an engine's Python workers in Spark while it is watched, in MiB."""

    def __init__(self, engine):
        self.mark = f"BENCH_ENGINE={engine}".encode()

    def __enter__(self):
        self.largest, self.on = 0, True
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while self.on:
            for status in glob.glob("/proc/[0-9]*/status"):
                try:
                    of = {name: open(status.replace("status", name), "rb").read() for name in ("cmdline", "environ")}
                    if b"pyspark.daemon" in of["cmdline"] and self.mark in of["environ"].split(b"\0"):
                        fields = dict(line.split(":", 1) for line in open(status) if ":" in line)
                        self.largest = max(self.largest, int(fields.get("VmHWM", "0 kB").split()[0]) // 1024)
                except OSError:
                    pass
            time.sleep(0.2)

    def __exit__(self, *_):
        self.on = False
        self.thread.join()


def write(table):
    shutil.rmtree(OUT, ignore_errors=True)
    table.write.parquet(str(OUT))


def run_pomona(folder, model, **how):
    import pomona.spark as ps
    spark = session(10000)
    write(ps.features(binary_files(spark, folder), str(model) if model else None, keep=False, **how)
          .where("error is null").select("path", "label", "features"))


def tensorflow_udf():
    """The reference's own function."""
    model_path = str(KERAS)

    def featurize(batches):
        import tensorflow as tf
        from PIL import Image
        from tensorflow.keras.applications.mobilenet_v2 import preprocess_input
        import pandas as pd
        whole = tf.keras.models.load_model(model_path, compile=False)
        model = tf.keras.Model(whole.input, whole.layers[-2].output)
        for batch in batches:
            x = np.stack([preprocess_input(np.asarray(Image.open(io.BytesIO(b)).resize([224, 224]), dtype=np.float32)) for b in batch])
            yield pd.Series(list(model.predict(x, verbose=0)))
    return featurize


def onnxruntime_udf(model, batch_size):
    model_path = str(model)

    def featurize(batches):
        import onnxruntime
        import pandas as pd
        from PIL import Image
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        network = onnxruntime.InferenceSession(model_path, settings, providers=["CPUExecutionProvider"])
        name = network.get_inputs()[0].name
        for batch in batches:
            made = []
            for start in range(0, len(batch), batch_size):
                x = np.stack([np.asarray(Image.open(io.BytesIO(b)).resize((224, 224)), np.float32) / 127.5 - 1
                              for b in batch[start:start + batch_size]]).astype(np.float32)
                made.extend(network.run(None, {name: x})[0].reshape(len(x), -1))
            yield pd.Series(made)
    return featurize


def run_udf(folder, function, rows_per_batch, partitions):
    from pyspark.sql.functions import col, element_at, pandas_udf, split
    from typing import Iterator
    import pandas as pd
    spark = session(rows_per_batch)

    def typed(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        yield from function(batches)
    featurize = pandas_udf(typed, "array<float>")
    images = binary_files(spark, folder).withColumn("label", element_at(split(col("path"), "/"), -2))
    images = images.repartition(partitions) if partitions else images
    write(images.select("path", "label", featurize("content").alias("features")))


def own_workers(engine):
    """What follows runs in Python workers that no other engine has used: Spark keeps some for each environment."""
    session(10000).sparkContext.environment["BENCH_ENGINE"] = engine


def in_turns(part, engines, photos, rounds):
    """Runs each engine in turn, `rounds` times; {engine: [seconds]}."""
    taken = {name: [] for name in engines}
    for _ in range(rounds):
        for name, run in engines.items():
            own_workers(name)
            with WorkerMemory(name) as memory:
                start = time.perf_counter()
                run()
                seconds = time.perf_counter() - start
            taken[name].append(seconds)
            record(part, name, photos, seconds, rss=memory.largest or "")
    return taken


def compare(part, taken, mine, asked):
    middle = {name: statistics.median(values) for name, values in taken.items()}
    for name, value in middle.items():
        if name != mine:
            print(f"{part}: {mine} is {value / middle[mine]:.2f} times as fast as {name} ({asked})")


def part_features():
    """5,000 photos of 100x100: pomona against what Spark users run today."""
    count = options.count or 5000
    folder, small = common.corpus(count), common.corpus(64)
    best, tried = None, {}
    for batch_size, partitions in ((4, 8), (16, 8), (16, 20), (64, 20)):  # the peer's best setting, on few photos
        trial = common.corpus(640)
        run_udf(small, onnxruntime_udf(ORT_INT8, batch_size), 64, partitions)
        start = time.perf_counter()
        run_udf(trial, onnxruntime_udf(ORT_INT8, batch_size), 64, partitions)
        tried[batch_size, partitions] = time.perf_counter() - start
    best = min(tried, key=tried.get)
    print(f"ONNX Runtime int8, seconds by (batch, partitions): { {k: round(v, 2) for k, v in tried.items()} }")
    engines = {
        "pomona int8": lambda where=folder: run_pomona(where, POMONA_INT8),
        "pomona fp32": lambda where=folder: run_pomona(where, common.MODEL),
        f"pandas_udf + ONNX Runtime int8, batch {best[0]}": lambda where=folder: run_udf(
            where, onnxruntime_udf(ORT_INT8, best[0]), 64, best[1]),
        "pandas_udf + TensorFlow (reference)": lambda where=folder: run_udf(where, tensorflow_udf(), 64, 20)}
    for name, run in engines.items():
        own_workers(name)
        run(small)
    taken = in_turns("features", engines, count, options.rounds)
    compare("features", taken, "pomona int8", "asked: TensorFlow 10, ONNX Runtime int8 2")


def part_overhead():
    """20,000 photos: ps.features against pomona features, both on two cores, both writing Parquet."""
    count = options.count or 20000
    folder, small = common.corpus(count), common.corpus(64)

    def command():
        shutil.rmtree(OUT, ignore_errors=True)
        subprocess.run([common.POMONA, "features", folder, "--out", OUT, "--model", POMONA_INT8, "--threads", "2", "-q"], check=True)

    def whole():
        import pomona.spark as ps
        spark = session(10000)
        shutil.rmtree(OUT, ignore_errors=True)
        table = ps.features(binary_files(spark, folder), str(POMONA_INT8))
        ps.write(table, str(OUT))
        ps.moments(table)
        table.unpersist()
    run_pomona(small, POMONA_INT8)
    taken = in_turns("overhead", {"pomona features (command line, with moments)": command,
                                  "ps.features to Parquet": lambda: run_pomona(folder, POMONA_INT8),
                                  "ps.features, ps.write, ps.moments": whole}, count, options.rounds)
    base = statistics.median(taken["pomona features (command line, with moments)"])
    for name in list(taken)[1:]:
        print(f"overhead: {name} takes {statistics.median(taken[name]) / base:.2f} times the command line (asked: 1.35)")


ROW = ("b = pa.RecordBatch.from_arrays([pa.array([open({photo!r}, 'rb').read()])], ['content']); "
       "m.features_arrow(b).to_pyarrow()")
START = {
    "pomona with pyarrow": "import pyarrow as pa, pomona; m = pomona.Model({model!r}); " + ROW,
    "pomona, its own network": "import pyarrow as pa, pomona; m = pomona.Model(); " + ROW,
    "TensorFlow (reference)": "import numpy as np, tensorflow as tf; w = tf.keras.models.load_model({keras!r}, compile=False); "
                              "tf.keras.Model(w.input, w.layers[-2].output).predict(np.zeros((1, 224, 224, 3), np.float32), verbose=0)",
    "Python alone": "pass"}


def part_start():
    """From the start of a Python process to the first row of features."""
    photo = str(next(common.corpus(64).rglob("*.jpg")))
    for turn in range(max(5, options.rounds)):
        for name, code in START.items():
            code = code.format(model=str(POMONA_INT8), photo=photo, keras=str(KERAS))
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
            record("start", name, 0, time.perf_counter() - start)


def part_pca():
    """20,000 x 1,280: ps.moments(...).pca(50) against MLlib's StandardScaler and PCA, on cached tables."""
    from pyspark.ml.feature import PCA, StandardScaler
    from pyspark.ml.functions import array_to_vector
    import pandas as pd
    import pomona.spark as ps
    count, width = options.count or 20000, 1280
    random = np.random.default_rng(1)
    directions = random.normal(size=(200, width)) / np.arange(1, 201)[:, None] ** 0.5
    values = np.clip(random.normal(size=(count, 200)) @ directions + random.normal(size=(count, width)) / 3, 0, 6).astype(np.float32)
    folder = common.WORK / "spark-pca"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pd.DataFrame({"path": [f"file:/{i:06d}.jpg" for i in range(count)], "label": "l", "features": list(values)}).to_parquet(
        folder / "part-00000.parquet")
    spark = session(10000)
    table = spark.read.parquet(str(folder)).repartition(20).cache()
    vectors = table.select(array_to_vector("features").alias("v")).cache()
    table.count(), vectors.count()
    explained = {}

    def mine():
        explained["pomona"] = float(ps.moments(table).pca(k=50).explained_variance_ratio.sum())

    def mllib():
        scaled = StandardScaler(inputCol="v", outputCol="s", withMean=True, withStd=True).fit(vectors).transform(vectors)
        explained["mllib"] = float(PCA(k=50, inputCol="s", outputCol="pca").fit(scaled).explainedVariance.toArray().sum())
    mine()
    taken = in_turns("pca", {"ps.moments, pca": mine, "MLlib StandardScaler, PCA": mllib}, count, options.rounds)
    compare("pca", taken, "ps.moments, pca", "asked: 20")
    print(f"pca: explained variance {explained}")


def part_notebook():
    """The whole notebook, 2,000 photos, whole processes: features, PCA, CSV, plot."""
    count = options.count or 2000
    folder = common.corpus(count)
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "check": True}
    for _ in range(max(1, options.rounds - 1)):
        shutil.rmtree(OUT, ignore_errors=True)
        start = time.perf_counter()
        subprocess.run([sys.executable, common.ROOT / "bench/notebook_pomona.py", folder, OUT, POMONA_INT8], **quiet)
        record("notebook", "pomona", count, time.perf_counter() - start)
        shutil.rmtree(OUT, ignore_errors=True)
        start = time.perf_counter()
        done = subprocess.run([sys.executable, REFERENCE, folder, OUT, KERAS], **quiet)
        parts = json.loads(done.stdout.splitlines()[-1])
        record("notebook", "reference pipeline", count, time.perf_counter() - start,
               note=f"start {parts['start_s']:.1f} features {parts['features_s']:.1f} pca {parts['pca_s']:.1f}")


for name in options.parts:
    globals()[f"part_{name}"]()
if options.keep:
    common.append_rows("spark", rows)
