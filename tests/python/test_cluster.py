"""The Spark that other tests run on is what they take it for: two workers share the work, S3A goes through the magic committer, the
history server has the job, and nothing is left when it ends. Runs with --cluster."""
import json
import pathlib

import pytest

from processes import kill_session, session_members, start
from s3_help import keys, read, uploads
from spark_cluster import Cluster, Daemon, answer

JOB = pathlib.Path(__file__).with_name("cluster_job.py")
SMALL_SPLITS = {"spark.sql.files.maxPartitionBytes": "4096"}  # so that there are as many tasks as files
NAME = "cluster_job"


@pytest.fixture
def files(s3, bucket):
    """Objects in two folders, and one that the job is not to read; their lengths by URL."""
    lengths = {f"s3a://{bucket}/in/{i % 2}/caf\u00e9 {i}.bin": 1000 + i for i in range(12)}
    for url, length in lengths.items():
        s3.put_object(Bucket=bucket, Key=url.removeprefix(f"s3a://{bucket}/"), Body=bytes(length))
    s3.put_object(Bucket=bucket, Key="in/0/readme.txt", Body=b"no")
    return lengths


def check_job(done, spark, s3, bucket, files, places):
    """The job read what is there, ran where it should, and wrote through the magic committer; its application's number."""
    said = answer(done)
    assert said["spark"] == spark.version and said["lengths"] == files
    assert len(said["places"]) == places
    assert all(place.split()[-1] == said["python"] for place in said["places"])
    success = json.loads(read(s3, bucket, "out/_SUCCESS"))
    assert success["committer"] == "magic"
    written = [key for key in keys(s3, bucket, "out/") if key.endswith(".parquet")]
    assert sorted(name.removeprefix("/") for name in success["filenames"]) == sorted(written) != []
    assert not [key for key in keys(s3, bucket) if "_temporary" in key or "__magic" in key]
    assert not uploads(s3, bucket)
    return said["application"]


def check_history(server, number):
    """The REST API and the pages show the job."""
    entry = server.application(number)
    assert entry["name"] == NAME
    jobs = server.jobs(number)
    assert jobs and all(job["status"] == "SUCCEEDED" for job in jobs)
    assert any("parquet" in job["name"] for job in jobs)
    assert sum(stage["outputRecords"] for stage in server.stages(number)) == 12
    page = server.get(f"/history/{number}/jobs/").decode()
    assert NAME in page and "parquet" in page
    assert b"History Server" in server.get("/")


def test_cluster(cluster, history_server, s3_server, s3, bucket, files):
    state = cluster.master.json("/json/")
    assert [(worker["cores"], worker["state"]) for worker in state["workers"]] == [(1, "ALIVE")] * 2
    done = cluster.submit(JOB, f"s3a://{bucket}/in", f"s3a://{bucket}/out",
                          settings={**cluster.spark.s3a_settings(s3_server), **SMALL_SPLITS})
    number = check_job(done, cluster.spark, s3, bucket, files, places=2)
    check_history(history_server, number)
    assert len([name for name in cluster.executor_logs() if number in name]) == 2


def test_spark4(spark4, history_server4, s3_server, s3, bucket, files):
    assert spark4.version.startswith("4.")
    done = spark4.submit(JOB, f"s3a://{bucket}/in", f"s3a://{bucket}/out", settings=spark4.s3a_settings(s3_server))
    check_history(history_server4, check_job(done, spark4, s3, bucket, files, places=1))


def test_cluster_of_spark4(cluster4, s3_server, s3, bucket, files):
    done = cluster4.submit(JOB, f"s3a://{bucket}/in", f"s3a://{bucket}/out",
                           settings={**cluster4.spark.s3a_settings(s3_server), **SMALL_SPLITS})
    check_job(done, cluster4.spark, s3, bucket, files, places=2)


def test_python39(spark39, s3_server, s3, bucket, files):
    assert spark39.python_version == "3.9"
    done = spark39.submit(JOB, f"s3a://{bucket}/in", f"s3a://{bucket}/out", settings=spark39.s3a_settings(s3_server))
    check_job(done, spark39, s3, bucket, files, places=1)


def test_a_job_that_fails(spark35, tmp_path):
    done = spark35.submit(JOB, tmp_path / "nothing", tmp_path / "out", status=1)
    assert "PATH_NOT_FOUND" in done.stdout
    with pytest.raises(AssertionError, match="exit code 1, expected 0"):
        spark35.submit(JOB, tmp_path / "nothing", tmp_path / "out")


def test_nothing_is_left(spark_installation, spark35):
    """A cluster whose job is still running ends as a whole; a server that does not come up says why."""
    spark = spark_installation("ends", spark35.python.parents[1])
    sleeper = spark.folder / "sleeper.py"
    sleeper.write_text("import time\nfrom pyspark.sql import SparkSession\ncontext = SparkSession.builder.getOrCreate().sparkContext\n"
                       "context.parallelize(range(2), 2).foreach(lambda _: time.sleep(1000))\n")
    cluster = Cluster(spark)
    with open(spark.folder / "out", "wb") as out:
        job = start([spark.home / "bin/spark-submit", "--master", cluster.url, sleeper], spark.environment({}), spark.folder, out, out)
    try:
        # The worker, its executor, PySpark's daemon and the Python that sleeps.
        cluster.master.wait(lambda: all(len(session_members(worker.process.pid)) >= 4 for worker in cluster.workers),
                            "executors with their Pythons")
    finally:
        cluster.stop()
        kill_session(job)
    assert not [member for daemon in cluster.daemons for member in session_members(daemon.process.pid)]
    assert not session_members(job.pid)
    with pytest.raises(RuntimeError, match="(?s)nobody: .*exit code 1.*no.such.Server"):
        Daemon(spark, "nobody", "no.such.Server").find_page()


def test_a_job_that_hangs(spark35, tmp_path):
    (tmp_path / "hangs.py").write_text("import time; time.sleep(1000)\n")
    with pytest.raises(AssertionError, match="exit code none after 2 s"):
        spark35.submit(tmp_path / "hangs.py", timeout=2)
