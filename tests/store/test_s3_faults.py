"""Jobs from and to S3 while the network and the server go wrong: the same bytes as undisturbed, or an end soon with the cause."""
import os
import re
import resource
import signal
import subprocess
import threading
import time

import pytest

from conftest import POMONA
from loopback import FaultProxy, ListServer
from s3_help import check_success, check_tidy, keys, parts, read, rows, upload, uploads

COUNT = 300


@pytest.fixture(scope="module")
def many(pomona, tmp_path_factory):
    folder = tmp_path_factory.mktemp("many") / "photos"
    pomona("sample", "--out", folder, "--count", str(COUNT), "--classes", "6", "-q")
    return folder


@pytest.fixture(scope="module")
def undisturbed(pomona, many, s3_server, tmp_path_factory):
    """The bucket of the photos, what an undisturbed job makes of them, and its requests."""
    base, s3 = tmp_path_factory.mktemp("undisturbed"), s3_server.client()
    s3.create_bucket(Bucket="many")
    upload(s3, "many", many, "p/")
    with FaultProxy(s3_server.url) as proxy:
        pomona("features", "s3://many/p", "--out", "s3://many/o", "-p", "4", "-q",
               env={**s3_server.environment(base, proxy.url), "POMONA_SCRATCH": str(base / "scratch")})
        return parts(s3, "many", "o/"), proxy.report()["requests"]


@pytest.fixture
def features(pomona, bucket, tmp_path, undisturbed):
    """features(proxy): the job of `undisturbed` to this test's bucket, through a proxy."""
    def run(proxy, *words, status=0, source="s3://many/p", **options):
        env = {**proxy.environment, "POMONA_SCRATCH": str(tmp_path / "scratch"), **options.pop("env", {})}
        return pomona("features", source, "--out", f"s3://{bucket}/o", "-p", "4", "-q", *words, env=env, status=status, **options)
    return run


def photo_keys(s3, count):
    return sorted(key for key in keys(s3, "many", "p/") if key.endswith(".jpg"))[:count]


def write_manifest(path, names):
    path.write_text("path\n" + "".join(f"{name}\n" for name in names))
    return path


# ---- the same bytes ----

MIX = """
match GET */p/* rate 0.04 seed 1 -> status 503 SlowDown
match GET */p/* rate 0.04 seed 2 -> status 500 InternalError
match GET */p/* rate 0.04 seed 3 -> reset
match GET */p/* rate 0.04 seed 4 -> cut 1000
match GET */p/* rate 0.04 seed 5 -> corrupt
match GET *list-type* every 2 -> error200 InternalError
match PUT * rate 0.2 seed 6 -> status 503 SlowDown
match POST * rate 0.2 seed 7 -> error200 InternalError
match DELETE * rate 0.2 seed 8 -> reset
"""


@pytest.mark.parametrize("script", [
    MIX, "match * * rate 0.2 seed 3 -> status 503 SlowDown", "match * * rate 0.2 seed 3 -> status 500 InternalError",
    "match * * rate 0.2 seed 3 -> reset", "match * * rate 0.2 seed 3 -> close", "match GET * rate 0.2 seed 3 -> cut 300",
    "match GET */p/* rate 0.2 seed 3 -> corrupt", "match PUT * rate 0.3 seed 3 -> corrupt_upload", "match POST * rate 0.4 -> error200",
    "match GET */p/* rate 0.1 -> slow 20000", "default latency 30", "match PUT * rate 0.5 -> done reset",
    "match POST * first 2 -> done reset", "match PUT * rate 0.3 -> cut_upload 100"],
    ids=lambda script: "mix" if script == MIX else re.sub(r"[^a-z0-9]+", "-", script.partition("->")[2].strip() or script))
def test_the_same_bytes(features, proxied, s3, bucket, tmp_path, undisturbed, script):
    proxy = proxied(script)
    features(proxy)
    report = proxy.report()
    assert parts(s3, bucket, "o/") == undisturbed[0] and check_success(s3, bucket, "o/")
    assert sum(report["faults"].values()) + report["delayed"] > 0
    assert report["requests"] <= 1.35 * undisturbed[1], report
    check_tidy(s3, bucket, tmp_path / "scratch", "o/")


def test_an_answer_to_complete_is_lost(features, proxied, s3, bucket, undisturbed):
    """The uploads are completed, and nobody says so."""
    proxy = proxied("match POST *uploadId* -> done reset")
    features(proxy, status=None)
    proxy.script("")
    features(proxy, "--resume")
    assert parts(s3, bucket, "o/") == undisturbed[0] and not uploads(s3, bucket)


def test_the_server_is_away_for_ten_seconds(features, proxied, fault_proxy, s3, s3_server, bucket, undisturbed):
    proxy = proxied("match GET */p/* -> latency 200")
    job = threading.Thread(target=lambda: ended.append(features(proxy, "--requests", "16", status=None)))
    ended = []
    job.start()
    while proxy.report()["requests"] < 100:
        time.sleep(0.02)
    proxy.stop()
    time.sleep(10)
    fault_proxy(s3_server.url, port=proxy.port)
    job.join()
    assert ended[0].returncode == 0, ended[0].stderr
    assert parts(s3, bucket, "o/") == undisturbed[0]


@pytest.mark.parametrize("fault", ["status 503 SlowDown", "status 500 InternalError", "reset"])
def test_everything_is_refused_for_three_seconds(features, proxied, s3, bucket, undisturbed, fault):
    proxy = proxied("match GET */p/* -> latency 100")
    ended = []
    job = threading.Thread(target=lambda: ended.append(features(proxy, status=None)))
    job.start()
    while proxy.report()["requests"] < 80:
        time.sleep(0.02)
    proxy.script(f"match * * -> {fault}")
    time.sleep(3)
    proxy.script("")
    job.join()
    assert ended[0].returncode == 0, ended[0].stderr
    assert parts(s3, bucket, "o/") == undisturbed[0]


# ---- an end, and a way on ----

KINDS = {"status 503 SlowDown": "503", "status 500 InternalError": "500", "reset": "", "stall": "stalls", "away": ""}
QUICK = {("reset", "start"), ("status 503 SlowDown", "reading"), ("stall", "writing"), ("away", "reading")}


@pytest.mark.parametrize("fault, words, when", [
    pytest.param(fault, words, when, marks=[] if (fault, when) in QUICK else [pytest.mark.long])
    for fault, words in KINDS.items() for when in ("start", "reading", "writing") if (fault, when) != ("away", "writing")])
def test_gives_up_and_goes_on(features, proxied, fault_proxy, s3, s3_server, bucket, tmp_path, undisturbed, fault, words, when):
    rule = {"start": "match * *", "reading": "match GET */p/* after 120", "writing": "match PUT */Results/*"}[when]
    if fault == "away":
        proxy = proxied("match GET */p/* after 120 -> latency 500" if when == "reading" else "")
        if when == "start":
            proxy.stop()
        else:
            def leave():
                while proxy.report()["requests"] < 150:
                    time.sleep(0.02)
                proxy.stop()
            threading.Thread(target=leave).start()
    else:
        # From the first failure on everything fails.
        proxy = proxied(f"{rule} -> {fault}")
    start = time.monotonic()
    done = features(proxy, status=4, timeout=90)
    took = time.monotonic() - start
    assert took <= 30, took
    assert words in done.stderr and "s3://" in done.stderr, done.stderr
    assert not check_success(s3, bucket, "o/")
    if fault == "away":
        proxy.stop()
        again = fault_proxy(s3_server.url, port=proxy.port)
        again.environment = proxy.environment
        proxy = again
    else:
        proxy.script("")
    if when != "start":
        assert os.listdir(tmp_path / "scratch")
    features(proxy, "--resume")
    if when == "reading":
        assert proxy.report()["requests"] < undisturbed[1], "what was done is not done again"
    assert parts(s3, bucket, "o/") == undisturbed[0]
    check_tidy(s3, bucket, tmp_path / "scratch", "o/")


# ---- one object is wrong ----

def test_a_refused_object_is_asked_once(features, proxied, s3, bucket):
    key = photo_keys(s3, 5)[4]
    proxy = proxied(f"match GET /many/{key} -> status 403 AccessDenied")
    features(proxy, status=3)
    errors = rows(s3, bucket, "o/Errors/")
    assert list(errors.index) == [f"s3://many/{key}"] and "AccessDenied" in errors.reason.iloc[0]
    assert len(rows(s3, bucket, "o/Results/")) == COUNT - 1
    assert proxy.report()["rules"][0]["matched"] == 1


def test_an_object_that_is_gone(features, proxied, s3, bucket):
    key = photo_keys(s3, 5)[3]
    proxy = proxied(f"match GET /many/{key} -> status 404 NoSuchKey")
    features(proxy, status=3)
    assert list(rows(s3, bucket, "o/Errors/").index) == [f"s3://many/{key}"] and proxy.report()["rules"][0]["matched"] == 1


def test_an_object_that_is_deleted_after_the_listing(features, proxied, s3, bucket):
    for number in range(4):
        s3.put_object(Bucket=bucket, Key=f"q/{number}.jpg", Body=read(s3, "many", photo_keys(s3, 4)[number]))
    proxy = proxied("match GET */q/* -> latency 1500")

    def delete():
        while not proxy.report()["rules"][0]["matched"]:
            time.sleep(0.01)
        s3.delete_object(Bucket=bucket, Key="q/2.jpg")
    thread = threading.Thread(target=delete)
    thread.start()
    features(proxy, source=f"s3://{bucket}/q", status=3)
    thread.join()
    errors = rows(s3, bucket, "o/Errors/")
    assert list(errors.index) == [f"s3://{bucket}/q/2.jpg"] and "NoSuchKey" in errors.reason.iloc[0]


def test_an_object_that_changes_between_its_ranges(pomona, photos, proxied, s3, bucket, tmp_path):
    """A list of 12 MB: its second half comes from another object, and must not be taken."""
    names = sorted(os.path.relpath(path, photos) for path in photos.rglob("*.jpg"))
    lists = ["path,note\n" + "".join(f"{name},{note * 200}\n" for name in names for _ in range(500)) for note in "ab"]
    assert len(lists[0]) > 10 << 20
    s3.put_object(Bucket=bucket, Key="list.csv", Body=lists[0].encode())
    proxy = proxied(f"match GET /{bucket}/list.csv once -> pass\nmatch GET /{bucket}/list.csv -> latency 1500")
    env = {**proxy.environment, "POMONA_SCRATCH": str(tmp_path / "scratch")}

    def change():
        while not proxy.report()["rules"][1]["matched"]:
            time.sleep(0.01)
        s3.put_object(Bucket=bucket, Key="list.csv", Body=lists[1].encode())
    thread = threading.Thread(target=change)
    thread.start()
    done = pomona("features", photos, "--manifest", f"s3://{bucket}/list.csv", "--out", tmp_path / "o", env=env, status=2)
    thread.join()
    assert "changed while it was being read" in done.stderr and f"s3://{bucket}/list.csv" in done.stderr
    assert not os.listdir(tmp_path / "scratch")


def test_a_part_of_many_megabytes(pomona, many, proxied, s3, bucket, tmp_path):
    """More than one UploadPart a part, some of which arrive damaged or cut."""
    pomona("model", "export", "--backbone", "--precision", "fp32", "--out", tmp_path / "m.onnx")
    words = ["--model", tmp_path / "m.onnx", "--layer", "head.conv0.relu6", "-p", "1", "--compression", "none", "--limit", "120", "-q"]
    pomona("features", many, "--out", tmp_path / "o", *words)
    proxy = proxied("match PUT *partNumber=2* once -> corrupt_upload\nmatch PUT *partNumber=1* once -> cut_upload 3000000")
    env = {**proxy.environment, "POMONA_SCRATCH": str(tmp_path / "scratch")}
    pomona("features", many, "--out", f"s3://{bucket}/o", *words, env=env)
    assert parts(s3, bucket, "o/") == {os.path.relpath(path, tmp_path / "o"): path.read_bytes()
                                       for path in (tmp_path / "o").rglob("*") if path.is_file() and path.name != "run.json"}
    assert {name for name, count in proxy.report()["faults"].items() if count} == {"corrupt_upload", "cut_upload"}
    check_tidy(s3, bucket, tmp_path / "scratch")


# ---- who and where ----

def test_a_hundred_thousand_keys(pomona, s3_environment, tmp_path):
    def little_memory():
        resource.setrlimit(resource.RLIMIT_DATA, (300 << 20,) * 2)
    with ListServer("--keys", 100000, "--prefixes", 1) as server:
        done = pomona("features", "s3://abc", "--out", tmp_path / "o", "--dry-run", preexec_fn=little_memory,
                      env={**s3_environment, "AWS_ENDPOINT_URL": server.url})
    assert "100000 photos" in done.stdout.replace(",", "")


@pytest.fixture
def manifest(s3, tmp_path):
    """100 photos, named in a list: the first requests of the job are all for photos, at once."""
    return write_manifest(tmp_path / "list.csv", photo_keys(s3, 100))


@pytest.mark.parametrize("rule", ["redirect 301 us-east-1", "redirect 307 us-east-1", "redirect 400 us-east-1"])
def test_a_bucket_in_another_region(features, proxied, s3, bucket, manifest, rule):
    proxy = proxied(f"match * * -> {rule}")
    features(proxy, env={"AWS_REGION": "eu-west-1"})
    features(proxy, "--overwrite", "--manifest", manifest, source="s3://many", env={"AWS_REGION": "eu-west-1"})
    assert len(rows(s3, bucket, "o/Results/")) == 100


def test_a_wrong_clock(features, proxied, s3, bucket, manifest):
    """Once the server has said so; and everything that was under way meanwhile is asked again."""
    proxy = proxied("match GET * once -> skew 4000\nmatch GET */p/* first 64 -> latency 50, skew -4000")
    features(proxy, "--manifest", manifest, source="s3://many", status=None)
    proxy.script("match * * -> skew 4000")
    done = features(proxy, "--overwrite", status=None)
    assert done.returncode in (2, 4) and "RequestTimeTooSkewed" in done.stderr


def test_expired_credentials(features, proxied, s3, bucket, manifest, undisturbed):
    proxy = proxied("match GET */p/* once -> status 400 ExpiredToken")
    features(proxy)
    assert parts(s3, bucket, "o/") == undisturbed[0]
    proxy.script("match GET */p/* after 50 -> status 400 ExpiredToken")
    start = time.monotonic()
    done = features(proxy, "--overwrite", status=None)
    assert done.returncode in (2, 4) and "ExpiredToken" in done.stderr and time.monotonic() - start < 10


def test_access_is_taken_away_in_mid_job(features, proxied, s3, bucket, tmp_path, undisturbed):
    """The place is at fault, not the photos: the job ends, and goes on where it was when the key works again."""
    proxy = proxied("match GET */p/* after 150 -> status 403 SignatureDoesNotMatch")
    done = features(proxy, status=None)
    assert done.returncode in (2, 4) and "SignatureDoesNotMatch" in done.stderr
    proxy.script("")
    features(proxy, "--resume")
    assert proxy.report()["rules"] == [] and proxy.report()["requests"] < undisturbed[1], "what was done is not done again"
    assert parts(s3, bucket, "o/") == undisturbed[0]


def test_what_waits_for_resume_stays(features, proxied, s3, bucket, tmp_path, undisturbed):
    """A look (--dry-run) and a refusal take nothing away from an interrupted job."""
    proxy = proxied("match GET */p/* after 150 -> status 500")
    features(proxy, status=4)
    proxy.script("")
    features(proxy, "--dry-run", "--resume")
    features(proxy, "--dry-run")
    assert features(proxy, status=None).returncode == 2, "an unfinished job is there"
    proxy.script("")
    features(proxy, "--resume")
    assert proxy.report()["requests"] < undisturbed[1]
    assert parts(s3, bucket, "o/") == undisturbed[0]


# ---- this machine ----

def test_full_scratch(features, proxied, s3, bucket, tmp_path, undisturbed):
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # write() then fails with EFBIG
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    proxy = proxied()
    done = features(proxy, status=4, preexec_fn=small_files)
    assert "cannot write" in done.stderr and "s3://" in done.stderr and not keys(s3, bucket, "o/")
    features(proxy, "--resume")
    assert parts(s3, bucket, "o/") == undisturbed[0]


def test_interrupted_by_the_user(features, proxied, s3, bucket, tmp_path, undisturbed):
    proxy = proxied("match GET */p/* after 100 -> latency 300")
    env = {**proxy.environment, "POMONA_SCRATCH": str(tmp_path / "scratch")}
    job = subprocess.Popen([POMONA, "features", "s3://many/p", "--out", f"s3://{bucket}/o", "-p", "4", "-q"], env=env,
                           stderr=subprocess.PIPE, text=True)
    while proxy.report()["requests"] < 150:
        time.sleep(0.02)
    job.send_signal(signal.SIGINT)
    start = time.monotonic()
    assert job.wait(20) == 130 and time.monotonic() - start < 3 and "--resume" in job.stderr.read()
    assert not check_success(s3, bucket, "o/")
    features(proxy, "--resume")
    assert parts(s3, bucket, "o/") == undisturbed[0]
