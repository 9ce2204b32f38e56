"""pomona verify and pomona recover."""
import fcntl
import json
import resource
import shutil
import signal
import subprocess
import time

import pandas as pd
import pytest

from conftest import POMONA
from test_features import parts


@pytest.fixture(scope="module")
def result(pomona, photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("maintenance")
    shutil.copytree(photos, folder / "photos")
    (folder / "photos/bad.jpg").write_bytes(b"no photo")
    pomona("run", folder / "photos", "--out", folder / "out", "-q", "--partitions", "3", "--max-errors", "-1")
    return folder


@pytest.fixture
def out(result, tmp_path):
    shutil.copytree(result / "out", tmp_path / "out")
    return tmp_path / "out"


def faults(pomona, out, status=2):
    return {fault["kind"] for fault in json.loads(pomona("verify", out, "--json", status=status).stdout)["faults"]}


def test_a_whole_result(pomona, out):
    assert "3 parts, 120 rows, 1 errors" in pomona("verify", out).stdout
    found = json.loads(pomona("verify", out, "--json").stdout)
    assert found["whole"] and not found["faults"] and found["rows"] == 120 and not found["interrupted"]


def test_every_fault_is_told(pomona, photos, out, tmp_path):
    first, second, third = sorted((out / "Results").glob("part-*"))
    content = first.read_bytes()

    def damaged(path, change):
        before = path.read_bytes()
        change(path, before)
        kinds = faults(pomona, out)
        path.write_bytes(before)
        return kinds
    assert damaged(first, lambda path, _: path.unlink()) == {"missing"}
    assert damaged(first, lambda path, before: path.write_bytes(before[:-1])) == {"bytes"}
    assert damaged(first, lambda path, before: path.write_bytes(before[:100] + bytes([before[100] ^ 1]) + before[101:])) == {"sha256"}
    assert damaged(out / "moments.pom", lambda path, before: path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))) == {"moments"}
    assert damaged(out / "moments.pom", lambda path, _: path.unlink()) == {"moments"}
    (tmp_path / "m").mkdir()
    pomona("features", photos, "--out", tmp_path / "m/o", "-q", "--limit", "50")
    assert damaged(out / "moments.pom", lambda path, _: shutil.copy(tmp_path / "m/o/moments.pom", path)) == {"moments"}
    success = out / "Results/_SUCCESS"

    def told(**changes):
        text = json.loads(success.read_text())
        part = text["parts"][0] | changes
        return damaged(success, lambda path, _: path.write_text(json.dumps(text | {"parts": [part] + text["parts"][1:]})))
    assert told(rows=7) == {"rows"}
    text = success.read_text()
    assert damaged(success, lambda path, _: path.write_text(text.replace(json.loads(text)["feature_space"], "f" * 64))) == \
        {"feature_space", "moments"}
    assert damaged(success, lambda path, _: path.write_text(text.replace('"errors": 1', '"errors": 2'))) == {"errors"}
    shutil.copy(first, out / "Results/more.parquet")
    done = pomona("verify", out, status=2)
    assert "more.parquet: _SUCCESS does not name it" in done.stdout and "1 faults" in done.stderr
    (out / "Results/more.parquet").unlink()
    assert first.read_bytes() == content
    pomona("verify", out)
    assert "_SUCCESS" in pomona("verify", tmp_path, status=2).stderr
    success.write_text("{}")
    assert "did not write this" in pomona("verify", out, status=2).stderr


def small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))


def interrupted(pomona, result, out):
    """DST with a job that was killed in the middle of its photos."""
    done = pomona("features", result / "photos", "--out", out, "--overwrite", "--partitions", "2", "-q", "--max-errors", "-1",
                  status=None, preexec_fn=small_files)
    assert done.returncode != 0 and (out / "_temporary/job").exists()


def test_recover_removes_an_interrupted_job(pomona, result, out):
    before = parts(out)
    interrupted(pomona, result, out)
    there = parts(out)
    told = json.loads(pomona("recover", out, "--dry-run", "--json").stdout)
    assert told["interrupted"] and not told["complete"] and told["photos"] == 121 and told["parts"] == 2 and parts(out) == there
    assert 0 < told["photos_done"] < 121 and len(told["job"]) == 36
    done = pomona("recover", out)
    assert "_temporary: an interrupted job" in done.stdout and "of 121 photos were done" in done.stdout
    assert parts(out) == before and not (out / "_temporary").exists()
    assert "clean" in pomona("recover", out).stdout


def test_recover_keeps_a_job_that_only_had_to_commit(pomona, result, out):
    before = parts(out)
    staging = out / "_temporary"
    arguments = ["features", result / "photos", "--out", out, "--partitions", "3", "-q", "--max-errors", "-1"]
    job = subprocess.Popen([POMONA, *map(str, arguments), "--overwrite"])
    while job.poll() is None and not (staging / "done-00002").exists():
        time.sleep(0.0005)
    job.send_signal(signal.SIGKILL)
    job.wait()
    if not (staging / "job").exists() or (staging / "commit").exists() or not (staging / "done-00002").exists():
        pytest.skip("the machine was too fast")
    told = json.loads(pomona("recover", out, "--json").stdout)
    assert told["complete"] and staging.exists() and "--drop" in told["items"][0]["reason"]
    pomona("recover", out, "--drop", "-n")
    assert staging.exists()
    pomona("recover", out, "--drop")
    assert not staging.exists() and parts(out) == before


def test_recover_leaves_a_job_at_work_alone(pomona, result, out):
    interrupted(pomona, result, out)
    there = parts(out)
    with open(out / "_temporary/lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another job" in pomona("recover", out, status=2).stderr
    assert parts(out) == there


def test_recover_touches_only_what_pomona_made(pomona, result, out, tmp_path):
    before = parts(out)
    part = sorted((out / "Results").glob("part-*"))[0]
    uuid = "00000000-0000-8000-8000-000000000000"
    ours = [out / f"Results/part-00009-{uuid}-c000.snappy.parquet", out / f"Results/part-00009-{uuid}-c000.snappy.parquet.tmp",
            out / "Results/_SUCCESS.tmp", out / "moments.pom.tmp", out / "report.html.tmp"]
    spark = out / f"Results/part-00008-{uuid}-c000.snappy.parquet"
    pd.DataFrame({"path": ["x"]}).to_parquet(spark)
    others = [spark, out / "Results/notes.txt", out / "notes.tmp", out / "Results/x.tmp", out / "_temporary_pca/mine", out / "_temporary/0/x"]
    shutil.copy(part, ours[0])
    for path in ours[1:]:
        path.write_bytes(b"half")
    for path in others[1:]:
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"mine")
    (out / "_temporary_pca/lock").touch()
    (out / "_temporary_pca/pca.model").write_bytes(b"half")
    told = pomona("recover", out).stdout
    assert not [path for path in ours if path.exists()] and all(path.exists() for path in others), told
    assert not (out / "_temporary_pca/pca.model").exists() and "mine: pomona did not make it" in told
    for path in others:
        path.unlink()
    assert {name: content for name, content in parts(out).items()} == before
    assert "No such file" in pomona("recover", tmp_path / "nowhere", status=2).stderr
