"""Fixtures of tests that run Spark as a cluster. A test that uses one is marked `cluster` by itself (conftest.py).

SPARK35     an environment with PySpark 3.5.1    (default: the one that runs the tests)
SPARK4      one with PySpark 4                   (default: build/venv-spark4)
SPARK39     one with PySpark 3.5.1 on Python 3.9 (default: build/venv-spark39); without it, its tests are skipped
SPARK_JARS  what spark_jars.sh makes             (default: build/jars)
"""
import contextlib
import os
import pathlib
import shutil
import sys

import pytest

from spark_cluster import Cluster, HistoryServer, Spark, same_environment

ROOT = pathlib.Path(__file__).resolve().parents[1]
JARS = os.environ.get("SPARK_JARS", ROOT / "build/jars")
INSTALLATIONS = {"spark", "spark35", "spark4", "spark39"}


@contextlib.contextmanager
def local_session(settings=()):
    """A session of PySpark in this process, on local[2]. Its JVM may be that of an earlier session, with the environment of then:
    what workers are to have in theirs are settings, spark.executorEnv.NAME."""
    pyspark = pytest.importorskip("pyspark.sql", reason="no PySpark")
    if shutil.which("java") is None:
        pytest.skip("no Java")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYSPARK_DRIVER_PYTHON", sys.executable)
        builder = pyspark.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        for name, value in dict(settings).items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()


@pytest.fixture(scope="module")
def spark():
    """A SparkSession on local[2]."""
    with local_session() as session:
        yield session


@pytest.fixture(scope="session")
def spark_installation(tmp_path_factory):
    """Spark installations by name and environment; their folders are removed at the end."""
    folders = []

    def make(name, venv):
        if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
            pytest.fail("there is no Java")
        folders.append(tmp_path_factory.mktemp(name))
        return Spark(venv, JARS, folders[-1])

    yield make
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def spark35(spark_installation):
    """Spark 3.5.1: a Spark of spark_cluster.py."""
    return spark_installation("spark35", os.environ.get("SPARK35", same_environment()))


@pytest.fixture(scope="session")
def spark4(spark_installation):
    """Spark 4."""
    return spark_installation("spark4", os.environ.get("SPARK4", ROOT / "build/venv-spark4"))


@pytest.fixture(scope="session")
def spark39(spark_installation):
    """Spark 3.5.1 on Python 3.9, the oldest that pomona's wheel runs on."""
    venv = pathlib.Path(os.environ.get("SPARK39", ROOT / "build/venv-spark39"))
    if not venv.is_dir():
        pytest.skip(f"no {venv}: there was no Python 3.9")
    return spark_installation("spark39", venv)


def session_fixture(what, of, name, doc):
    """A fixture called `name`: one `what` on the installation of the fixture `of`, for all tests."""
    @pytest.fixture(scope="session", name=name)
    def started(request):
        made = what(request.getfixturevalue(of))
        yield made
        made.stop()

    started.__doc__ = doc
    return started


cluster = session_fixture(Cluster, "spark35", "cluster", "Spark 3.5.1 as a standalone cluster of two workers.")
cluster4 = session_fixture(Cluster, "spark4", "cluster4", "Spark 4 as a standalone cluster of two workers.")
history_server = session_fixture(HistoryServer, "spark35", "history_server",
                                 "The history server of Spark 3.5.1's jobs, on the cluster or not; its page is at .url.")
history_server4 = session_fixture(HistoryServer, "spark4", "history_server4", "The same of Spark 4.")
