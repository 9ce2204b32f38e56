"""S3 over TLS: versitygw with a certificate that is trusted only where the environment says so. Runs with --cluster."""
import os
import time

import pytest

from loopback import S3Server

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def server(certificate, tmp_path_factory):
    started = S3Server(tmp_path_factory.mktemp("tls"), certificate=certificate)
    (started.buckets / "bucket").mkdir()
    yield started
    started.discard()


@pytest.fixture
def environment(server, tmp_path):
    clean = server.environment(tmp_path)
    clean.pop("SSL_CERT_FILE", None)
    return clean


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_there_and_back(pomona, environment, certificate, variable, tmp_path):
    """In parts, signed without their hashes: TLS protects them."""
    environment[variable] = os.fspath(certificate.with_suffix(".crt"))
    (tmp_path / "file").write_bytes(os.urandom(20 << 20))
    pomona("cp", tmp_path / "file", f"s3://bucket/{variable}/file", "-q", env=environment)
    assert "20971520" in pomona("ls", f"s3://bucket/{variable}/", env=environment).stdout
    pomona("cp", f"s3://bucket/{variable}/file", tmp_path / "back", "-q", env=environment)
    assert (tmp_path / "back").read_bytes() == (tmp_path / "file").read_bytes()


def test_features(pomona, environment, certificate, server, photos, tmp_path):
    environment["AWS_CA_BUNDLE"] = os.fspath(certificate.with_suffix(".crt"))
    pomona("cp", photos, "s3://bucket/photos", "--recursive", "-q", env=environment)
    pomona("features", "s3://bucket/photos", "--out", "s3://bucket/out", "-q", env=environment)
    pomona("features", photos, "--out", tmp_path / "out", "-q")
    assert (server.buckets / "bucket/out/moments.pom").read_bytes() == (tmp_path / "out/moments.pom").read_bytes()


def test_strangers_are_refused(pomona, environment):
    start = time.monotonic()
    done = pomona("ls", "s3://bucket/", env=environment, status=4)
    assert "certificate" in done.stderr
    assert time.monotonic() - start < 10  # a certificate does not become better by waiting
