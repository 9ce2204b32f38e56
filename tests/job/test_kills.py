"""kill -9 at every call that changes something on disk, and what is there afterwards."""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

import pytest

from conftest import POMONA, ROOT
from test_features import parts

ALWAYS = ["-q", "--max-errors", "-1"]


@pytest.fixture(scope="module")
def killer(tmp_path_factory):
    """Runs pomona, killed at its k-th change of the disk; without k the number of changes."""
    compiler = shutil.which("cc") or shutil.which("clang")
    if not compiler:
        pytest.skip("no C compiler for tests/job/kill_at.c")
    folder = tmp_path_factory.mktemp("kill_at")
    library, counter = folder / "kill_at.so", folder / "count"
    subprocess.run([compiler, "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", ROOT / "tests/job/kill_at.c", "-o", library, "-ldl"],
                   check=True)

    def run(arguments, k=None):
        environment = dict(os.environ, LD_PRELOAD=str(library), KILL_COUNT=str(counter), **({"KILL_AT": str(k)} if k else {}))
        done = subprocess.run([POMONA, *map(os.fspath, arguments)], env=environment, capture_output=True, text=True, timeout=60)
        if k:
            assert done.returncode == -signal.SIGKILL, f"call {k}: {done.returncode} {done.stderr}"
            return None
        assert done.returncode == 0, done.stderr
        count = int(counter.read_text())
        if not count:
            pytest.skip("the calls of this binary can't be seen from outside (a sanitizer has them)")
        return count

    return run


@pytest.fixture(scope="module")
def corpus(pomona, tmp_path_factory):
    """Photos of two days, one of each day damaged, and the results of the first day."""
    folder = tmp_path_factory.mktemp("kills")
    pomona("sample", "--out", folder / "photos", "--count", "16", "--size", "64", "--classes", "2", "-q")
    (folder / "photos/bad-a.jpg").write_bytes(b"no photo")
    (folder / "photos/bad-b.jpg").write_bytes(b"no photo")
    (folder / "later").mkdir()
    for path in [*sorted((folder / "photos").rglob("*.jpg"))[::2], folder / "photos/bad-b.jpg"]:
        if path.exists():
            target = folder / "later" / path.relative_to(folder / "photos")
            target.parent.mkdir(exist_ok=True)
            shutil.move(path, target)
    pomona("features", folder / "photos", "--out", folder / "day1", "--partitions", "2", *ALWAYS)
    shutil.copytree(folder / "later", folder / "photos", dirs_exist_ok=True)
    return folder


def command(corpus, out, mode):
    """The job under test: from nothing, in place of an old result, or added to it."""
    options = {"new": [], "replace": ["--overwrite"], "add": ["--only-new"]}[mode]
    return ["features", corpus / "photos", "--out", out, "--partitions", "2", *options, *ALWAYS]


def resumed(arguments):
    return [argument for argument in arguments if argument != "--overwrite"] + ["--resume"]


def everything(out):
    return sorted(str(path.relative_to(out)) for path in out.rglob("*"))


def check_never_half(pomona, out):
    """There is never a _SUCCESS whose parts are not all there and right."""
    if not (out / "Results/_SUCCESS").exists():
        assert not (out / "Results").exists() or not list((out / "Results").glob("part-*"))
        return
    found = json.loads(pomona("verify", out, "--json", status=None).stdout)
    wrong = [fault for fault in found["faults"] if fault["kind"] not in ("errors", "moments")]
    assert not wrong, wrong
    if found["faults"]:  # Errors and moments.pom may be ahead, while the commit is under way
        assert (out / "_temporary/commit").exists(), found


def check_kill(pomona, killer, corpus, tmp_path, mode, k, expected, before):
    out, other = tmp_path / "out", tmp_path / "other"
    for folder in out, other:
        shutil.rmtree(folder, ignore_errors=True)
    if before:
        shutil.copytree(corpus / "day1", out)
    arguments = command(corpus, out, mode)
    killer(arguments, k)
    check_never_half(pomona, out)
    if out.exists():
        shutil.copytree(out, other)
    begun = (out / "_temporary").exists() or mode != "replace"
    pomona(*(resumed(arguments) if begun else arguments))
    assert parts(out) == expected and not (out / "_temporary").exists(), f"call {k}"
    pomona("verify", out)
    if not other.exists():
        return
    told = json.loads(pomona("recover", other, "--json").stdout)
    if (other / "_temporary").exists():
        assert told["complete"], told
        pomona("recover", other, "--drop")
    left = everything(other)
    assert not [name for name in left if name.startswith("_temporary") or name.endswith(".tmp")], left
    assert parts(other) in ([before] if before else [{}]) + [expected], f"call {k}: {left}"
    if left:
        pomona("verify", other)
    pomona("recover", other)
    assert everything(other) == left


def expectation(pomona, killer, corpus, tmp_path, mode):
    out = tmp_path / "undisturbed"
    before = None
    if mode != "new":
        shutil.copytree(corpus / "day1", out)
        before = parts(out)
    return killer(command(corpus, out, mode)), parts(out), before


@pytest.mark.parametrize("mode", ["new", "replace", "add"])
def test_kill_at_a_sample_of_calls(pomona, killer, corpus, tmp_path, mode):
    count, expected, before = expectation(pomona, killer, corpus, tmp_path, mode)
    assert count > 40
    sample = sorted({*range(1, count + 1, 9), *range(count - 26, count + 1, 2 if mode == "new" else 1)})
    for k in sample:
        check_kill(pomona, killer, corpus, tmp_path, mode, k, expected, before)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["new", "replace", "add"])
def test_kill_at_every_call(pomona, killer, corpus, tmp_path, mode):
    count, expected, before = expectation(pomona, killer, corpus, tmp_path, mode)
    for k in range(1, count + 1):
        check_kill(pomona, killer, corpus, tmp_path, mode, k, expected, before)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["new", "add"])
def test_kill_at_random_moments(pomona, corpus, tmp_path, mode):
    """The same job killed again and again, each time going on, until it ends; 100 kills in all for each mode."""
    chance, kills, runs = random.Random(mode), 0, 0
    pomona("sample", "--out", tmp_path / "many", "--count", "1500", "--size", "96", "--classes", "3", "-q")
    first = tmp_path / "first"
    pomona("features", tmp_path / "many", "--out", first, "--limit", "500", *ALWAYS)
    arguments = ["features", tmp_path / "many", "--partitions", "5", *ALWAYS] + (["--only-new"] if mode == "add" else [])
    whole = tmp_path / "whole"
    if mode == "add":
        shutil.copytree(first, whole)
    begun = time.time()
    pomona(*arguments, "--out", whole)
    seconds = time.time() - begun
    expected = parts(whole)
    while kills < 100:
        runs += 1
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        if mode == "add":
            shutil.copytree(first, out)
        for _ in range(10):
            job = subprocess.Popen([POMONA, *map(os.fspath, arguments), "--out", out, "--resume"], stderr=subprocess.DEVNULL)
            time.sleep(seconds * chance.random() * 0.7)
            job.send_signal(signal.SIGKILL)
            code = job.wait()
            assert code in (0, -signal.SIGKILL)
            kills += code != 0
            check_never_half(pomona, out)
            if code == 0:
                break
        pomona(*arguments, "--out", out, "--resume")
        assert parts(out) == expected and not (out / "_temporary").exists()
    assert runs > 3
