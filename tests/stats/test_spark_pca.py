"""Scores between pomona and Spark 3.5: read as vectors, and equal to those of Spark's own PCA. Runs with --cluster."""

import numpy as np
import pytest

from spark_fixtures import local_session

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def spark():
    with local_session({"spark.sql.parquet.writeLegacyFormat": "true"}) as session:
        yield session


@pytest.fixture(scope="module")
def features(spark, tmp_path_factory):
    """Features as the reference writes them: by Spark, in several parts, as legacy lists."""
    folder = str(tmp_path_factory.mktemp("spark") / "features")
    random = np.random.default_rng(5)
    values = np.clip(random.normal(size=(300, 5)) @ random.normal(size=(5, 24)) + random.normal(size=(300, 24)) / 4, 0, 6)
    rows = [(f"file:/{i:04d}.jpg", f"l{i % 4}", [float(np.float32(v)) for v in row]) for i, row in enumerate(values)]
    spark.createDataFrame(rows, "path string, label string, features array<float>").repartition(7).write.parquet(folder)
    return folder


def spark_pca(spark, features, standardise):
    from pyspark.ml.feature import PCA, StandardScaler
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql.functions import col
    table = spark.read.parquet(features).withColumn("x", array_to_vector(col("features")))
    if standardise:
        table = StandardScaler(inputCol="x", outputCol="y", withMean=True, withStd=True).fit(table).transform(table).drop("x") \
            .withColumnRenamed("y", "x")
    model = PCA(k=6, inputCol="x", outputCol="pca").fit(table)
    rows = {row.path: row.pca.toArray() for row in model.transform(table).select("path", "pca").collect()}
    return rows, model.explainedVariance.toArray()


@pytest.mark.parametrize("standardise", [True, False])
def test_scores_are_those_of_spark(pomona, spark, features, tmp_path, standardise):
    pomona("pca", features, "--k", "6", "--scores", "spark", "--vector", "spark", "--out", tmp_path / "o",
           *([] if standardise else ["--no-standardise"]))
    table = spark.read.parquet(str(tmp_path / "o/PCA_Results"))
    assert table.schema["pca"].dataType.simpleString() == "vector" and table.columns == ["path", "label", "pca"]
    theirs, explained = spark_pca(spark, features, standardise)
    ours = {row.path: row.pca.toArray() for row in table.collect()}
    assert set(ours) == set(theirs) and len(ours) == 300
    a, b = np.array([ours[path] for path in theirs]), np.array(list(theirs.values()))
    assert np.abs(a * np.sign((a * b).sum(0)) - b).max() < 1e-4
    variance = np.loadtxt(tmp_path / "o/PCA_variance.csv", delimiter=",", skiprows=1)
    assert np.abs(variance[:, 2] - explained).max() < 1e-7


def test_arrays_are_doubles(pomona, spark, features, tmp_path):
    pomona("pca", features, "--k", "3", "--out", tmp_path / "o")
    table = spark.read.parquet(str(tmp_path / "o/PCA_Results"))
    assert table.schema["pca"].dataType.simpleString() == "array<double>" and table.count() == 300
