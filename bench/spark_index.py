"""What Spark and pomona keep and ask for a photo, before any photo is computed: the constants of docs/scale.md.

usage: spark_index.py [--parts driver s3a requests listing moments rows] [--jars A.jar,B.jar] [--keep]

driver    bytes of the driver's heap a file: Spark's binaryFile over 100,000 and 300,000 files, local[2], after a collection of garbage
s3a       the same over keys of a scripted S3 server; needs --jars: hadoop-aws and its AWS SDK
requests  requests that S3A makes for a photo; needs them too
listing   peak memory of `pomona features --dry-run` by number of keys
moments   bytes of moments by number of rows, MobileNetV2, 1,280 features, and of the embedded network's 1,024
rows      bytes of a photo, in a shard, in Parquet, in an index of shards

Python: the tests' environment with --cluster, and the wheel.
"""
import argparse
import json
import os
import subprocess
import sys

import common

sys.path.insert(0, str(common.ROOT / "tests"))
import loopback  # noqa: E402

FOLDERS = 100


class Rows:
    def __init__(self):
        self.rows = []

    def add(self, part, what, count, value, unit, note=""):
        self.rows.append({"part": part, "what": what, "count": count, "value": f"{value:.4f}", "unit": unit, "note": note})
        print(f"  {part:10} {what:44} {count:>11} {value:16.3f} {unit}  {note}", flush=True)


def files_of_holes(count):
    """Holes of the size of a photo, which take no room; files of 0 bytes would not be planned."""
    folder = common.WORK / f"holes-{count}"
    if not (folder / "_complete").exists():
        for number in range(FOLDERS):
            (folder / "photos" / f"class-{number:03}").mkdir(parents=True, exist_ok=True)
        for number in range(count):
            descriptor = os.open(folder / f"photos/class-{number * FOLDERS // count:03}/img-{number:07}.jpg", os.O_CREAT | os.O_WRONLY)
            os.truncate(descriptor, 3000)
            os.close(descriptor)
        (folder / "_complete").touch()
    return folder / "photos"


# In a process of its own, so that one heap is not measured with another's remains. Prints JSON: bytes used after each step.
HEAP = """
import json, os, sys, time
from pyspark.sql import SparkSession
from pomona.spark import _frames
arguments = json.loads(sys.argv[1])
builder = SparkSession.builder.master("local[2]").config("spark.driver.memory", "6g").config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
for key, value in arguments["settings"].items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
runtime = spark._jvm.java.lang.Runtime.getRuntime()
def used():
    least = None
    for _ in range(6):
        spark._jvm.java.lang.System.gc()
        time.sleep(0.3)
        now = runtime.totalMemory() - runtime.freeMemory()
        least = now if least is None else min(least, now)
    return least
load = lambda source: spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(source)
warm = load(arguments["warm"])
warm._jdf.queryExecution().toRdd().getNumPartitions()
before = used()
photos = load(arguments["source"])
rows = {"listed": used() - before}
chosen = photos.select("path", "content")
made = _frames.planned_with_rows(_frames.dealt(chosen, None), _frames.photo_rows(photos, 16 << 20))
rows["splits"] = _frames.partitions_of(chosen)
rows["planned"] = used() - before
print("RESULT" + json.dumps(rows))
"""


def heap(source, warm, settings=None):
    text = json.dumps({"source": str(source), "warm": str(warm), "settings": settings or {}})
    done = subprocess.run([sys.executable, "-c", HEAP, text], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))[6:])


def driver(rows, options):
    warm, measured = files_of_holes(1000), {}
    for count in (100_000, 300_000):
        measured[count] = heap(files_of_holes(count), warm)
        for what, note in (("listed", "the index of binaryFile"), ("planned", "index, splits and plan of ps.features")):
            rows.add("driver", what, count, measured[count][what] / count, "bytes a file", note)
        rows.add("driver", "splits", count, measured[count]["splits"], "", "32 files each")
    for what in ("listed", "planned"):
        slope = (measured[300_000][what] - measured[100_000][what]) / 200_000
        rows.add("driver", f"{what}, slope", 300_000, slope, "bytes a file", "between 100,000 and 300,000")


def s3a_settings(jars, url, server=loopback.S3Server):
    return {"spark.jars": jars, "spark.hadoop.fs.s3a.endpoint": url, "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.connection.ssl.enabled": "false", "spark.hadoop.fs.s3a.access.key": server.access_key,
            "spark.hadoop.fs.s3a.secret.key": server.secret_key,
            "spark.hadoop.fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider"}


def s3a(rows, options):
    if not options.jars:
        print("s3a: left out, --jars names hadoop-aws and its AWS SDK")
        return
    for count in (100_000, 300_000):
        with loopback.ListServer("--keys", count, "--prefixes", FOLDERS) as lists, \
                loopback.FaultProxy(lists.url) as proxy:
            result = heap("s3a://bucket/photos", files_of_holes(1000), s3a_settings(options.jars, proxy.url))
            report = proxy.report()
            rows.add("s3a", "listed", count, result["listed"] / count, "bytes a file", "the index of binaryFile, file systems and their pools in it")
            rows.add("s3a", "planned", count, result["planned"] / count, "bytes a file", "index, splits and plan of ps.features")
            rows.add("s3a", "requests to list", count, report["requests"], "requests", json.dumps(report["methods"]))


def requests(rows, options):
    if not options.jars:
        print("requests: left out, --jars names hadoop-aws and its AWS SDK")
        return
    photos = common.corpus(1000)
    files = [path for path in photos.rglob("*") if path.is_file() and not path.name.startswith((".", "_"))]
    server = loopback.S3Server(common.WORK / "versitygw-index")
    try:
        server.client().create_bucket(Bucket="photos")
        subprocess.run([common.POMONA, "cp", photos, "s3://photos/some", "--recursive", "-q"], check=True,
                       env=server.environment(server.folder, server.url))
        with loopback.FaultProxy(server.url) as proxy:
            settings = s3a_settings(options.jars, proxy.url)
            heap("s3a://photos/some", files_of_holes(1000), settings)
            listing = proxy.report()["methods"]
            proxy.script("")
            read = subprocess.run([sys.executable, "-c", READ, json.dumps({"source": "s3a://photos/some", "settings": settings})],
                                  check=True, stdout=subprocess.PIPE, text=True)
            reading = proxy.report()["methods"]
        files_read, bytes_read = map(int, read.stdout.split()[-2:])
        if bytes_read != sum(path.stat().st_size for path in files) or files_read != len(files):
            raise SystemExit(f"requests: Spark read {bytes_read} bytes of {files_read} files, not all of {len(files)}")
        for method in ("HEAD", "GET"):
            rows.add("requests", f"{method} for a photo", 1000, (reading[method] - listing[method]) / len(files), "requests",
                     f"content read by binaryFile, listing taken off; {reading[method]} and {listing[method]} of {len(files)} files")
    finally:
        server.discard()


READ = """
import json, sys
from pyspark.sql import SparkSession
arguments = json.loads(sys.argv[1])
builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
for key, value in arguments["settings"].items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
photos = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(arguments["source"])
print(*photos.selectExpr("count(*)", "sum(length(content))").collect()[0])
"""


# A child's ru_maxrss begins with what its parent had: this parent is smaller than what is measured.
PEAK = "import os, sys; os.dup2(os.open('/dev/null', os.O_WRONLY), 1); " \
       "pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ); _, status, usage = os.wait4(pid, 0); " \
       "os.write(2, f'\\n{usage.ru_maxrss}'.encode()); sys.exit(os.waitstatus_to_exitcode(status))"


def peak_mebibytes(url, server, *arguments):
    done = subprocess.run([sys.executable, "-S", "-E", "-c", PEAK, common.POMONA, *arguments], check=True, capture_output=True, text=True,
                          env=server.environment(server.folder, url))
    return int(done.stderr.rsplit("\n", 1)[1]) / 1024


def listing(rows, options):
    server = loopback.S3Server(common.WORK / "versitygw-index")  # only its credentials
    try:
        peaks = {}
        for count in (100_000, 1_000_000):
            with loopback.ListServer("--keys", count, "--prefixes", FOLDERS) as lists:
                peaks[count] = peak_mebibytes(lists.url, server, "features", "s3://bucket/photos", "--out", common.WORK / "never",
                                              "--dry-run", "-q")
                rows.add("listing", "pomona features --dry-run, memory", count, peaks[count], "MiB")
        slope = (peaks[1_000_000] - peaks[100_000]) * (1 << 20) / 900_000
        rows.add("listing", "pomona features --dry-run, slope", 1_000_000, slope, "bytes a file", "between 100,000 and 1,000,000 keys")
    finally:
        server.discard()


def moments(rows, options):
    """Doubled by merging with themselves: moments are sums, so that n rows twice are 2 n rows."""
    import numpy
    import pandas

    import pomona

    for name, model in (("MobileNetV2", ["--model", common.MODEL]), ("embedded", [])):
        out = common.WORK / f"index-{name}"
        subprocess.run([common.POMONA, "features", common.corpus(1000), "--out", out, "--overwrite", "-q", *model], check=True)
        values = numpy.stack(pandas.read_parquet(out / "Results").features.to_numpy()).astype(numpy.float32)
        made = pomona.Moments(values.shape[1], "")
        for _ in range(2):
            made.add(values)
        made.add(values[:48])
        for power in range(20):
            count = 2048 << power
            rows.add("moments", f"{name}, {values.shape[1]} features", count, len(made.to_bytes()), "bytes", "without labels")
            made += pomona.Moments.from_bytes(made.to_bytes())


def rows_of(rows, options):
    photos, count = common.corpus(1000), 1000
    size = lambda folder, pattern: sum(path.stat().st_size for path in folder.rglob(pattern))
    rows.add("rows", "JPEG", count, size(photos, "*.jpg") / count, "bytes a photo", "pomona sample, 100x100")
    out, packed = common.WORK / "index-out", common.WORK / "index-packed"
    subprocess.run([common.POMONA, "features", photos, "--out", out, "--overwrite", "-q", "--model", common.MODEL, "--precision", "fp32"], check=True)
    rows.add("rows", "Parquet, 1280 features", count, size(out / "Results", "*.parquet") / count, "bytes a photo", "path, label, features; snappy")
    subprocess.run([common.POMONA, "pack", photos, "--out", packed, "--overwrite", "-q"], check=True)
    rows.add("rows", "shard", count, size(packed, "*.tar") / count, "bytes a photo", "tar of pomona pack")
    rows.add("rows", "index", count, size(packed, "_index.parquet") / count, "bytes a photo", "_index.parquet")


PARTS = {"driver": driver, "s3a": s3a, "requests": requests, "listing": listing, "moments": moments, "rows": rows_of}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--jars", default="", help="hadoop-aws and aws-java-sdk-bundle of Spark's Hadoop, with a comma between")
    parser.add_argument("--keep", action="store_true", help="add the rows to bench/results/spark_index.csv")
    options = parser.parse_args()
    rows = Rows()
    for part in options.parts:
        PARTS[part](rows, options)
    if options.keep:
        common.append_rows("spark_index", rows.rows)


if __name__ == "__main__":
    main()
