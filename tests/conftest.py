"""Options and fixtures of all end-to-end tests.

POMONA          the binary under test            (default: build/pomona)
POMONA_SHARED   real photos, models, references  (default: ../shared); tests that need it are skipped where it is absent
VERSITYGW       the S3 server of tests marked cluster  (default: build/versitygw/versitygw)
"""
import os
import pathlib
import subprocess

import pytest

from s3_fixtures import bucket, certificate, fault_proxy, proxied, s3, s3_environment, s3_server  # noqa: F401  (fixtures)
from spark_fixtures import (INSTALLATIONS, cluster, cluster4, history_server, history_server4, spark, spark4, spark35,  # noqa: F401
                            spark39, spark_installation)

ROOT = pathlib.Path(__file__).resolve().parent.parent
POMONA = pathlib.Path(os.environ.get("POMONA", ROOT / "build/pomona")).absolute()
SHARED = pathlib.Path(os.environ.get("POMONA_SHARED", ROOT.parent / "shared")).absolute()


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also run tests marked long")
    parser.addoption("--cluster", action="store_true", help="also run tests that start Spark or an S3 server")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes more than half a minute; runs with --long")
    config.addinivalue_line("markers", "cluster: starts Spark (Java and PySpark) or an S3 server; runs with --cluster")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if {"s3_server", *INSTALLATIONS}.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("cluster")
        for name in ("long", "cluster"):
            if item.get_closest_marker(name) and not config.getoption("--" + name):
                item.add_marker(pytest.mark.skip(reason=f"runs with --{name}"))


@pytest.fixture(scope="session")
def pomona():
    """Runs the binary: pomona("sample", "--out", folder) gives a CompletedProcess with text output; `status` is the exit
    code that is expected (None: any)."""
    if not POMONA.exists():
        pytest.fail(f"{POMONA} is missing: run ./dev build, or set POMONA")

    def run(*arguments, status=0, timeout=120, **options):
        options = {"capture_output": True, "text": True, "errors": "replace", **options}
        done = subprocess.run([POMONA, *map(os.fspath, arguments)], timeout=timeout, **options)
        if status is not None and done.returncode != status:
            pytest.fail(f"pomona {' '.join(map(str, arguments))}\nexit code {done.returncode}, expected {status}\n"
                        f"{done.stdout}{done.stderr}")
        return done

    return run


@pytest.fixture(scope="session")
def shared():
    """The folder of real data; skips the test where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no shared data at {SHARED} (set POMONA_SHARED)")
    return SHARED


@pytest.fixture(scope="session")
def photos(pomona, tmp_path_factory):
    """120 synthetic photos, 5 labels; read only."""
    folder = tmp_path_factory.mktemp("corpus") / "photos"
    pomona("sample", "--out", folder, "--count", "120", "--classes", "5", "-q")
    return folder
