"""pomona ls and cp on folders and buckets; recover and verify of results in S3."""
import base64
import contextlib
import functools
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

import measured
from conftest import POMONA
from loopback import ListServer

ODD = ["a b", "per%cent", "per%20cent", "pl+us", "ü/é/😀", "new\nline", "q?m&n=o#p", "~._-", "back\\slash", "deep/er/file"]
LARGE = os.urandom(1 << 20) * 20  # more than one part


def names(listed):
    return [json.loads(line)["name"] for line in listed.stdout.splitlines()]


def fill(folder, files=None):
    files = {name: name.encode() for name in ODD} if files is None else files
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return files


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def at(pomona, s3_environment, tmp_path):
    """Runs pomona against the server."""
    environment = {**s3_environment, "POMONA_SCRATCH": os.fspath(tmp_path / "scratch")}
    run = functools.partial(pomona, env=environment)
    run.environment = environment
    return run


# --- folders


def test_ls_of_a_folder(pomona, tmp_path):
    fill(tmp_path / "f")
    listed = pomona("ls", tmp_path / "f")
    assert "deep/" in listed.stdout and "new\\x0aline" in listed.stdout and "file" not in listed.stdout
    assert listed.stderr == "8 objects, 57 bytes, 2 folders\n"
    assert re.search(r"^ +3  \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  a b$", listed.stdout, re.M)
    below = pomona("ls", tmp_path / "f", "--recursive", "--json")
    assert sorted(names(below)) == sorted(ODD) and not below.stderr
    assert names(pomona("ls", tmp_path / "f/a b", "--json")) == ["a b"]
    assert names(pomona("ls", tmp_path / "f", "--versions", "--json")) == names(below)
    (tmp_path / "empty").mkdir()
    assert not pomona("ls", tmp_path / "empty").stdout
    assert "No such file" in pomona("ls", tmp_path / "nothing", status=2).stderr
    pomona("ls", tmp_path, "--versions", "--uploads", status=1)


def test_cp_of_folders(pomona, tmp_path):
    fill(tmp_path / "f")
    planned = pomona("cp", tmp_path / "f", tmp_path / "g", "-r", "--dry-run").stdout
    assert planned.count(" -> ") == len(ODD) and not (tmp_path / "g").exists()
    pomona("cp", tmp_path / "f", tmp_path / "g", "--recursive", "--threads", "3")
    assert content(tmp_path / "g") == content(tmp_path / "f")
    (tmp_path / "g/a b").write_bytes(b"other")
    (tmp_path / "g/pl+us").unlink()
    assert "a b: exists already" in pomona("cp", tmp_path / "f", tmp_path / "g", "-r", status=2).stderr
    assert not (tmp_path / "g/pl+us").exists(), "nothing is written before all names are known to be free"
    pomona("cp", tmp_path / "f", tmp_path / "g", "-r", "--overwrite")
    assert content(tmp_path / "g") == content(tmp_path / "f")


def test_names_that_temporary_files_have(pomona, tmp_path):
    fill(tmp_path / "f", {f"x{end}": end.encode() for end in ("", ".tmp", ".tmp.tmp")})
    for _ in range(20):
        pomona("cp", tmp_path / "f", tmp_path / "g", "-r", "--threads", "4", "--overwrite")
        assert content(tmp_path / "g") == content(tmp_path / "f")
    fill(tmp_path / "h", {"x.tmp": b"mine"})
    pomona("cp", tmp_path / "f/x", tmp_path / "h")
    assert content(tmp_path / "h") == {"x": b"", "x.tmp": b"mine"}


def test_cp_of_a_file(pomona, tmp_path, monkeypatch):
    fill(tmp_path, {"f": b"f", "folder/x": b""})
    monkeypatch.chdir(tmp_path)
    pomona("cp", "f", "e")
    (tmp_path / "e").unlink()
    pomona("cp", tmp_path / "f", tmp_path / "folder")
    pomona("cp", tmp_path / "f", f"{tmp_path}/new/")
    pomona("cp", tmp_path / "f", tmp_path / "g")
    assert content(tmp_path) == {"f": b"f", "folder/x": b"", "folder/f": b"f", "new/f": b"f", "g": b"f"}
    assert pomona("cp", tmp_path / "f", "-").stdout == "f"
    assert "is a folder" in pomona("cp", tmp_path / "folder", tmp_path / "h", status=2).stderr
    assert "is a folder" in pomona("cp", tmp_path / "folder", "-", status=2).stderr
    pomona("cp", tmp_path / "nothing", tmp_path / "h", status=2)
    os.mkfifo(tmp_path / "folder/pipe")
    assert "is no file" in pomona("cp", tmp_path / "folder", tmp_path / "h", "-r", status=2).stderr
    assert not (tmp_path / "h").exists()
    pomona("cp", tmp_path / "f", status=1)


@contextlib.contextmanager
def web_server(folder):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def test_cp_from_the_web(pomona, tmp_path):
    fill(tmp_path / "w", {"photo.jpg": b"p" * 100_000})
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with web_server(tmp_path / "w") as address:
        pomona("cp", f"http://{address}/photo.jpg?size=1", f"{tmp_path}/", env=clean)
        assert (tmp_path / "photo.jpg").read_bytes() == b"p" * 100_000
        assert pomona("cp", f"http://{address}/photo.jpg", "-", env=clean).stdout == "p" * 100_000
        assert "100000" in pomona("ls", f"http://{address}/photo.jpg", env=clean).stdout
        pomona("cp", f"http://{address}/none.jpg", f"{tmp_path}/", env=clean, status=2)
        assert "can't be listed" in pomona("cp", f"http://{address}/", tmp_path / "x", "-r", env=clean, status=2).stderr
        assert "can't be written" in pomona("cp", tmp_path / "photo.jpg", f"http://{address}/x", env=clean, status=2).stderr
        pomona("cp", f"http://{address}/", f"{tmp_path}/", env=clean, status=2)
        for word in ("secretuser", "secretpassword", "secretquery"):
            told = pomona("cp", f"http://secretuser:secretpassword@{address}/none?X-Amz-Signature=secretquery", tmp_path / "y",
                          env=clean, status=2)
            assert word not in told.stderr + told.stdout


def test_ls_of_very_many_keys(tmp_path):
    """They are printed as they come: memory does not grow with them."""
    most = {}
    for count in (20_000, 400_000):
        with ListServer("--keys", count, "--prefixes", 20) as server, open(tmp_path / "listed", "wb") as listed:
            environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
            with open(tmp_path / "told", "w") as told:
                code, _, usage = measured.run([POMONA, "ls", "s3://bucket", "-r", "--no-sign-request", "--endpoint-url", server.url],
                                              stdout=listed, stderr=told, env=environment)
            assert (tmp_path / "told").read_text().startswith(f"{count:,} objects")
            most[count] = usage.ru_maxrss
        assert code == 0 and len((tmp_path / "listed").read_bytes().splitlines()) == count
    assert most[400_000] < most[20_000] + 20_000, most


# --- buckets


def test_ls_of_a_bucket(at, s3, bucket):
    assert at("ls", f"s3://{bucket}").stdout == "", "an empty bucket is there"
    for name in ODD:
        s3.put_object(Bucket=bucket, Key=f"top/{name}", Body=name.encode())
    assert names(at("ls", f"s3://{bucket}", "--json")) == ["top/"]
    assert sorted(names(at("ls", f"s3://{bucket}/top/", "-r", "--json"))) == sorted(ODD)
    level = at("ls", f"s3://{bucket}/top")
    assert level.stderr == "8 objects, 57 bytes, 2 folders\n" and "new\\x0aline" in level.stdout
    for name in ODD:
        one = json.loads(at("ls", f"s3://{bucket}/top/{name}", "--json").stdout)
        assert (one["name"], one["size"]) == (name.split("/")[-1], len(name.encode())) and one["etag"]
    assert "no such thing" in at("ls", f"s3://{bucket}/to", status=2).stderr
    at("ls", f"s3://{bucket}/top/a b/", status=2)
    at("ls", "s3://there-is-none", status=2)
    told = at("ls", "s3://" + bucket, env={**at.environment, "AWS_SECRET_ACCESS_KEY": "wrong-secret"}, status=2)
    assert "wrong-secret" not in told.stderr


def test_many_keys(at, s3_server, bucket):
    folder = s3_server.buckets / bucket
    keys = {f"{i % 50:02}/{i:04}" for i in range(5000)}
    fill(folder, dict.fromkeys(keys, b""))
    listed = names(at("ls", f"s3://{bucket}", "-r", "--json"))
    assert len(listed) == 5000 and set(listed) == keys
    assert at("ls", f"s3://{bucket}", "-r").stderr == "5,000 objects, 0 bytes\n"
    assert len(names(at("ls", f"s3://{bucket}", "--json"))) == 50


@pytest.mark.parametrize("size", ["small", "large"])
def test_cp_there_and_back(at, s3, bucket, tmp_path, size):
    files = fill(tmp_path / "f", None if size == "small" else {"large": LARGE, "x/empty": b"", "eight": LARGE[:8 << 20]})
    at("cp", tmp_path / "f", f"s3://{bucket}/in", "-r")
    for name, body in files.items():
        assert s3.get_object(Bucket=bucket, Key=f"in/{name}")["Body"].read() == body
    at("cp", f"s3://{bucket}/in/", f"s3://{bucket}/copy", "--recursive", "-q")
    at("cp", f"s3://{bucket}/copy", tmp_path / "g", "-r")
    assert content(tmp_path / "g") == files
    assert not list((tmp_path / "scratch").glob("*")), "scratch is tidied"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    at("cp", tmp_path / "f", f"s3://{bucket}/in", "-r", status=2)
    at("cp", f"s3://{bucket}/in", tmp_path / "g", "-r", status=2)
    at("cp", tmp_path / "f", f"s3://{bucket}/in", "-r", "--overwrite")


def test_cp_of_an_object(at, s3, bucket, tmp_path):
    fill(tmp_path, {"f": b"one", "large": LARGE})
    at("cp", tmp_path / "f", f"s3://{bucket}")
    at("cp", tmp_path / "f", f"s3://{bucket}/x/")
    at("cp", tmp_path / "large", f"s3://{bucket}/x/other")
    assert s3.get_object(Bucket=bucket, Key="f")["Body"].read() == s3.get_object(Bucket=bucket, Key="x/f")["Body"].read() == b"one"
    for name, body in (("f", b"one"), ("x/other", LARGE)):
        assert at("cp", f"s3://{bucket}/{name}", "-", text=False, errors=None).stdout == body
    assert "x/f: exists already" in at("cp", tmp_path / "large", f"s3://{bucket}/x/f", status=2).stderr
    at("cp", f"s3://{bucket}/none", tmp_path / "g", status=2)
    at("cp", f"s3://{bucket}/x", tmp_path / "g", "-r")
    assert content(tmp_path / "g") == {"f": b"one", "other": LARGE}
    for name in (bucket, bucket + "/"):
        for command in (["cp", f"s3://{name}", tmp_path / "h"], ["cp", f"s3://{name}", "-"], ["rm", f"s3://{name}"]):
            assert "is a bucket" in at(*command, status=2).stderr
    at("cp", tmp_path / "f", f"s3://{bucket}/", status=2)
    assert "nothing below" in at("cp", f"s3://{bucket}/nothing", tmp_path / "h", "-r", status=2).stderr
    fill(tmp_path / "many", {str(i): b"%d" % i for i in range(300)})
    at("cp", tmp_path / "many", f"s3://{bucket}/many", "-r")
    at("cp", tmp_path / "many", f"s3://{bucket}/many", "-r", status=2)
    assert len(names(at("ls", f"s3://{bucket}/many", "--json"))) == 300


def crc32c(data):
    """The CRC-32C of bytes, as S3 writes it; by a table that is made here, as boto3 needs another package for it."""
    table = list(range(256))
    for _ in range(8):
        table = [(value >> 1) ^ (0x82F63B78 if value & 1 else 0) for value in table]
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
    return base64.b64encode((crc ^ 0xFFFFFFFF).to_bytes(4, "big")).decode()


@pytest.mark.parametrize("kind", ["one piece", "FULL_OBJECT", "COMPOSITE", None])
def test_cp_of_an_object_that_changed_on_the_server(at, s3, s3_server, bucket, tmp_path, kind):
    """Ranges have no checksums. Where the server has one of the whole object, theirs together must be it."""
    body, upload = LARGE[:9_500_000], {"Bucket": bucket, "Key": "k"}
    if kind in ("FULL_OBJECT", "COMPOSITE"):
        upload["UploadId"] = s3.create_multipart_upload(**upload, ChecksumAlgorithm="CRC32C", ChecksumType=kind)["UploadId"]
        sent = []
        for number, part in enumerate((body[:6_000_000], body[6_000_000:]), 1):
            told = s3.upload_part(**upload, PartNumber=number, Body=part, ChecksumCRC32C=crc32c(part))
            sent.append({"PartNumber": number, "ETag": told["ETag"], "ChecksumCRC32C": told["ChecksumCRC32C"]})
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": sent}, ChecksumType=kind)
    else:
        s3.put_object(**upload, Body=body, **({"ChecksumCRC32C": crc32c(body)} if kind else {}))
    at("cp", f"s3://{bucket}/k", tmp_path / "k")
    assert (tmp_path / "k").read_bytes() == body
    with open(s3_server.buckets / bucket / "k", "r+b") as file:
        file.seek(9_000_000)
        file.write(bytes([body[9_000_000] ^ 1]))
    known = kind in ("one piece", "FULL_OBJECT")
    done = at("cp", f"s3://{bucket}/k", tmp_path / "l", status=None)
    assert (done.returncode, (tmp_path / "l").exists()) == ((2, False) if known else (0, True)), done.stderr
    if known:
        assert f"s3://{bucket}/k: the bytes do not match their checksum" in done.stderr
    assert not (tmp_path / "l.tmp").exists()


def answers(keys):
    """A server of one page of keys, for what versitygw can't hold."""
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = ("<ListBucketResult><IsTruncated>false</IsTruncated>" + "".join(
                f"<Contents><Key>{key}</Key><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
                for key in keys) + "</ListBucketResult>").encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)


@pytest.mark.parametrize("key", ["../x", "a/../../x", "a//b", "/x", "./x", "a/..", "good/below"])
def test_keys_that_can_not_be_files(pomona, tmp_path, key):
    server = answers(["good", key])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    told = pomona("cp", "s3://bucket", tmp_path / "out/in", "-r", "--no-sign-request", "--endpoint-url",
                  f"http://127.0.0.1:{server.server_address[1]}", env=clean, status=2)
    assert f"{key}: " in told.stderr and not (tmp_path / "out").exists() and not (tmp_path / "x").exists()
    server.shutdown()


@pytest.mark.parametrize("direction", ["up", "down"])
def test_cp_that_is_killed(at, s3, bucket, proxied, tmp_path, direction):
    """Nothing half written can be seen under any name."""
    proxy = proxied("match * * -> latency 150")
    fill(tmp_path / "f", {f"{i:02}": LARGE[: 9 << 20] for i in range(6)})
    if direction == "down":
        at("cp", tmp_path / "f", f"s3://{bucket}/d", "-r")
    source, target = (f"s3://{bucket}/d", tmp_path / "g") if direction == "down" else (tmp_path / "f", f"s3://{bucket}/d")
    for wait in (0.3, 0.6, 1.0):
        process = subprocess.Popen([POMONA, "cp", source, target, "-r", "--overwrite", "--threads", "2", "-q"],
                                   env={**at.environment, "AWS_ENDPOINT_URL": proxy.url})
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if direction == "up":
            whole = [entry["Size"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        else:
            whole = [path.stat().st_size for path in (tmp_path / "g").glob("*") if path.name[0] != "."]
        assert set(whole) <= {9 << 20}
    if direction == "up":
        uploads = at("ls", f"s3://{bucket}", "--uploads", "--json").stdout.splitlines()
        assert uploads and all(json.loads(line)["upload"] for line in uploads)
    at("cp", source, target, "-r", "--overwrite")


def test_cp_that_is_interrupted(at, bucket, proxied, tmp_path):
    proxy = proxied("match * * -> latency 150")
    fill(tmp_path / "f", {f"{i:02}": LARGE for i in range(20)})
    process = subprocess.Popen([POMONA, "cp", tmp_path / "f", f"s3://{bucket}", "-r"],
                               env={**at.environment, "AWS_ENDPOINT_URL": proxy.url}, stderr=subprocess.PIPE, text=True)
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=30)[1]
    assert process.returncode == 130 and "interrupted" in told
    assert not at("ls", f"s3://{bucket}", "--uploads").stdout, "what was begun is dropped"


def test_versions_and_uploads(at, s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    made = [s3.put_object(Bucket=bucket, Key="d/k", Body=b"%d" % i)["VersionId"] for i in range(3)]
    s3.put_object(Bucket=bucket, Key="d/k2", Body=b"")
    s3.delete_object(Bucket=bucket, Key="d/k")
    for place in (f"s3://{bucket}/d", f"s3://{bucket}/d/k"):
        rows = [json.loads(line) for line in at("ls", place, "--versions", "--json").stdout.splitlines()]
        rows = [row for row in rows if row["name"] == "k"]
        assert sorted(row["version"] for row in rows if not row["deleted"]) == sorted(made)
        assert [row["latest"] for row in rows if row["deleted"]] == [True]
    assert len(at("ls", f"s3://{bucket}/d/k", "--versions", "--json").stdout.splitlines()) == 4
    assert " deleted " in at("ls", f"s3://{bucket}", "--versions").stdout
    assert not at("ls", f"s3://{bucket}/nothing", "--versions").stdout
    number = s3.create_multipart_upload(Bucket=bucket, Key="d/up load")["UploadId"]
    for place, name in ((f"s3://{bucket}/d", "up load"), (f"s3://{bucket}", "d/up load"), (f"s3://{bucket}/d/up load", "up load")):
        row, = [json.loads(line) for line in at("ls", place, "--uploads", "--json").stdout.splitlines()]
        assert (row["name"], row["upload"]) == (name, number)
    assert number in at("ls", f"s3://{bucket}/d", "--uploads").stdout


def test_rm(at, s3, bucket, tmp_path):
    fill(tmp_path / "f")
    at("rm", tmp_path / "f", status=2)
    assert at("rm", tmp_path / "f/a b", "--dry-run").stdout.startswith("would remove ") and (tmp_path / "f/a b").exists()
    at("rm", tmp_path / "f/a b")
    assert set(content(tmp_path / "f")) == set(ODD) - {"a b"}
    fill(tmp_path / "other", {"x": b""})
    (tmp_path / "f/link").symlink_to(tmp_path / "other")
    at("rm", tmp_path / "f", "-r")
    assert not (tmp_path / "f").exists() and (tmp_path / "other/x").exists(), "links are not followed"
    for path in (".", "..", "/", "//", f"{tmp_path}/..", f"{tmp_path}/../", f"{tmp_path}/.", tmp_path / "nothing"):
        at("rm", path, "-r", "--dry-run", status=2)
    for name in ODD:
        s3.put_object(Bucket=bucket, Key=f"top/{name}", Body=b"1")
    s3.put_object(Bucket=bucket, Key="top2", Body=b"1")
    at("rm", f"s3://{bucket}/top", status=2)
    at("rm", f"s3://{bucket}/top/none", status=2)
    at("rm", f"s3://{bucket}/top/a b", "-q")
    assert "would remove 9, 9 bytes" in at("rm", f"s3://{bucket}/top", "-r", "--dry-run").stderr
    assert "removed 9, 9 bytes" in at("rm", f"s3://{bucket}/top", "-r").stderr
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["top2"]
    at("rm", f"s3://{bucket}/top", "-r", status=2)


def test_rm_of_many(at, s3_server, bucket):
    fill(s3_server.buckets / bucket, {f"{i % 50:02}/{i:04}": b"" for i in range(3000)})
    assert "removed 3,000, 0 bytes" in at("rm", f"s3://{bucket}", "-r").stderr
    assert not at("ls", f"s3://{bucket}", "-r").stdout


def test_rm_of_versions(at, s3, bucket):
    """Versions go for good, one by one and all; uploads too."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("d/k", "d/k", "d/k2", "d/k%20 ü"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    at("rm", f"s3://{bucket}/d/k")
    assert len(at("ls", f"s3://{bucket}/d/k", "--versions", "--json").stdout.splitlines()) == 3, "it can be brought back"
    at("rm", f"s3://{bucket}/d", "--versions", status=None)
    at("rm", f"s3://{bucket}/d/k", "--versions", "--dry-run")
    assert "removed 3" in at("rm", f"s3://{bucket}/d/k", "--versions").stderr
    left = s3.list_object_versions(Bucket=bucket)
    assert sorted(entry["Key"] for entry in left["Versions"]) == ["d/k%20 ü", "d/k2"] and "DeleteMarkers" not in left
    at("rm", f"s3://{bucket}", "--versions", "--recursive")
    left = s3.list_object_versions(Bucket=bucket)
    assert "Versions" not in left and "DeleteMarkers" not in left
    for key in ("d/up", "d/up", "other"):
        s3.create_multipart_upload(Bucket=bucket, Key=key)
    at("rm", f"s3://{bucket}/d", "--uploads", status=None)
    assert len(s3.list_multipart_uploads(Bucket=bucket)["Uploads"]) == 3
    at("rm", f"s3://{bucket}/d", "--uploads", "-r")
    at("rm", f"s3://{bucket}/other", "--uploads")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


# --- results in a bucket


@pytest.fixture(scope="module")
def made(pomona, photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(photos, folder / "photos")
    (folder / "photos/bad.jpg").write_bytes(b"no photo")
    pomona("run", folder / "photos", "--out", folder / "out", "-q", "--partitions", "3", "--max-errors", "-1")
    return folder / "out"


@pytest.fixture
def result(at, bucket, made):
    """A result in the bucket: its name, and the folder that the server keeps it in."""
    at("cp", made, f"s3://{bucket}/out", "-r", "-q")
    return f"s3://{bucket}/out"


def items(at, dst, *options, status=0):
    found = json.loads(at("recover", dst, "--json", *options, status=status).stdout)
    return found, {(item["action"], item["path"].removeprefix(dst + "/")) for item in found["items"]}


def test_verify(at, s3_server, result, bucket, tmp_path):
    folder = s3_server.buckets / bucket / "out"
    told = at("verify", result).stdout
    assert "whole" in told and "3 parts, 120 rows, 1 errors" in told
    assert not list((tmp_path / "scratch").glob("*"))

    def faults():
        found = json.loads(at("verify", result, "--json", status=2).stdout)["faults"]
        assert all(fault["message"].startswith("s3://") for fault in found)
        return {(fault["kind"], fault["file"].removeprefix(result + "/")) for fault in found}

    first, second, third = sorted((folder / "Results").glob("part-*"))
    body = first.read_bytes()
    with open(first, "r+b") as file:
        file.seek(100)
        file.write(bytes([body[100] ^ 1]))
    assert faults() == {("sha256", f"Results/{first.name}")}
    first.unlink()
    assert faults() == {("missing", f"Results/{first.name}")}
    shutil.copy(second, folder / "Results/stranger.parquet")
    assert ("stranger", "Results/stranger.parquet") in faults()
    error, = (folder / "Errors").glob("part-*")
    error.unlink()
    assert ("errors", "Errors") in faults()
    (folder / "moments.pom").write_bytes(b"other")
    assert ("moments", "moments.pom") in faults()
    (folder / "moments.pom").unlink()
    assert ("moments", "moments.pom") in faults()
    assert "out/nothing" in at("verify", f"s3://{bucket}/out/nothing", status=2).stderr
    assert not list((tmp_path / "scratch").glob("*"))


def test_recover_of_a_whole_result(at, s3_server, result, bucket):
    before = content(s3_server.buckets / bucket)
    found, seen = items(at, result)
    assert not seen and found["removed"] == found["kept"] == 0
    assert "clean" in at("recover", result).stdout
    assert content(s3_server.buckets / bucket) == before
    assert "clean" in at("recover", f"s3://{bucket}/nothing").stdout
    at("recover", "s3://there-is-none", status=2)


def test_recover_of_uploads_and_strangers(at, s3, s3_server, result, bucket):
    before = content(s3_server.buckets / bucket)
    folder = s3_server.buckets / bucket / "out"
    part = next((folder / "Results").glob("part-00000*"))
    other = "part-00009-" + "0" * 8 + part.name[19:]
    for name in ("Results/" + other, "PCA_Results/" + other, "moments.pom", "of another program.bin"):
        s3.create_multipart_upload(Bucket=bucket, Key="out/" + name)
    s3.create_multipart_upload(Bucket=bucket, Key="out2/moments.pom")
    for place in ("Results", "PCA_Results"):
        s3.put_object(Bucket=bucket, Key=f"out/{place}/{other}", Body=part.read_bytes())
    s3.put_object(Bucket=bucket, Key="out/Results/" + other.replace("part-00009", "part-00010"), Body=b"of Spark")
    s3.put_object(Bucket=bucket, Key="out/Results/notes.txt", Body=b"mine")
    expected = {("remove", "Results/" + other), ("remove", "PCA_Results/" + other), ("remove", "moments.pom"),
                ("keep", "of another program.bin"), ("keep", "Results/" + other.replace("part-00009", "part-00010"))}
    planned, seen = items(at, result, "--dry-run")
    assert seen == expected and planned["removed"] == 5 and planned["kept"] == 2
    assert len(s3.list_multipart_uploads(Bucket=bucket)["Uploads"]) == 5
    found, seen = items(at, result)
    assert seen == expected and {**found, "dry_run": True} == planned
    assert sorted(entry["Key"] for entry in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]) == [
        "out/of another program.bin", "out2/moments.pom"]
    after = content(s3_server.buckets / bucket)
    assert {name: body for name, body in after.items() if name in before} == before
    assert items(at, result)[0]["removed"] == 0
    at("verify", result, status=2)  # what is not pomona's is a stranger still


def test_recover_without_success(at, s3, s3_server, result, bucket):
    """What a commit that was killed leaves."""
    folder = s3_server.buckets / bucket / "out"
    s3.delete_object(Bucket=bucket, Key="out/Results/_SUCCESS")
    found, seen = items(at, result)
    assert found["removed"] == 4 and {path.split("/")[0] for _, path in seen} == {"Results", "Errors"}
    assert not list(folder.glob("Results/*")) and not list(folder.glob("Errors/*")) and list(folder.glob("PCA_Results/*"))
    s3.put_object(Bucket=bucket, Key="out/Results/_SUCCESS", Body=b"")  # Spark's
    s3.put_object(Bucket=bucket, Key="out/Results/" + next(folder.glob("PCA_Results/part*")).name, Body=b"x")
    assert items(at, result)[1] == {("keep", "Results")}


def lock(s3, bucket, token="0" * 32):
    s3.put_object(Bucket=bucket, Key="out/_temporary/lock",
                  Body=json.dumps({"token": token, "host": "elsewhere", "process": 4711, "renewed": 0}))


def test_recover_and_locks(at, s3, s3_server, result, bucket):
    s3.delete_object(Bucket=bucket, Key="out/Results/_SUCCESS")
    s3.create_multipart_upload(Bucket=bucket, Key="out/moments.pom")
    lock(s3, bucket)
    before = content(s3_server.buckets / bucket)
    for options in ((), ("--dry-run",), ("--drop",)):
        told = at("recover", result, *options, status=2)
        assert "4711 on elsewhere" in told.stderr and not told.stdout
    assert content(s3_server.buckets / bucket) == before and "Uploads" in s3.list_multipart_uploads(Bucket=bucket)
    path = s3_server.buckets / bucket / "out/_temporary/lock"
    os.utime(path, (time.time() - 300,) * 2)
    found, seen = items(at, result, "--dry-run")
    assert {("remove", "_temporary/lock"), ("remove", "moments.pom")} < seen and path.exists()
    found, again = items(at, result)
    assert again == seen and not path.exists() and "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    assert not items(at, result)[1]


def wait_for(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_recover_after_a_kill(at, s3, bucket, photos, tmp_path):
    """The scratch of this machine, its token in the lock, and a job that is alive."""
    dst = f"s3://{bucket}/out"
    command = [POMONA, "features", photos, "--out", dst, "-q", "--partitions", "4", "--threads", "1"]
    process = subprocess.Popen(command, env=at.environment)
    wait_for(lambda: list(tmp_path.glob("scratch/out-*/dst/_temporary/journal-*")))
    process.send_signal(signal.SIGSTOP)
    at("recover", dst, status=2)
    process.kill()
    process.wait()
    scratch, = tmp_path.glob("scratch/out-*")
    found, seen = items(at, dst)
    assert ("remove", os.fspath(scratch)) in seen and ("remove", "_temporary/lock") in seen and found["interrupted"]
    assert not scratch.exists() and "Contents" not in s3.list_objects_v2(Bucket=bucket)
    subprocess.run(command, env=at.environment, check=True)
    at("verify", dst)


def test_recover_of_what_only_has_to_be_published(at, s3, bucket, photos, proxied, tmp_path):
    """A commit that fails leaves a finished result in scratch."""
    dst = f"s3://{bucket}/out"
    proxy = proxied("match PUT */Results/_SUCCESS* -> status 403 AccessDenied")
    environment = {**at.environment, "AWS_ENDPOINT_URL": proxy.url}
    command = ("features", photos, "--out", dst, "-q", "--partitions", "2")
    at(*command, env=environment, status=None)
    scratch, = tmp_path.glob("scratch/out-*")
    assert list(scratch.glob("dst/Results/_SUCCESS"))
    found, seen = items(at, dst)
    assert ("keep", os.fspath(scratch)) in seen and found["complete"] and not found["removed"]
    at(*command, "--resume")
    at("verify", dst)
    assert not scratch.exists()

    s3.delete_object(Bucket=bucket, Key="out/Results/_SUCCESS")
    at(*command, "--overwrite", env=environment, status=None)
    found, seen = items(at, dst, "--drop")
    assert ("remove", os.fspath(scratch)) in seen and not scratch.exists()
    assert not [entry for entry in s3.list_objects_v2(Bucket=bucket)["Contents"] if "/part-" in entry["Key"]]
