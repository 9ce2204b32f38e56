"""Photos to features."""
from __future__ import annotations

import time
from typing import Any, Iterator

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame

from pomona import Model

from ._frames import dealt, need_columns, photo_columns, photo_rows, planned_with_rows
from ._shipped import Shipped, open_on_driver

BATCH_BYTES = 16 << 20
SLICE = 64  # photos between looks at the clock; what comes back is of this size, so memory is bounded on the way out too
SCHEMA = "path string, label string, features array<float>, error string"


class Seconds:
    """Accumulators of one run: photos, errors, and seconds of decode, resize, net and task, over all attempts of all tasks."""

    NAMES = ("photos", "errors", "decode", "resize", "net", "task")

    def __init__(self, context: Any):
        self.counters = {name: context.accumulator(0.0) for name in self.NAMES}

    def value(self) -> dict[str, float]:
        return {name: counter.value for name, counter in self.counters.items()}


def _run(shipped: Shipped, batches: Iterator[pa.RecordBatch], seconds: Seconds | None) -> Iterator[pa.RecordBatch]:
    start = time.perf_counter()
    model = shipped.open()
    before = model.seconds()
    photos = errors = 0
    for batch in batches:
        for first in range(0, batch.num_rows, SLICE):
            done = model.features_arrow(batch.slice(first, SLICE)).to_pyarrow()
            photos += done.num_rows
            errors += done.num_rows - done.column(3).null_count
            yield done
    if seconds is not None:
        after = model.seconds()
        for name in ("decode", "resize", "net"):
            seconds.counters[name].add(after[name] - before[name])
        seconds.counters["photos"].add(photos)
        seconds.counters["errors"].add(errors)
        seconds.counters["task"].add(time.perf_counter() - start)


def features(photos: DataFrame, model: Any = None, *, layer: str | None = None, profile: str | None = None,
             views: str | None = None, decode: str | None = None, size: int = 0, precision: str | None = None,
             partitions: int | None = None, batch_bytes: int = BATCH_BYTES, keep: bool = True,
             seconds: Seconds | None = None) -> DataFrame:
    """The features of a table of photos, as ps.read or spark.read.format("binaryFile") gives it.

    photos       columns path (string) and content (binary), perhaps label and error (string: why the photo could not be read, passed
                 on to the column error of the result); others are ignored
    model        None: the network inside the package; path or URI of an ONNX file that the driver can read (s3a://, hdfs://,
                 file:); or an open pomona.Model. It is read once, by the driver, and shipped by Spark
    layer, profile, views, decode, size, precision   see pomona.Model
    partitions   tasks; default: few large ones, about eight a core (binaryFile makes one for every 32 photos)
    batch_bytes  about so many bytes of photos go to Python at a time, whatever Spark's setting of rows
    keep         persist the result (memory, then disk), so that what follows does not run the network again;
                 .unpersist() when done
    seconds      accumulators to add to

    Returns a DataFrame (path, label, features array<float>, error), one row for each photo; label is the name of the photo's
    folder where there is no such column, features is null where error is not. Its column `features` carries the model's hashes
    in its metadata, and into Parquet. Raises ValueError (columns), InputError (model).
    """
    need_columns(photos, {"path": "string", "content": "binary"}, "photos")
    spark = photos.sparkSession
    opened, source = open_on_driver(spark, model, layer=layer, profile=profile, views=views, decode=decode, size=size,
                                    precision=precision)
    info = opened.info
    metadata = {"feature_space": info["feature_space"], "model_hash": info["hash"], "source": source,
                "model": source.rsplit("/", 1)[-1] or info["name"], "layer": info["layer"], "profile": info["profile"],
                "precision": info["precision"], "width": info["features"]}
    chosen = dealt(photos.select(*photo_columns(photos)), partitions)
    shipped = Shipped(spark, opened)
    made = chosen.mapInArrow(lambda batches: _run(shipped, batches, seconds), SCHEMA)
    result = planned_with_rows(made, photo_rows(photos, batch_bytes), metadata)
    return result.persist(StorageLevel.MEMORY_AND_DISK) if keep else result


def model_of(features_frame: DataFrame, made_by: dict[str, Any], model: Any) -> Model:
    """The Model that made a table of features, checked by its feature space."""
    spark = features_frame.sparkSession
    source = made_by.get("source", "")
    if model is None and source in ("", "embedded"):
        model = None
    elif model is None:
        model = source
    if isinstance(model, Model):
        opened = model
    else:
        options = {key: made_by.get(key) or None for key in ("layer", "profile", "precision")}
        opened, _ = open_on_driver(spark, model, **options)
    space = made_by.get("feature_space", "")
    if space and space != opened.feature_space:
        from pomona import InputError

        raise InputError(f"the features were made by {made_by.get('model', 'another model')} (feature space {space[:16]}), not by "
                         f"{opened.info['name']} ({opened.feature_space[:16]}): model= names the file that made them")
    return opened
