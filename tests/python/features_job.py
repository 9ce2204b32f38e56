"""Features, written and summed, while things go wrong; for test_spark_cluster.py. usage: features_job.py SOURCE OUT MODEL HOW FOLDER

HOW: plain; kill (an executor is killed with -9 in mid-task, once); fail (a task fails half way, once); slow (a task is slow at first, so
that a copy of it is started); die (the driver is killed while it writes Results). FOLDER: for marks of what has happened."""
import hashlib
import json
import os
import pathlib
import signal
import sys
import threading
import time

from pyspark.sql import SparkSession

import pomona.spark as ps

source, out, model, how, folder = sys.argv[1:]


def once():
    try:
        os.close(os.open(f"{folder}/{how}", os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


def parent(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def trouble(batches):
    """Passes photos on, and makes trouble after the first batch of one task."""
    for batch in batches:
        yield batch
        if how in ("kill", "fail", "slow") and once():
            if how == "kill":
                os.kill(parent(parent(os.getpid())), signal.SIGKILL)  # worker, daemon, executor
                time.sleep(60)
            if how == "fail":
                raise RuntimeError("this task fails once")
            time.sleep(25)


def kill_driver_when(path):
    while not os.path.exists(path):
        time.sleep(0.01)
    os.kill(os.getppid(), signal.SIGKILL)  # spark-submit's JVM
    os.kill(os.getpid(), signal.SIGKILL)


spark = SparkSession.builder.appName("features_job").getOrCreate()
photos = (spark.read.format("binaryFile").option("pathGlobFilter", "*.jpg").option("recursiveFileLookup", "true").load(source)
          .select("path", "content"))
if how != "plain":
    photos = photos.repartition(6).mapInArrow(trouble, "path string, content binary")
features = ps.features(photos, None if model == "-" else model, partitions=6)
if how == "die":
    threading.Thread(target=kill_driver_when, args=(f"{out}/Results/_temporary",), daemon=True).start()
written = ps.write(features, out, partitions=4)
moments = ps.moments(features)
paths = [row.path for row in spark.read.parquet(f"{out}/Results").select("path").collect()]
print(json.dumps({"application": spark.sparkContext.applicationId, "rows": written.rows, "errors": written.errors, "paths": sorted(paths),
                  "moments": hashlib.sha256(moments.to_bytes()).hexdigest(), "happened": os.listdir(folder)}))
spark.stop()
