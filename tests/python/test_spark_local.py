"""pomona.spark on local[2]: the same answers as the command line and the wheel, whatever the partitioning; bad input. Runs with
--cluster."""
import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

pyspark = pytest.importorskip("pyspark", reason="no PySpark")
wheel = pytest.importorskip("pomona", reason="the wheel is not installed")
ps = pytest.importorskip("pomona.spark")
pytestmark = pytest.mark.cluster
ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def corpus(photos, tmp_path_factory):
    """The photos, and one that is none."""
    folder = tmp_path_factory.mktemp("spark") / "photos"
    shutil.copytree(photos, folder)
    next(folder.iterdir()).joinpath("bad.jpg").write_bytes(b"no photo")
    return folder


def read(spark, folder):
    return (spark.read.format("binaryFile").option("recursiveFileLookup", "true").option("pathGlobFilter", "*.jpg")
            .load(str(folder)))


@pytest.fixture(scope="module")
def table(spark, corpus):
    made = ps.features(read(spark, corpus))
    yield made
    made.unpersist()


@pytest.fixture(scope="module")
def command_line(pomona, corpus, tmp_path_factory):
    """What the command line makes of the same photos: its folder."""
    out = tmp_path_factory.mktemp("spark") / "out"
    pomona("run", corpus, "--out", out, "--k", "10", "-q", "--max-errors", "1")
    return out


def by_path(rows):
    return {row.path: row for row in rows}


def stored(folder):
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(folder / "Results").to_pylist()
    return {row["path"]: row for row in rows}


def test_features_are_those_of_the_command_line_and_the_wheel(table, command_line, corpus):
    expected, found = stored(command_line), by_path(table.collect())
    assert len(found) == len(expected) + 1 == 121
    bad = [row for row in found.values() if row.error is not None]
    assert len(bad) == 1 and bad[0].path.endswith("/bad.jpg") and bad[0].features is None and "not a JPEG" in bad[0].error
    for path, row in expected.items():
        assert found[path].label == row["label"]
        assert np.array_equal(np.float32(found[path].features), np.float32(row["features"])), path
    paths = sorted(expected)[:20]
    again = wheel.Model().features([path.removeprefix("file:") for path in paths])
    assert all(np.array_equal(np.float32(found[path].features), x) for path, x in zip(paths, again))


@pytest.mark.parametrize("partitions", [1, 3, 40])
def test_partitions_do_not_matter(spark, corpus, table, partitions):
    expected = by_path(table.collect())
    made = ps.features(read(spark, corpus), partitions=partitions, keep=False)
    assert made.rdd.getNumPartitions() <= partitions
    found = by_path(made.collect())
    assert found.keys() == expected.keys()
    assert all(found[path].features == expected[path].features for path in found)


def test_fp32_agrees(spark, corpus, pomona, tmp_path):
    pomona("features", corpus, "--out", tmp_path / "out", "--precision", "fp32", "-q", "--max-errors", "1")
    expected = stored(tmp_path / "out")
    for row in ps.features(read(spark, corpus), precision="fp32", keep=False).where("error is null").collect():
        assert np.allclose(row.features, expected[row.path]["features"], rtol=0, atol=1e-5)


def test_moments_are_those_of_the_command_line(table, command_line):
    made = ps.moments(table)
    assert made.to_bytes() == (command_line / "moments.pom").read_bytes()
    assert ps.moments(table.repartition(7)).to_bytes() == made.to_bytes()
    pca = made.pca(k=10)
    reference = wheel.PCA.read(command_line / "pca.model")
    assert np.allclose(pca.components, reference.components, atol=1e-8)
    assert np.allclose(pca.eigenvalues, reference.eigenvalues, rtol=1e-9, atol=1e-9)


def test_moments_of_many_tasks(table, command_line, monkeypatch):
    """Merged by a tree, of partitions without rows too."""
    from pyspark.sql.functions import col

    monkeypatch.setattr(ps._fit, "DRIVER_PARTS", 0)
    assert ps.moments(table.repartition(7)).to_bytes() == (command_line / "moments.pom").read_bytes()
    with pytest.raises(wheel.InputError, match="no row with features"):
        ps.moments(table.where(col("features").isNull()))


def test_scores(table, command_line):
    pca = ps.moments(table).pca(k=10)
    scores = ps.transform(table, pca)
    assert [field.name for field in scores.schema] == ["path", "label", "features", "error", "pca"]
    found = scores.collect()
    assert len(found) == 121
    for row in found:
        if row.features is None:
            assert row.pca is None
        else:
            assert np.allclose(row.pca, pca.transform([row.features])[0], rtol=0, atol=0)


def test_scores_of_rows_of_other_widths_are_refused(spark, table):
    """Also of rows whose widths add up."""
    from pyspark.errors import PythonException

    pca = ps.moments(table).pca(k=2)
    rows = spark.createDataFrame([("a", "x", [0.5] * (pca.width - 1)), ("b", "x", [0.5] * (pca.width + 1))],
                                 "path string, label string, features array<float>").coalesce(1)
    with pytest.raises(PythonException, match=f"rows that do not have {pca.width} features"):
        ps.transform(rows, pca).collect()


def test_written_tables(spark, table, tmp_path, pomona):
    written = ps.write(table, str(tmp_path / "out"), partitions=4)
    assert (written.rows, written.errors) == (120, 1)
    parts = sorted((tmp_path / "out/Results").glob("part-*.parquet"))
    assert len(parts) == 4 and (tmp_path / "out/Results/_SUCCESS").exists()
    import pyarrow.parquet

    order = [path for part in parts for path in pyarrow.parquet.read_table(part)["path"].to_pylist()]
    assert order == sorted(order) and len(order) == 120
    errors = spark.read.parquet(str(tmp_path / "out/Errors"))
    assert errors.columns == ["path", "reason"] and errors.count() == 1
    with pytest.raises(ValueError, match="Results: exists already"):
        ps.write(table, str(tmp_path / "out"))
    ps.write(table, str(tmp_path / "out"), partitions=2, overwrite=True)
    assert len(list((tmp_path / "out/Results").glob("part-*.parquet"))) == 2
    back = spark.read.parquet(str(tmp_path / "out/Results"))
    assert ps.moments(back).to_bytes() == ps.moments(table).to_bytes()  # the feature space survives in the files
    pomona("moments", "compute", tmp_path / "out", "--out", tmp_path / "moments.pom")  # and the command line reads them
    assert wheel.Moments.read(tmp_path / "moments.pom").mean() == pytest.approx(ps.moments(table).mean(), abs=0)


def test_one_computation(spark, corpus):
    """Everything that follows ps.features runs the network once: counted by the accumulators."""
    from pomona.spark._features import Seconds

    seconds = Seconds(spark.sparkContext)
    table = ps.features(read(spark, corpus), seconds=seconds)
    ps.moments(table), ps.train(table, head="lda", folds=2), table.count()
    assert (seconds.value()["photos"], seconds.value()["errors"]) == (121, 1)
    assert seconds.value()["net"] > 0
    table.unpersist()


def test_training_and_answers(spark, corpus, table, tmp_path):
    classifier = ps.train(table, tmp_path / "c.onnx", head="lda")
    rows = sorted((row for row in table.collect() if row.error is None), key=lambda row: row.path)
    alone = wheel.train(np.float32([row.features for row in rows]), [row.label for row in rows], tmp_path / "alone.onnx",
                        model=wheel.Model(), head="lda", paths=[row.path for row in rows])
    assert (tmp_path / "c.onnx").read_bytes() == (tmp_path / "alone.onnx").read_bytes()
    answers = by_path(ps.predict(read(spark, corpus), classifier).collect())
    assert len(answers) == 121
    expected = alone.predict([row.path.removeprefix("file:") for row in rows])
    for row, answer in zip(rows, expected):
        found = answers[row.path]
        assert (found["class"], found.probability, found.level, found.known) == (answer.label, answer.probability, answer.level,
                                                                               answer.known)
        assert found.error is None and found.rejected == (answer.level == "rejected")
    bad = [row for row in answers.values() if row.error is not None]
    assert len(bad) == 1 and bad[0]["class"] is None
    with pytest.raises(ValueError, match="false_reject need rows"):
        ps.train(table, head="ridge", regularisation=0.1, false_reject=0.2)
    from_moments = ps.train(table, head="ridge", regularisation=0.1)
    right = sum(answer.label == row.label
                for answer, row in zip(from_moments.predict_features(np.float32([row.features for row in rows])), rows))
    assert right > 0.9 * len(rows)


def test_bad_columns(spark, corpus, table):
    photos = read(spark, corpus)
    with pytest.raises(ValueError, match=r"photos: there is no column 'content' \(binary\); the table has: path, "
                                         "modificationTime, length, bytes"):
        ps.features(photos.withColumnRenamed("content", "bytes"))
    with pytest.raises(ValueError, match="column 'content' is bigint, it must be binary"):
        ps.features(photos.drop("content").withColumnRenamed("length", "content"))
    with pytest.raises(ValueError, match="there is no column 'features'"):
        ps.moments(table.drop("features"))
    with pytest.raises(ValueError, match="column 'features' is string, it must be a list of floats"):
        ps.moments(table.selectExpr("path", "label as features"))


def test_null_content_is_an_error_row(spark, corpus):
    from pyspark.sql.functions import lit

    photos = read(spark, corpus).limit(3).select("path", lit(None).cast("binary").alias("content"))
    rows = ps.features(photos, keep=False).collect()
    assert len(rows) == 3 and all(row.features is None and "null" in row.error for row in rows)
    with pytest.raises(wheel.InputError, match="no row with features"):
        ps.moments(ps.features(photos, keep=False))


def test_a_label_column_is_kept(spark, corpus):
    from pyspark.sql.functions import lit

    rows = ps.features(read(spark, corpus).limit(5).withColumn("label", lit("mine")), keep=False).collect()
    assert {row.label for row in rows} == {"mine"}


def test_models_are_not_mixed(spark, corpus, table, tmp_path):
    other = ps.features(read(spark, corpus), precision="fp32", keep=False)
    with pytest.raises(wheel.InputError, match="features of different models in one table can't be mixed"):
        ps.moments(table.unionByName(other))
    ps.write(table, str(tmp_path / "a"), partitions=1)
    ps.write(other, str(tmp_path / "b"), partitions=1)
    with pytest.raises(wheel.InputError, match="different models"):
        ps.moments(spark.read.parquet(str(tmp_path / "a/Results"), str(tmp_path / "b/Results")))
    with pytest.raises(wheel.InputError, match="fitted to features of another model"):
        ps.transform(other, ps.moments(table).pca(k=2))


def test_models_from_files(spark, corpus, table, pomona, tmp_path):
    """The driver alone needs the file, and only while the plan is made."""
    pomona("model", "export", "--backbone", "--out", tmp_path / "m.onnx")
    made = ps.features(read(spark, corpus), model=str(tmp_path / "m.onnx"), keep=False)
    (tmp_path / "m.onnx").unlink()
    expected = by_path(table.collect())
    assert all(row.features == expected[row.path].features for row in made.collect())
    with pytest.raises(wheel.InputError, match="gone.onnx"):
        ps.features(read(spark, corpus), model=str(tmp_path / "gone.onnx"))
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(wheel.InputError):
        ps.features(read(spark, corpus), model=str(tmp_path / "text.onnx"))


def test_batches_are_bounded_by_bytes(spark, corpus, tmp_path):
    from pomona.spark._frames import ROWS_MAX, ROWS_UNKNOWN, photo_rows

    photos = read(spark, corpus)
    assert photo_rows(photos, 1 << 30) == ROWS_MAX and photo_rows(photos, 1) == 1
    size = sum(path.stat().st_size for path in corpus.rglob("*.jpg")) / 121
    assert photo_rows(photos, int(10 * size)) in (9, 10)
    assert photo_rows(spark.createDataFrame([("a", b"b")], "path string, content binary"), 1 << 30) == ROWS_UNKNOWN
    before = spark.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch")
    seen = ps.features(photos, batch_bytes=int(7 * size), keep=False)
    assert spark.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch") == before
    assert seen.count() == 121


def test_the_batch_job(corpus, command_line, tmp_path):
    """spark-submit python/jobs/run.py: files, run.json and exit codes."""
    import os

    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    submit = [str(pathlib.Path(sys.executable).with_name("spark-submit")), "--master", "local[2]", "--conf", "spark.ui.enabled=false",
              str(ROOT / "python/jobs/run.py")]

    def job(*arguments):
        return subprocess.run([*submit, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=300)

    out = tmp_path / "out"
    done = job(corpus, out, "--k", "10")
    assert done.returncode == 3, done.stderr[-2000:]  # one photo failed
    facts = json.loads((out / "run.json").read_text())
    assert facts["counts"] == {"photos": 121, "rows": 120, "errors": 1}
    assert facts["first_failures"][0]["path"].endswith("/bad.jpg") and facts["pca"]["k"] == 10
    assert (out / "moments.pom").read_bytes() == (command_line / "moments.pom").read_bytes()
    import pandas

    mine, theirs = pandas.read_csv(out / "PCA_results.csv"), pandas.read_csv(command_line / "PCA_results.csv")
    assert list(mine.path) == list(theirs.path) and list(mine.columns) == list(theirs.columns)
    assert np.allclose(mine.iloc[:, 2:], theirs.iloc[:, 2:], atol=1e-6)
    variance = pandas.read_csv(out / "PCA_variance.csv")
    expected = pandas.read_csv(command_line / "PCA_variance.csv")
    assert np.allclose(variance.explained[:10], expected.explained[:10], atol=1e-12)
    assert job(corpus, out).returncode == 1  # exists
    assert job(corpus / "nothing-here", tmp_path / "x").returncode == 2
    assert job(corpus, tmp_path / "x", "--model", "/no/such.onnx").returncode == 2
    assert job(corpus, "--precision", "fp99").returncode == 1
    assert not (tmp_path / "x").exists()
