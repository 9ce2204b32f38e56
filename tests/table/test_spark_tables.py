"""Parquet files between pomona and Spark 3.5, in both directions. Runs with --cluster, where PySpark and Java are."""
import json

import pytest

from spark_fixtures import local_session
from table_samples import dump, expected_rows, same_numbers, table_tool  # noqa: F401 (fixtures)

pyspark = pytest.importorskip("pyspark", reason="no PySpark")
pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def spark():
    with local_session({"spark.sql.shuffle.partitions": "2"}) as session:
        yield session


@pytest.mark.parametrize("codec", ["snappy", "zstd", "none"])
@pytest.mark.parametrize("lists", ["legacy", "standard"])
@pytest.mark.parametrize("vectorised", ["true", "false"])
def test_spark_reads_what_pomona_writes(spark, table_tool, tmp_path, codec, lists, vectorised):
    from pyspark.ml.linalg import DenseVector

    path = tmp_path / "pomona.parquet"
    table_tool("write", path, "rows=1000", "group=20000", "page=3000", f"codec={codec}", f"lists={lists}")
    for name in ("spark.sql.parquet.enableVectorizedReader", "spark.sql.parquet.enableNestedColumnVectorizedReader"):
        spark.conf.set(name, vectorised)
    frame = spark.read.parquet(str(path))
    assert dict(frame.dtypes) == {"path": "string", "label": "string", "features": "array<float>", "pca": "array<double>",
                                  "number": "bigint", "score": "double", "good": "boolean", "vector": "vector"}
    rows = expected_rows(1000)
    found = sorted(frame.collect(), key=lambda row: int(row["path"].split()[-1][:-4]))
    for row, expected in zip(found, rows, strict=True):
        vector = expected.pop("vector")
        for name, value in expected.items():
            assert row[name] == value, name
        assert row["vector"] == (None if vector is None else DenseVector(vector["values"]))
    # Row groups are skipped by their statistics and dictionaries: no row may be lost.
    for label in ("label-0", "label-23"):
        assert frame.filter(frame.label == label).count() == sum(row["label"] == label for row in rows)
    assert frame.filter(frame.path == rows[777]["path"]).count() == 1
    assert frame.filter(frame.number > 500 * 1000000007).count() == sum((row["number"] or 0) > 500 * 1000000007 for row in rows)


@pytest.mark.parametrize("codec", ["snappy", "zstd", "gzip", "uncompressed"])
@pytest.mark.parametrize("legacy", ["true", "false"])
@pytest.mark.parametrize("version", ["PARQUET_1_0", "PARQUET_2_0"])
def test_pomona_reads_what_spark_writes(spark, table_tool, dump, tmp_path, codec, legacy, version):
    from pyspark.sql import types as t

    rows = [(row["path"], row["label"], row["features"], row["pca"], row["number"], row["score"], row["good"])
            for row in expected_rows(400)]
    rows[5] = rows[5][:2] + ([float("nan"), float("-inf"), -0.0],) + rows[5][3:]
    names = ["path", "label", "features", "pca", "number", "score", "good"]
    kinds = [t.StringType(), t.StringType(), t.ArrayType(t.FloatType()), t.ArrayType(t.DoubleType(), False), t.LongType(),
             t.DoubleType(), t.BooleanType()]
    schema = t.StructType([t.StructField(name, kind) for name, kind in zip(names, kinds)])
    spark.conf.set("spark.sql.parquet.writeLegacyFormat", legacy)
    frame = spark.createDataFrame(rows, schema).coalesce(1)
    frame.write.option("compression", codec).option("parquet.writer.version", version).parquet(str(tmp_path / "t"))
    file = next((tmp_path / "t").glob("part-*.parquet"))
    for found, row in zip(dump(file, *names), rows, strict=True):
        assert found[:2] == list(row[:2]) and found[3:] == list(row[3:])
        assert found[2] == row[2] or same_numbers(found[2], row[2])


@pytest.mark.parametrize("legacy", ["true", "false"])
def test_pomona_reads_vectors_of_spark(spark, table_tool, tmp_path, legacy):
    from pyspark.ml.linalg import Vectors

    spark.conf.set("spark.sql.parquet.writeLegacyFormat", legacy)
    rows = [(f"{i}.jpg", "a", Vectors.dense([i, i / 3, -1.0])) for i in range(30)]
    spark.createDataFrame(rows, ["path", "label", "features"]).repartition(4).write.parquet(str(tmp_path / "t"))
    lines = [json.loads(line) for line in table_tool("features", tmp_path / "t").splitlines()]
    assert {**lines[0], "parts": 0} == {"rows": 30, "features": 3, "parts": 0, "doubles": 1, "labelled": 1}
    assert sorted(lines[1:]) == sorted([path, label, list(vector)] for path, label, vector in rows)
