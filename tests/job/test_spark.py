"""What Spark itself says about the results of pomona run, and pomona about a result of Spark's. Runs with --cluster."""
import shutil

import numpy as np
import pandas as pd
import pytest

pyspark = pytest.importorskip("pyspark", reason="no PySpark")
pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def whole(pomona, photos, tmp_path_factory):
    source, out = tmp_path_factory.mktemp("spark") / "photos", tmp_path_factory.mktemp("spark") / "out"
    shutil.copytree(photos, source)
    (source / "bad.jpg").write_bytes(b"no photo")  # Spark itself drops empty files silently
    pomona("run", source, "--out", out, "--k", "5", "--vector", "spark", "-q", "--max-errors", "1")
    return source, out


def test_spark_reads_every_table(spark, whole):
    source, out = whole
    features = spark.read.parquet(str(out / "Results"))
    assert features.dtypes == [("path", "string"), ("label", "string"), ("features", "array<float>")]
    scores = spark.read.parquet(str(out / "PCA_Results"))
    assert scores.dtypes == [("path", "string"), ("label", "string"), ("pca", "vector")]
    errors = spark.read.parquet(str(out / "Errors")).collect()
    assert len(errors) == 1 and errors[0].path == f"file:{source}/bad.jpg"
    expected = pd.read_parquet(out / "Results").set_index("path")
    rows = features.collect()
    assert len(rows) == len(expected) == 120 == scores.count()
    for row in rows:
        assert row.label == expected.label[row.path]
        assert np.array_equal(np.array(row.features, np.float32), expected.features[row.path])


def test_paths_and_labels_are_those_of_binary_file(spark, whole):
    from pyspark.sql.functions import col, element_at, split

    source, out = whole
    read = (spark.read.format("binaryFile").option("pathGlobFilter", "*.jpg").option("recursiveFileLookup", "true")
            .load(str(source)).withColumn("label", element_at(split(col("path"), "/"), -2)).select("path", "label").collect())
    found = pd.concat([pd.read_parquet(out / "Results"), pd.read_parquet(out / "Errors")])
    assert {row.path for row in read} == set(found.path)
    labels = dict(zip(found.path, found.label))
    assert all(labels[row.path] == row.label for row in read if not row.path.endswith("bad.jpg"))


def test_pca_of_what_spark_wrote(spark, pomona, whole, tmp_path):
    source, out = whole
    features = spark.read.parquet(str(out / "Results"))
    for legacy in "true", "false":
        spark.conf.set("spark.sql.parquet.writeLegacyFormat", legacy)
        features.repartition(13).write.mode("overwrite").parquet(str(tmp_path / legacy))
        pomona("pca", tmp_path / legacy, "--k", "5", "--out", tmp_path / f"pca-{legacy}", "-q")
        assert (pd.read_csv(tmp_path / f"pca-{legacy}/PCA_variance.csv").explained
                - pd.read_csv(out / "PCA_variance.csv").explained).abs().max() < 1e-12
        pomona("diff", out / "Results", tmp_path / legacy)
