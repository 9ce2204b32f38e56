"""Fixtures of tests that talk to a server, for tests/conftest.py. A test that uses s3_server, directly or not, is marked `cluster`
by itself: it runs with --cluster, and fails where versitygw or boto3 is missing."""
import itertools
import shutil
import subprocess
import types

import pytest

from loopback import FaultProxy, S3Server

numbers = itertools.count(1)


@pytest.fixture
def fault_proxy():
    """Starts proxies: fault_proxy(upstream, script, port=0) gives a FaultProxy; upstream is "127.0.0.1:PORT" or a URL."""
    started = []

    def start(upstream, script="", port=0):
        started.append(FaultProxy(upstream, script, port))
        return started[-1]

    yield start
    for proxy in started:
        proxy.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A file with a certificate of localhost that nobody signed, and its key; the certificate alone is beside it, .crt."""
    if not shutil.which("openssl"):
        pytest.skip("makes its certificate with the program openssl")
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", path, "-out", path.with_suffix(".crt")],
                   check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """A running versitygw; what tests share of it is only the process: see `bucket`."""
    server = S3Server(tmp_path_factory.mktemp("s3"))
    yield server
    server.discard()


@pytest.fixture
def s3(s3_server):
    """boto3's client of the server: the second opinion."""
    return s3_server.client()


@pytest.fixture
def bucket(s3_server):
    """The name of a bucket that is empty and this test's own."""
    name = f"bucket-{next(numbers)}"
    s3_server.client().create_bucket(Bucket=name)
    return name


@pytest.fixture
def s3_environment(s3_server, tmp_path):
    """The environment of a program that is to use the server."""
    return s3_server.environment(tmp_path)


@pytest.fixture
def proxied(s3_server, fault_proxy, tmp_path):
    """proxied(script, port=0): the server behind a proxy; its .environment points programs there, .client() gives boto3's."""

    def start(script="", port=0):
        proxy = fault_proxy(s3_server.url, script, port)
        proxy.environment = s3_server.environment(tmp_path, proxy.url)
        proxy.client = types.MethodType(lambda self, **options: s3_server.client(self.url, **options), proxy)
        return proxy

    return start
