"""pomona.spark on a standalone cluster of two workers, while executors are killed, tasks fail and are started twice, and the driver dies;
on S3A with the magic committer; with Spark 4 and with Python 3.9; the same answer as the command line's each time. Runs with --cluster."""
import hashlib
import json
import pathlib
import re
import signal

import pytest

from s3_help import keys, read
from spark_cluster import answer

pytest.importorskip("pyspark", reason="no PySpark")
pytest.importorskip("pomona", reason="the wheel is not installed")
JOB = pathlib.Path(__file__).with_name("features_job.py")
PIPELINE = JOB.with_name("pipeline_job.py")
SMALL_SPLITS = {"spark.sql.files.maxPartitionBytes": "65536"}


@pytest.fixture(scope="module")
def expected(pomona, photos, tmp_path_factory):
    """What the command line makes of the photos: the paths, and the hash of moments.pom."""
    out = tmp_path_factory.mktemp("expected") / "out"
    pomona("features", photos, "--out", out, "-q")
    paths = sorted("file:" + str(path) for path in photos.rglob("*.jpg"))
    return paths, hashlib.sha256((out / "moments.pom").read_bytes()).hexdigest()


def check(done, expected, happened=()):
    said = answer(done)
    assert said["paths"] == expected[0]  # each photo once
    assert (said["rows"], said["errors"]) == (len(expected[0]), 0)
    assert said["moments"] == expected[1]
    assert said["happened"] == list(happened)
    return said["application"]


def test_cluster_and_its_history(cluster, history_server, photos, expected, tmp_path):
    done = cluster.submit(JOB, photos, tmp_path / "out", "-", "plain", (tmp_path / "marks").mkdir() or tmp_path / "marks", settings=SMALL_SPLITS)
    number = check(done, expected)
    assert history_server.application(number)["name"] == "features_job"
    said = [job.get("description", "") for job in history_server.jobs(number)]
    assert any("pomona: writing Results, 120 rows" in text for text in said)
    assert all(job["status"] == "SUCCEEDED" for job in history_server.jobs(number))


def test_metrics_of_the_batch_job(cluster, history_server, photos, tmp_path):
    """Photos, errors and seconds a stage, summed by accumulators, stand in the page of jobs."""
    cluster.submit(JOB.parents[2] / "python/jobs/run.py", photos, tmp_path / "out", "-q")
    number = json.loads((tmp_path / "out/run.json").read_text())["application"]
    assert history_server.application(number)["name"] == "pomona"
    said = [job.get("description", "") for job in history_server.jobs(number)]
    assert any(re.fullmatch(r"pomona: moments; so far 120 photos, 0 errors; decode [\d.]+ s, resize [\d.]+ s, net [\d.]+ s over all tasks",
                            text) for text in said), said


@pytest.mark.parametrize("how", ["kill", "fail", "slow"])
def test_trouble(cluster, photos, expected, tmp_path, how):
    (tmp_path / "marks").mkdir()
    settings = {**SMALL_SPLITS, "spark.sql.execution.arrow.maxRecordsPerBatch": "4"}
    if how == "slow":
        settings |= {"spark.speculation": "true", "spark.speculation.interval": "200ms", "spark.speculation.multiplier": "1.2",
                     "spark.speculation.quantile": "0.3", "spark.speculation.minTaskRuntime": "100ms"}
    done = cluster.submit(JOB, photos, tmp_path / "out", "-", how, tmp_path / "marks", settings=settings)
    check(done, expected, [how])
    if how == "kill":
        assert "ExecutorLostFailure" in done.stderr or "Lost executor" in done.stderr
    if how == "fail":
        assert "this task fails once" in done.stderr


def test_a_driver_that_dies(cluster, photos, tmp_path):
    (tmp_path / "marks").mkdir()
    done = cluster.submit(JOB, photos, tmp_path / "out", "-", "die", tmp_path / "marks", settings=SMALL_SPLITS, status=None)
    assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
    assert (tmp_path / "out/Results").is_dir() and not (tmp_path / "out/Results/_SUCCESS").exists()


def test_s3a(cluster, history_server, pomona, s3_server, s3, bucket, photos, expected, tmp_path):
    """Photos, model and results in S3."""
    (tmp_path / "marks").mkdir()
    pomona("model", "export", "--backbone", "--out", tmp_path / "m.onnx")
    s3.upload_file(str(tmp_path / "m.onnx"), bucket, "models/m.onnx")
    for path in photos.rglob("*.jpg"):
        s3.upload_file(str(path), bucket, f"photos/{path.relative_to(photos)}")
    done = cluster.submit(JOB, f"s3a://{bucket}/photos", f"s3a://{bucket}/results", f"s3a://{bucket}/models/m.onnx", "plain",
                          tmp_path / "marks", settings={**cluster.spark.s3a_settings(s3_server), **SMALL_SPLITS})
    said = answer(done)
    assert said["moments"] == expected[1] and said["rows"] == 120
    assert said["paths"] == sorted(path.replace(f"file:{photos}", f"s3a://{bucket}/photos") for path in expected[0])
    assert json.loads(read(s3, bucket, "results/Results/_SUCCESS"))["committer"] == "magic"
    assert len([key for key in keys(s3, bucket, "results/Results/") if key.endswith(".parquet")]) == 4


@pytest.mark.parametrize("installation", ["spark4", "spark39"])
def test_other_sparks(installation, request, photos, expected, tmp_path):
    spark = request.getfixturevalue(installation)
    (tmp_path / "marks").mkdir()
    check(spark.submit(JOB, photos, tmp_path / "out", "-", "plain", tmp_path / "marks"), expected)


def check_pipeline(done):
    said = answer(done)
    assert said == {"rows": 120, "same": True, "right": said["right"], "widths": [6]}
    assert said["right"] > 0.9 * 120


@pytest.mark.parametrize("installation", ["spark4", "spark39"])
def test_pipelines_of_other_sparks(installation, request, photos, tmp_path):
    check_pipeline(request.getfixturevalue(installation).submit(PIPELINE, photos, tmp_path / "out"))


def test_a_pipeline_in_s3(cluster, s3_server, s3, bucket, photos):
    """Saved to S3 and loaded from there."""
    check_pipeline(cluster.submit(PIPELINE, photos, f"s3a://{bucket}/ml", settings=cluster.spark.s3a_settings(s3_server)))
    assert any(key.startswith("ml/pipeline/stages/") for key in keys(s3, bucket, "ml/"))
