"""A job without pomona, for test_cluster.py: names and lengths of the files of SOURCE, by mapInArrow, as Parquet to OUT.
usage: cluster_job.py SOURCE OUT"""
import json
import platform
import sys

from pyspark.sql import SparkSession


def measure(batches):
    import os

    import pyarrow as pa

    for batch in batches:
        lengths = [len(content) for content in batch.column("content").to_pylist()]
        where = [f"{os.getcwd()} {platform.python_version()}"] * len(lengths)
        yield pa.RecordBatch.from_arrays([batch.column("path"), pa.array(lengths, pa.int64()), pa.array(where, pa.string())],
                                         ["path", "bytes", "place"])


source, out = sys.argv[1:]
spark = SparkSession.builder.appName("cluster_job").getOrCreate()
frame = (spark.read.format("binaryFile").option("pathGlobFilter", "*.bin").option("recursiveFileLookup", "true").load(source)
         .select("path", "content"))
frame.mapInArrow(measure, "path string, bytes long, place string").write.parquet(out)
rows = spark.read.parquet(out).collect()
print(json.dumps({"application": spark.sparkContext.applicationId, "spark": spark.version, "python": platform.python_version(),
                  "lengths": {row.path: row.bytes for row in rows}, "places": sorted({row.place for row in rows})}))
spark.stop()
