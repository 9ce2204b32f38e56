"""Photos read from S3 and results written there are those of a disk; each is looked at through boto3."""
import csv
import functools
import http.server
import json
import os
import shutil
import threading
import time

import pandas as pd
import pytest

from s3_help import check_success, check_tidy, keys, parts, read, rows, upload, uploads


@pytest.fixture(scope="module")
def few(photos, tmp_path_factory):
    """40 photos of 4 labels."""
    folder = tmp_path_factory.mktemp("few") / "photos"
    for label in sorted(os.listdir(photos))[:5]:
        if not (photos / label).is_dir():
            continue
        (folder / label).mkdir(parents=True)
        for path in sorted((photos / label).iterdir())[:10]:
            shutil.copy(path, folder / label)
    return folder


@pytest.fixture(scope="module")
def local(pomona, few, tmp_path_factory):
    """What a disk has: features, a model, a head's answers."""
    base = tmp_path_factory.mktemp("local")
    pomona("features", few, "--out", base / "o", "--partitions", "3", "-q")
    pomona("train", base / "o", "--out", base / "m.onnx", "-q")
    return base


@pytest.fixture
def run(pomona, s3_environment, tmp_path):
    """pomona with the server's environment and its own scratch."""
    return functools.partial(pomona, env={**s3_environment, "POMONA_SCRATCH": str(tmp_path / "scratch")})


@pytest.fixture
def corpus(s3, bucket, few):
    upload(s3, bucket, few, "p/")
    return f"s3://{bucket}/p"


def local_rows(folder, source, uri):
    """Rows of a local result with the paths of another source."""
    table = pd.read_parquet(folder / "Results")
    table["path"] = table.path.str.replace(f"file:{source}", uri, regex=False)
    return table.set_index("path").sort_index()


# ---- the same answer as on a disk ----

def test_features_from_and_to(run, s3, bucket, corpus, few, local, tmp_path):
    run("features", corpus, "--out", f"s3://{bucket}/both", "--partitions", "3", "-q")
    run("features", corpus, "--out", tmp_path / "here", "--partitions", "3", "-q")
    run("features", few, "--out", f"s3://{bucket}/there", "--partitions", "3", "-q")
    expected = local_rows(local / "o", few, corpus)
    pd.testing.assert_frame_equal(rows(s3, bucket, "both/Results/"), expected)
    pd.testing.assert_frame_equal(local_rows(tmp_path / "here", "nowhere", ""), expected)
    assert parts(s3, bucket, "there/") == {
        os.path.relpath(path, local / "o"): path.read_bytes() for path in (local / "o").rglob("*")
        if path.is_file() and path.name != "run.json"}
    assert read(s3, bucket, "both/moments.pom") == (tmp_path / "here/moments.pom").read_bytes()
    assert check_success(s3, bucket, "both/") and check_success(s3, bucket, "there/")
    check_tidy(s3, bucket, tmp_path / "scratch")


def test_run_with_report(run, s3, bucket, corpus, few, tmp_path):
    run("run", corpus, "--out", f"s3://{bucket}/r", "-q")
    run("run", few, "--out", tmp_path / "r", "-q")
    here = {os.path.relpath(path, tmp_path / "r") for path in (tmp_path / "r").rglob("*") if path.is_file()}
    without_jobs = functools.partial(map, lambda name: name.split("-c000")[0][:len("Results/part-00000")])
    assert sorted(without_jobs(key[2:] for key in keys(s3, bucket, "r/"))) == sorted(without_jobs(here))
    remote, disk = read(s3, bucket, "r/report.html").decode(), (tmp_path / "r/report.html").read_text()
    assert disk.count("data:image") > 0 and remote.count("data:image") == disk.count("data:image")
    # Its later steps read what its first one wrote, also where that lies in the bucket alone.
    before = keys(s3, bucket, "r/")
    run("run", corpus, "--out", f"s3://{bucket}/r", "--resume", "-q")
    assert keys(s3, bucket, "r/").keys() == before.keys() and check_success(s3, bucket, "r/")
    check_tidy(s3, bucket, tmp_path / "scratch")


def test_tables_and_models(run, s3, bucket, few, local, tmp_path):
    upload(s3, bucket, local / "o", "o/")
    upload(s3, bucket, few, "p/")
    base = f"s3://{bucket}"
    for command in (["moments", "info", "{}/o/moments.pom"], ["labels", "{}/m.onnx"], ["model", "info", "{}/m.onnx"],
                    ["verify", "{}/o"]):
        if command[0] == "labels":
            run("train", f"{base}/o", "--out", f"{base}/m.onnx", "-q")
            assert read(s3, bucket, "m.onnx") == (local / "m.onnx").read_bytes()
        there = run(command[0], *(word.format(base) for word in command[1:]))
        here = run(command[0], *(word.format(local) for word in command[1:]))
        assert there.stdout.replace(base, str(local)) == here.stdout
    diff = json.loads(run("diff", f"{base}/o/Results", local / "o/Results", "--json").stdout)
    assert diff["same"] and diff["identical"] == diff["rows_a"]
    run("pca", f"{base}/o", "--out", f"{base}/pca", "-q")
    run("pca", local / "o", "--out", tmp_path / "pca", "-q")
    assert {name.split("-")[0] for name in parts(s3, bucket, "pca/")} == {
        os.path.relpath(path, tmp_path / "pca").split("-")[0] for path in (tmp_path / "pca").rglob("*")
        if path.is_file() and path.name != "run.json"}
    run("labels", "rename", f"{base}/m.onnx", "apricot", "abricot", "--out", f"{base}/renamed.onnx")
    assert "abricot" in run("labels", f"{base}/renamed.onnx").stdout
    for command in ("--json", "--csv"):
        there = run("predict", f"{base}/p", "--model", f"{base}/m.onnx", command, "-q").stdout
        assert there.replace(f"{base}/p", str(few)).replace("file:", "") == run(
            "predict", few, "--model", local / "m.onnx", command, "-q").stdout.replace("file:", "")
    run("predict", few, "--model", local / "m.onnx", "--csv", "--out", f"{base}/answers.csv", "-q")
    run("predict", few, "--model", local / "m.onnx", "--csv", "--out", tmp_path / "answers.csv", "-q")
    assert read(s3, bucket, "answers.csv") == (tmp_path / "answers.csv").read_bytes()
    done = run("predict", few, "--model", local / "m.onnx", "--csv", "--out", f"{base}/answers.csv", "-q", status=2)
    assert "overwrite replaces it" in done.stderr and read(s3, bucket, "answers.csv") == (tmp_path / "answers.csv").read_bytes()
    results = []
    for number, source in enumerate((f"{base}/o", f"{base}/p", local / "o", few)):
        out = f"{base}/e{number}"
        results.append(json.loads(run("evaluate", source, "--model", f"{base}/m.onnx", "--out", out, "--json", "-q").stdout))
        assert f"e{number}/report.html" in keys(s3, bucket, f"e{number}/")
    assert len({json.dumps([result["top1"], result["log_loss"]]) for result in results}) == 1, results
    check_tidy(s3, bucket, tmp_path / "scratch")


def test_quantize_and_compare(run, s3, bucket, corpus, few, tmp_path):
    base = f"s3://{bucket}"
    run("quantize", "--calibrate", corpus, "--photos", "10", "--out", f"{base}/q.onnx", "-q")
    run("quantize", "--calibrate", few, "--photos", "10", "--out", tmp_path / "q.onnx", "-q")
    assert read(s3, bucket, "q.onnx") == (tmp_path / "q.onnx").read_bytes()
    run("features", corpus, "--out", f"{base}/o", "-q")
    run("train", f"{base}/o", "--out", f"{base}/m.onnx", "-q")
    run("compare", f"{base}/m.onnx", "--on", corpus, "--out", f"{base}/c", "--limit", "10", "--rounds", "1", "-q")
    assert keys(s3, bucket, "c/")
    check_tidy(s3, bucket, tmp_path / "scratch")


def test_sample_to_s3(run, s3, bucket, tmp_path):
    run("sample", "--out", f"s3://{bucket}/s", "--count", "12", "--classes", "3", "-q")
    run("sample", "--out", tmp_path / "s", "--count", "12", "--classes", "3", "-q")
    assert parts(s3, bucket, "s/") == {os.path.relpath(path, tmp_path / "s"): path.read_bytes()
                                       for path in (tmp_path / "s").rglob("*") if path.is_file()}


def test_manifest_and_labels(run, s3, bucket, corpus, few, tmp_path):
    names = sorted(os.path.relpath(path, few) for path in few.rglob("*.jpg"))[:7]
    manifest, labels = "path\n" + "".join(f"{name}\n" for name in names), "path,label\n" + "".join(f"{name},x\n" for name in names)
    s3.put_object(Bucket=bucket, Key="list.csv", Body=manifest.encode())
    s3.put_object(Bucket=bucket, Key="labels.csv", Body=labels.encode())
    run("features", corpus, "--manifest", f"s3://{bucket}/list.csv", "--labels", f"s3://{bucket}/labels.csv",
        "--out", f"s3://{bucket}/o", "-q")
    table = rows(s3, bucket, "o/Results/")
    assert list(table.index) == [f"{corpus}/{name}" for name in names] and set(table.label) == {"x"}


def test_adding(run, s3, bucket, corpus, few, tmp_path):
    """--only-new, --retry-failed and --since, and each a result like one made at once."""
    out = f"s3://{bucket}/o"
    s3.put_object(Bucket=bucket, Key="p/bad.jpg", Body=b"")
    run("features", corpus, "--out", out, "--limit", "20", "-q", status=None)
    before = parts(s3, bucket, "o/")
    run("features", corpus, "--out", out, "--only-new", "-q", status=None)
    after = parts(s3, bucket, "o/")
    assert all(after[name] == data for name, data in before.items() if "/part-" in name and "Errors" not in name)
    table = rows(s3, bucket, "o/Results/")
    assert len(table) == len(list(few.rglob("*.jpg"))) and len(rows(s3, bucket, "o/Errors/")) == 1
    s3.put_object(Bucket=bucket, Key="p/bad.jpg", Body=next(few.rglob("*.jpg")).read_bytes())
    run("features", corpus, "--out", out, "--retry-failed", "-q")
    assert len(rows(s3, bucket, "o/Results/")) == len(table) + 1
    assert not [key for key in keys(s3, bucket, "o/Errors/") if key.endswith(".parquet")]
    assert check_success(s3, bucket, "o/")
    time.sleep(1.1)
    now = int(time.time())
    s3.put_object(Bucket=bucket, Key="p/late.jpg", Body=next(few.rglob("*.jpg")).read_bytes())
    run("features", corpus, "--out", f"s3://{bucket}/late", "--since", f"@{now}", "-q")
    assert list(rows(s3, bucket, "late/Results/").index) == [f"{corpus}/late.jpg"]
    check_tidy(s3, bucket, tmp_path / "scratch")


def test_dry_run_writes_nothing(run, s3, bucket, corpus, proxied, tmp_path):
    proxy = proxied()
    env = {**proxy.environment, "POMONA_SCRATCH": str(tmp_path / "scratch")}
    before = keys(s3, bucket)
    run("features", corpus, "--out", f"s3://{bucket}/o", "--dry-run", env=env)
    methods = proxy.report()["methods"]
    assert keys(s3, bucket) == before and methods["PUT"] == methods["POST"] == methods["DELETE"] == 0
    check_tidy(s3, bucket, tmp_path / "scratch")


def test_existing_results_are_refused_then_replaced(run, s3, bucket, corpus, tmp_path):
    out = f"s3://{bucket}/o"
    s3.put_object(Bucket=bucket, Key="p/bad.jpg", Body=b"")
    s3.put_object(Bucket=bucket, Key="o/notes.txt", Body=b"mine")
    run("features", corpus, "--out", out, "-p", "7", "-q", status=3)
    before = {key: read(s3, bucket, key) for key in keys(s3, bucket, "o/")}
    assert any("Errors/part" in key for key in before)
    done = run("features", corpus, "--out", out, "-q", status=2)
    assert "--overwrite" in done.stderr and {key: read(s3, bucket, key) for key in keys(s3, bucket, "o/")} == before
    s3.delete_object(Bucket=bucket, Key="p/bad.jpg")
    run("features", corpus, "--out", out, "-p", "2", "--overwrite", "-q")
    now = keys(s3, bucket, "o/")
    assert len([key for key in now if "Results/part" in key]) == 2 and not [key for key in now if "Errors" in key]
    assert read(s3, bucket, "o/notes.txt") == b"mine" and check_success(s3, bucket, "o/")
    assert "already" in run("features", corpus, "--out", out, "-p", "2", "--resume").stdout
    check_tidy(s3, bucket, tmp_path / "scratch")


# ---- the web ----

def test_a_photo_of_the_web(run, few, local):
    photo = next(few.rglob("*.jpg"))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(photo.parent))
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{photo.name}"
        there = json.loads(run("predict", url, "--model", local / "m.onnx", "--json", "-q").stdout)
        missing = run("predict", url + "x", "--model", local / "m.onnx", "-q", status=None)
        server.shutdown()
    here = json.loads(run("predict", photo, "--model", local / "m.onnx", "--json", "-q").stdout)
    assert there.pop("path") == url and here.pop("path") and there == here
    assert missing.returncode == 2 and "404" in missing.stderr


# ---- names ----

def test_odd_keys(run, s3, bucket, few, tmp_path):
    names = ["two words.jpg", "per%cent.jpg", "a%20b.jpg", "plus+plus.jpg", "é🍎.jpg", "new\nline.jpg", "q?a=b&c#d.jpg", "semi;'\"<x>.jpg",
             "comma,x.jpg", "~tilde!*().jpg", "back\\slash.jpg"]
    data = [path.read_bytes() for path in sorted(few.rglob("*.jpg"))][:len(names)]
    for name, content in zip(names, data):
        s3.put_object(Bucket=bucket, Key=f"o dd/l é/{name}", Body=content)
    run("features", f"s3://{bucket}/o dd", "--out", f"s3://{bucket}/out put+é", "-q")
    table = rows(s3, bucket, "out put+é/Results/")
    assert len(table) == len(names) and set(table.label) == {"l é"}
    for name, content in zip(names, data):
        (tmp_path / "one").mkdir(exist_ok=True)
        (tmp_path / "one/x.jpg").write_bytes(content)
    # Each row is its own photo's.
    folder = tmp_path / "all"
    folder.mkdir()
    for number, content in enumerate(data):
        (folder / f"{number:02d}.jpg").write_bytes(content)
    run("features", folder, "--out", tmp_path / "ref", "-q")
    reference = list(pd.read_parquet(tmp_path / "ref/Results").sort_values("path").features)
    for name, features in zip(names, reference):
        assert (table.features[f"s3://{bucket}/o dd/l é/{name}"] == features).all(), name


class Raw(http.server.BaseHTTPRequestHandler):
    """A bucket with one key that no file system can have."""
    protocol_version = "HTTP/1.1"
    key = "p/../x/./a..b/y.jpg"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.seen.append((self.command, self.path))
        body = self.server.photo
        if "list-type=2" in self.path:
            body = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET


def test_keys_with_dots(run, few, local, s3_environment):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Raw) as server:
        server.seen, server.photo = [], next(few.rglob("*.jpg")).read_bytes()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        run("predict", f"s3://abc/{Raw.key}", "--model", local / "m.onnx", "-q",
            env={**s3_environment, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"})
        server.shutdown()
    assert {("HEAD", f"/abc/{Raw.key}"), ("GET", f"/abc/{Raw.key}")} <= set(server.seen)


# ---- what is not there ----

def test_empty_and_missing(run, s3, bucket, few, local, tmp_path):
    for source, words in ((f"s3://{bucket}", "empty"), (f"s3://{bucket}/nothing", ""), ("s3://no-such-bucket", "NoSuchBucket"),
                          (f"s3://{bucket}/nothing/x.jpg", "")):
        done = run("features", source, "--out", tmp_path / "o", "-q", status=2)
        assert words in done.stderr and done.stderr.count("\n") == 1 and not (tmp_path / "o").exists()
    done = run("features", few, "--out", "s3://no-such-bucket/o", "-q", status=2)
    assert "NoSuchBucket" in done.stderr
    done = run("predict", few, "--model", f"s3://{bucket}/m.onnx", "-q", status=2)
    assert "m.onnx" in done.stderr


def test_an_object_of_no_bytes(run, s3, bucket, corpus):
    s3.put_object(Bucket=bucket, Key="p/zero.jpg", Body=b"")
    run("features", corpus, "--out", f"s3://{bucket}/o", "-q", status=3)
    errors = rows(s3, bucket, "o/Errors/")
    assert list(errors.index) == [f"{corpus}/zero.jpg"] and errors.reason.iloc[0]


def test_no_credentials(run, s3_environment, tmp_path):
    for disabled in ("true", "false"):
        env = {name: value for name, value in s3_environment.items() if "ACCESS_KEY" not in name}
        start = time.monotonic()
        done = run("features", "s3://some-bucket/p", "--out", tmp_path / "o", "-q", status=2,
                   env={**env, "AWS_EC2_METADATA_DISABLED": disabled})
        assert time.monotonic() - start < 5 and done.stderr.count("\n") == 1
        assert "AWS_ACCESS_KEY_ID" in done.stderr and "no-credentials" in done.stderr and "instance" in done.stderr


def test_wrong_secret_stops_the_job(run, s3, s3_environment, bucket, corpus, tmp_path):
    """Also where nothing is listed: a list of photos, none of which may be read."""
    env = {**s3_environment, "AWS_SECRET_ACCESS_KEY": "wrong"}
    done = run("features", corpus, "--out", tmp_path / "o", "-q", env=env, status=2)
    assert "SignatureDoesNotMatch" in done.stderr
    with open(tmp_path / "list.csv", "w") as file:
        csv.writer(file).writerows([["path"], *([key] for key in keys(s3, bucket, "p/") if key.endswith(".jpg"))])
    done = run("features", f"s3://{bucket}", "--manifest", tmp_path / "list.csv", "--out", tmp_path / "o", "-q", env=env, status=2)
    assert "SignatureDoesNotMatch" in done.stderr and not (tmp_path / "o/Results").exists()


# ---- two jobs ----

def test_two_jobs_in_one_destination(run, s3, bucket, corpus, tmp_path):
    s3.put_object(Bucket=bucket, Key="o/_temporary/lock", Body=json.dumps(
        {"token": "0" * 32, "host": "elsewhere", "process": 77, "renewed": 0}).encode())
    for words in (), ("--overwrite",), ("--resume",):
        done = run("features", corpus, "--out", f"s3://{bucket}/o", "-q", *words, status=2)
        assert "another job" in done.stderr and "77" in done.stderr and "elsewhere" in done.stderr
    assert set(keys(s3, bucket, "o/")) == {"o/_temporary/lock"}
    s3.delete_object(Bucket=bucket, Key="o/_temporary/lock")
    run("features", corpus, "--out", f"s3://{bucket}/o", "-q")
    check_tidy(s3, bucket, tmp_path / "none")


def test_a_lock_that_was_lost(pomona, s3, bucket, corpus, proxied, tmp_path):
    """A job that slept for too long stops before its commit, and leaves the lock to who has it now."""
    proxy = proxied("match GET */p/* -> latency 1500")
    other = json.dumps({"token": "0" * 32, "host": "elsewhere", "process": 77, "renewed": 0}).encode()

    def take_over():
        while not proxy.report()["rules"][0]["matched"]:
            time.sleep(0.01)
        s3.put_object(Bucket=bucket, Key="o/_temporary/lock", Body=other)
    thread = threading.Thread(target=take_over)
    thread.start()
    done = pomona("features", corpus, "--out", f"s3://{bucket}/o", "-q", status=2,
                  env={**proxy.environment, "POMONA_SCRATCH": str(tmp_path / "scratch")})
    thread.join()
    assert "another job" in done.stderr and set(keys(s3, bucket, "o/")) == {"o/_temporary/lock"}
    assert read(s3, bucket, "o/_temporary/lock") == other


def test_a_lock_without_a_sign_of_life(run, s3, s3_server, bucket, corpus, tmp_path):
    """Its age is by the server's Last-Modified, which of versitygw is the time of the file."""
    s3.put_object(Bucket=bucket, Key="o/_temporary/lock", Body=json.dumps(
        {"token": "0" * 32, "host": "elsewhere", "process": 77, "renewed": 0}).encode())
    lock = s3_server.buckets / bucket / "o/_temporary/lock"
    for age, status in (100, 2), (200, 0):
        os.utime(lock, (time.time() - age,) * 2)
        run("features", corpus, "--out", f"s3://{bucket}/o", "-q", status=status)
    assert check_success(s3, bucket, "o/") and not uploads(s3, bucket)
    check_tidy(s3, bucket, tmp_path / "none", "o/")
