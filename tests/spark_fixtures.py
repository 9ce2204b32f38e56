"""Fixtures of tests that run Spark as a cluster. A test that uses one is marked `cluster` by itself (conftest.py).

SPARK35     an environment with PySpark 3.5.1    (default: the one that runs the tests)
SPARK4      one with PySpark 4                   (default: build/venv-spark4)
SPARK39     one with PySpark 3.5.1 on Python 3.9 (default: build/venv-spark39); without it, its tests are skipped
SPARK_JARS  what spark_jars.sh makes             (default: build/jars)
"""
import os
import pathlib
import shutil

import pytest

from spark_cluster import Cluster, HistoryServer, Spark, same_environment

ROOT = pathlib.Path(__file__).resolve().parents[1]
JARS = os.environ.get("SPARK_JARS", ROOT / "build/jars")
INSTALLATIONS = {"spark35", "spark4", "spark39"}


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


@pytest.fixture(scope="session")
def cluster(spark35):
    """Spark 3.5.1 as a standalone cluster of two workers."""
    started = Cluster(spark35)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def cluster4(spark4):
    """The same of Spark 4."""
    started = Cluster(spark4)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def history_server(spark35):
    """The history server of Spark 3.5.1's jobs, on the cluster or not; its page is at .url."""
    started = HistoryServer(spark35)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def history_server4(spark4):
    """The same of Spark 4."""
    started = HistoryServer(spark4)
    yield started
    started.stop()
