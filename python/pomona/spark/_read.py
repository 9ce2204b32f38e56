"""Photos by pomona's own reader: the driver lists, the executors fetch."""
from __future__ import annotations

import io
import os
from typing import Any, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from pomona import InputError

from ._frames import MEAN_BYTES_KEY

BATCH_BYTES = 16 << 20
BATCH_ROWS = 4096
TASK_BYTES = 256 << 20  # losing a task costs about so much
REQUEST_BYTES = 32 << 10  # what a request costs, as bytes: a task of many small photos is no lighter than one of few large ones
AHEAD_BATCHES = 4
SCHEMA = "path string, label string, length bigint, content binary, error string"
ROWS = pa.schema([("path", pa.string()), ("label", pa.string()), ("length", pa.int64()), ("content", pa.binary()),
                  ("error", pa.string())])
RUN = pa.schema([("path", pa.string()), ("label", pa.string()), ("size", pa.int64()), ("source", pa.binary()), ("offset", pa.int64())])

_opened: dict[Any, Any] = {}  # of this worker process: credentials and regions are found once


def read(spark: SparkSession, source: str, manifest: str | None = None, *, partitions: int | None = None, glob: str = "*.jpg",
         endpoint_url: str | None = None, region: str | None = None, addressing: str | None = None, requests: int = 32,
         no_sign_request: bool = False, batch_bytes: int = BATCH_BYTES) -> DataFrame:
    """A table of photos for ps.features and ps.predict, read by pomona's own reader: many requests at a time in each task.

        ps.features(ps.read(spark, "s3://photos/"))

    source       s3://bucket/prefix (s3a:// means the same), http[s]://, or a folder that every executor has; the driver lists it
    manifest     instead of listing: a CSV file with a header (its name ends in .csv, .csv.gz, .tsv or .txt) or Parquet, which Spark reads
                 (s3a://, hdfs://, file:) and collects; its column path, uri or key names the photos, a relative name is below `source`; columns label
                 and size are used where they are there
    partitions   tasks; default: about eight a core, more where they would be larger than 256 MiB. Each gets neighbours in the order of
                 the listing, about the same number of bytes
    glob         file names to take; not asked of a manifest
    endpoint_url, region, addressing, no_sign_request   see pomona.Reader; of S3, for the driver and the executors
    requests     under way at once in each task, 1 to 256
    batch_bytes  about so many bytes of photos come from Python at a time; four times as many are held or under way

    Returns a DataFrame (path, label, length, content, error), one row for each photo: content is null and error says why where a photo
    can't be read; ps.features passes that on. Paths are those of the command line (s3://bucket/key, file:/folder/name), label is the name of the
    folder. A place that fails as a whole (no credentials, no such bucket) fails the task with a sentence. Nothing is kept: each
    action reads again. Credentials are found by the driver and by each executor for itself, as the AWS CLI does; none are shipped. Raises InputError where there is no
    photo, ImportError where this build of pomona has no reader.
    """
    from pomona import Reader

    if batch_bytes < 1 or (partitions is not None and partitions < 1):
        raise ValueError("batch_bytes and partitions: at least 1")
    options = {"endpoint_url": endpoint_url, "region": region, "addressing": addressing, "requests": requests,
               "no_sign_request": no_sign_request}
    reader = Reader(**options)
    root = _root(os.fspath(source))
    if manifest is None:
        photos = [(photo.path, photo.label, photo.size, photo.source, photo.offset) for photo in reader.list(root, glob)]
        if not photos:
            raise InputError(f"{source}: no photo matches '{glob}'")
    else:
        photos = _manifest(spark, os.fspath(manifest), root)
        if not photos:
            raise InputError(f"{manifest}: names no photo")
    total = sum(photo[2] for photo in photos)
    tasks = partitions or max(8 * spark.sparkContext.defaultParallelism, total // TASK_BYTES)
    runs = [_packed(run) for run in _deal(photos, tasks)]
    rows = spark.sparkContext.parallelize(runs, len(runs)).map(lambda run: (run,))
    made = spark.createDataFrame(rows, "run binary").mapInArrow(lambda batches: _fill(batches, options, batch_bytes), SCHEMA)
    sizes = [photo[2] for photo in photos if photo[2]]
    return made.withMetadata("content", {MEAN_BYTES_KEY: sum(sizes) // len(sizes)}) if sizes else made


def _root(source: str) -> str:
    return "s3://" + source.split("://", 1)[1] if source.startswith(("s3a://", "s3n://")) else source


def _manifest(spark: SparkSession, manifest: str, root: str) -> list[Any]:
    if manifest.lower().endswith((".csv", ".csv.gz", ".txt", ".tsv")):
        table = spark.read.csv(manifest, header=True, escape='"', sep="\t" if manifest.lower().endswith(".tsv") else ",")
    else:
        table = spark.read.parquet(manifest)
    named = next((name for name in ("path", "uri", "key") if name in table.columns), None)
    if named is None:
        raise InputError(f"{manifest}: there is no column path, uri or key; it has: {', '.join(table.columns)}")
    columns = [named] + [name for name in ("label", "size") if name in table.columns]
    folder = root if "://" in root or root.startswith("file:") else os.path.abspath(root)
    photos = []
    for row in table.select(*columns).where(table[named].isNotNull()).toLocalIterator():
        values = row.asDict()
        path = _absolute(str(values[named]), folder)
        label = values.get("label")
        photos.append((path, path.rsplit("/", 2)[-2] if label is None else str(label), _size(values.get("size")), None, None))
    return photos


def _absolute(name: str, folder: str) -> str:
    path = _root(name)
    if "://" not in path and not path.startswith(("/", "file:")):
        path = folder.rstrip("/") + "/" + path
    return "file:" + path if path.startswith("/") else path


def _size(value: Any) -> int:
    try:
        return max(0, int(value))
    except (TypeError, ValueError):
        return 0  # not known: only the shares of tasks depend on it


def _deal(photos: list[Any], tasks: int) -> list[list[Any]]:
    """Runs of neighbours of about the same weight, none empty."""
    total = sum(photo[2] + REQUEST_BYTES for photo in photos)
    tasks = max(1, min(tasks, len(photos)))
    runs: list[list[Any]] = [[] for _ in range(tasks)]
    before = 0
    for photo in photos:
        weight = photo[2] + REQUEST_BYTES
        runs[(2 * before + weight) * tasks // (2 * total)].append(photo)  # by its middle
        before += weight
    return [run for run in runs if run]


def _packed(run: list[Any]) -> bytes:
    columns = [pa.array(column, field.type) for column, field in zip(zip(*run), RUN)]
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, RUN) as stream:
        stream.write_batch(pa.RecordBatch.from_arrays(columns, schema=RUN))
    return sink.getvalue()


def _reader(options: dict[str, Any]) -> Any:
    from pomona import Reader

    key = tuple(sorted(options.items(), key=lambda item: item[0]))
    if key not in _opened:
        _opened.clear()
        _opened[key] = Reader(**options)
    return _opened[key]


def _fill(batches: Iterator[pa.RecordBatch], options: dict[str, Any], batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """In a task: the rows of its run, in batches bounded by bytes."""
    from pomona._reader import Photo

    for batch in batches:
        for run in batch.column(0):
            listed = pa.ipc.open_stream(run.as_buffer()).read_all().to_pydict()
            labels = listed["label"]
            photos = [Photo(path, label, size, 0, source, offset) for path, label, size, source, offset in
                      zip(listed["path"], labels, listed["size"], listed["source"], listed["offset"])]
            rows: list[Any] = []
            held = 0
            for photo, (path, data, reason) in zip(photos, _reader(options).read(photos, ahead_bytes=AHEAD_BATCHES * batch_bytes)):
                size = photo.size if data is None else len(data)
                if rows and (held + size > batch_bytes or len(rows) == BATCH_ROWS):
                    yield _batch(rows)
                    rows, held = [], 0
                rows.append((path, photo.label, size, data, reason))
                held += size
            if rows:
                yield _batch(rows)


def _batch(rows: list[Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(column, field.type) for column, field in zip(zip(*rows), ROWS)], schema=ROWS)
