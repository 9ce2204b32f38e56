"""Tables of features as the command line lays them out: Results/ and Errors/."""
from __future__ import annotations

from typing import NamedTuple

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql.functions import col, count

from ._frames import is_there, need_columns, provenance


class Written(NamedTuple):
    """What write() wrote: rows of Results/ and of Errors/, and the folder."""

    rows: int
    errors: int
    path: str


def write(features: DataFrame, path: str, *, partitions: int = 20, compression: str = "snappy", overwrite: bool = False) -> Written:
    """Writes path/Results/ (path, label, features: rows sorted by path, dealt to `partitions` files) and, where photos failed,
    path/Errors/ (path, reason). Errors come first, so that Results/_SUCCESS says that both are there.

    Committing is Spark's own; on S3 use its magic committer (docs/guide.md). The network runs once, also for a table that is not
    kept. InputError: features of several models. ValueError: Results or Errors exist and `overwrite` is not set.
    """
    need_columns(features, {"path": "string", "label": "string", "features": "features", "error": "string"}, "features")
    spark = features.sparkSession
    provenance(features)
    base = path.rstrip("/")
    for name in ("Results", "Errors"):
        if not overwrite and is_there(spark, f"{base}/{name}"):
            raise ValueError(f"{base}/{name}: exists already; overwrite=True replaces it")
    mode = "overwrite" if overwrite else "errorifexists"
    here = not features.storageLevel.useMemory and not features.storageLevel.useDisk
    if here:
        features = features.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        spark.sparkContext.setJobDescription("pomona: features, and how many failed")
        bad = features.where(col("error").isNotNull()).select("path", col("error").alias("reason"))
        counts = features.select("error").agg(count("*"), count("error")).first()
        rows, errors = counts[0] - counts[1], counts[1]
        if errors:
            spark.sparkContext.setJobDescription(f"pomona: writing Errors, {errors} rows")
            bad.repartition(1).sortWithinPartitions("path").write.mode(mode).parquet(f"{base}/Errors", compression=compression)
        elif overwrite:
            _remove(spark, f"{base}/Errors")
        good = features.where(col("error").isNull()).select("path", "label", "features")
        spark.sparkContext.setJobDescription(f"pomona: writing Results, {rows} rows")
        parts = max(1, min(partitions, rows))
        good.repartitionByRange(parts, "path").sortWithinPartitions("path").write.mode(mode).parquet(f"{base}/Results",
                                                                                                compression=compression)
    finally:
        spark.sparkContext.setJobDescription(None)
        if here:
            features.unpersist()
    return Written(rows, errors, base)


def _remove(spark, uri: str) -> None:
    from ._frames import file_system

    system, path = file_system(spark, uri)
    system.delete(path, True)
