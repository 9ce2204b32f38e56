"""What Spark's Python API does not offer: plans made with our own batch size, where features came from, files of any file system.

These few functions go through py4j to the JVM; everything else of the package is plain PySpark.
"""
from __future__ import annotations

import json
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from pomona import InputError

ROWS_KEY = "spark.sql.execution.arrow.maxRecordsPerBatch"
ROWS_MAX = 512
ROWS_UNKNOWN = 16  # where the photos' sizes are not known
METADATA_KEY = "pomona"
MEAN_BYTES_KEY = "pomona_mean_bytes"  # of the column content that ps.read made


def need_columns(frame: DataFrame, wanted: dict[str, str], what: str) -> None:
    """Raises ValueError with a sentence that names the column which is missing or of another type."""
    types = dict(frame.dtypes)
    for name, kind in wanted.items():
        if name not in types:
            raise ValueError(f"{what}: there is no column '{name}' ({kind}); the table has: {', '.join(frame.columns)}")
        if kind not in (types[name], "any") and not (kind == "features" and types[name] in ("array<float>", "array<double>")):
            described = "a list of floats" if kind == "features" else kind
            raise ValueError(f"{what}: column '{name}' is {types[name]}, it must be {described}")


def photo_rows(photos: DataFrame, batch_bytes: int) -> int:
    """How many photos an Arrow batch may hold, so that it stays near batch_bytes: by the mean size that ps.read noted or of the files that the table
    reads, or few where they are not known. Spark itself counts rows, 10,000 of them, whatever their size."""
    mean = photos.schema["content"].metadata.get(MEAN_BYTES_KEY, 0) if "content" in photos.columns else 0
    if mean:
        return max(1, min(ROWS_MAX, batch_bytes // mean))
    count = total = 0
    leaves = photos._jdf.queryExecution().optimizedPlan().collectLeaves()
    for i in range(leaves.size()):
        leaf = leaves.apply(i)
        if leaf.getClass().getSimpleName() != "LogicalRelation" or not hasattr(leaf.relation(), "location"):
            return ROWS_UNKNOWN
        location = leaf.relation().location()
        count += len(location.inputFiles())
        total += location.sizeInBytes()
    if not count or not total:
        return ROWS_UNKNOWN
    return max(1, min(ROWS_MAX, batch_bytes * count // total))


def photo_columns(photos: DataFrame) -> list[str]:
    """The columns of a table of photos that tasks need: path, content, perhaps label, perhaps error (why it could not be read)."""
    types = dict(photos.dtypes)
    return ["path", "content"] + ["label"] * ("label" in types) + ["error"] * (types.get("error") == "string")


def partitions_of(frame: DataFrame) -> int:
    return frame._jdf.queryExecution().toRdd().getNumPartitions()


def few_tasks(splits: int, cores: int) -> int:
    """How many tasks to make of a table of photos: binaryFile splits every 32 photos, and each task costs. Eight a core even out
    the last ones; a task stays below 64 splits, so that losing it costs little."""
    return max(1, min(splits, max(8 * cores, splits // 64)))


def dealt(photos: DataFrame, partitions: int | None) -> DataFrame:
    """The table in so many partitions, or in few_tasks."""
    splits = partitions_of(photos)  # plans the table, and may list its folder: once
    tasks = partitions or few_tasks(splits, photos.sparkSession.sparkContext.defaultParallelism)
    return photos if tasks == splits else photos.coalesce(tasks) if tasks < splits else photos.repartition(tasks)


def planned_with_rows(frame: DataFrame, rows: int, metadata: dict[str, Any] | None = None) -> DataFrame:
    """The same table, planned now with `rows` rows an Arrow batch, its column `features` described by `metadata`. The session's
    own setting is what it was afterwards."""
    spark = frame.sparkSession
    before = spark.conf.get(ROWS_KEY)
    spark.conf.set(ROWS_KEY, str(rows))
    try:
        rdd = frame._jdf.queryExecution().toRdd()
    finally:
        spark.conf.set(ROWS_KEY, before)
    schema = frame.schema
    if metadata is not None:
        schema["features"].metadata = {METADATA_KEY: json.dumps(metadata, sort_keys=True)}
    java_schema = spark._jsparkSession.parseDataType(schema.json())
    return DataFrame(spark._jsparkSession.internalCreateDataFrame(rdd, java_schema, False), spark)


def _metadata_of_plan(frame: DataFrame) -> list[str]:
    """The descriptions that columns named features carry anywhere at the roots of a table, as Parquet files keep them too."""
    found: list[str] = []
    leaves = frame._jdf.queryExecution().analyzed().collectLeaves()
    for i in range(leaves.size()):
        output = leaves.apply(i).output()
        for j in range(output.size()):
            metadata = output.apply(j).metadata()
            if metadata.contains(METADATA_KEY):
                found.append(metadata.getString(METADATA_KEY))
    return found


def _footers(frame: DataFrame, most: int = 10000) -> list[dict[str, str]]:
    """Key-value footers of the Parquet files that a table reads, those of pomona's jobs among them."""
    spark = frame.sparkSession
    jvm, configuration = spark._jvm, spark._jsc.hadoopConfiguration()
    found = []
    leaves = frame._jdf.queryExecution().optimizedPlan().collectLeaves()
    for i in range(leaves.size()):
        leaf = leaves.apply(i)
        if leaf.getClass().getSimpleName() != "LogicalRelation" or not hasattr(leaf.relation(), "fileFormat"):
            continue
        if leaf.relation().fileFormat().getClass().getSimpleName() != "ParquetFileFormat":
            continue
        for file in list(leaf.relation().location().inputFiles())[:most]:
            footer = jvm.org.apache.parquet.hadoop.ParquetFileReader.readFooter(
                configuration, jvm.org.apache.hadoop.fs.Path(jvm.java.net.URI(file)))
            found.append(dict(footer.getFileMetaData().getKeyValueMetaData()))
    return found


def _of_footer(footer: dict[str, str]) -> dict[str, Any] | None:
    if "pomona.feature_space" in footer:  # the command line's
        keys = ("feature_space", "model_hash", "model", "layer", "profile", "precision")
        return {key: footer.get("pomona." + key, "") for key in keys}
    row = footer.get("org.apache.spark.sql.parquet.row.metadata")
    for field in json.loads(row)["fields"] if row else []:
        if METADATA_KEY in field.get("metadata", {}):
            return json.loads(field["metadata"][METADATA_KEY])
    return None


def provenance(frame: DataFrame) -> dict[str, Any]:
    """What is known of the features of a table: feature_space, model_hash, model (a name), source (where its file is), layer,
    profile, precision, width. {} when nothing is. InputError where several models made them."""
    found = [json.loads(text) for text in _metadata_of_plan(frame)]
    found += [made for made in map(_of_footer, _footers(frame)) if made]
    spaces = {made["feature_space"]: made for made in found}
    if len(spaces) > 1:
        named = ", ".join(sorted(f"{made.get('model', 'a model')} (feature space {space[:16]})" for space, made in spaces.items()))
        raise InputError(f"features of different models in one table can't be mixed: {named}")
    best: dict[str, Any] = {}
    for made in found:
        best = {**best, **{key: value for key, value in made.items() if value}}
    return best


def file_system(spark: SparkSession, uri: str) -> tuple[Any, Any]:
    """Hadoop's (file system, path) of a URI."""
    path = spark._jvm.org.apache.hadoop.fs.Path(uri)
    return path.getFileSystem(spark._jsc.hadoopConfiguration()), path


def read_bytes(spark: SparkSession, uri: str) -> bytes:
    """A small file of any file system that Spark reads, on the driver. InputError where it is missing."""
    system, path = file_system(spark, uri)
    if not system.exists(path):
        raise InputError(f"{uri}: No such file")
    stream = system.open(path)
    try:
        return bytes(spark._jvm.org.apache.commons.io.IOUtils.toByteArray(stream))
    finally:
        stream.close()


def write_bytes(spark: SparkSession, uri: str, data: bytes) -> None:
    """Writes a small file whole: object stores show it when it is closed, other file systems after a rename."""
    system, path = file_system(spark, uri)
    temporary = path.getParent().suffix("/." + path.getName() + ".tmp")
    renames = system.getScheme() not in ("s3", "s3a", "s3n", "gs", "abfs", "abfss")
    stream = system.create(temporary if renames else path, True)
    try:
        stream.write(data)
    finally:
        stream.close()
    if renames:
        system.delete(path, False)
        system.rename(temporary, path)


def is_there(spark: SparkSession, uri: str) -> bool:
    system, path = file_system(spark, uri)
    return bool(system.exists(path))
