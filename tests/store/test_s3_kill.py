"""kill -9 of a job from S3 to S3, and then --resume: the same bytes as undisturbed, nothing left over, and never a _SUCCESS on less
than all of its parts."""
import os
import random
import signal
import subprocess
import time

import pytest

from conftest import POMONA
from s3_help import check_success, check_tidy, keys, parts, read, upload

COUNT, PARTS = 120, 4


@pytest.fixture(scope="module")
def undisturbed(pomona, photos, s3_server, tmp_path_factory):
    """The photos' bucket, and what an undisturbed job makes of them."""
    base, s3 = tmp_path_factory.mktemp("undisturbed"), s3_server.client()
    s3.create_bucket(Bucket="kill-photos")
    upload(s3, "kill-photos", photos, "p/")
    s3.put_object(Bucket="kill-photos", Key="p/bad.jpg", Body=b"no photo")  # so that there is an Errors/ too
    start = time.monotonic()
    pomona("features", "s3://kill-photos/p", "--out", "s3://kill-photos/o", "-p", str(PARTS), "-q", status=3,
           env={**s3_server.environment(base), "POMONA_SCRATCH": str(base / "scratch")})
    return parts(s3, "kill-photos", "o/"), time.monotonic() - start


@pytest.fixture
def job(pomona, bucket, tmp_path):
    """job.start(proxy) runs it beside the test; job.resume(proxy) ends it."""
    class Job:
        scratch = tmp_path / "scratch"
        words = ["features", "s3://kill-photos/p", "--out", f"s3://{bucket}/o", "-p", str(PARTS), "-q"]

        def environment(self, server):
            return {**server, "POMONA_SCRATCH": str(self.scratch)}

        def start(self, server, *more):
            return subprocess.Popen([POMONA, *self.words, *more], env=self.environment(server), stderr=subprocess.DEVNULL)

        def resume(self, server, word="--resume"):
            return pomona(*self.words, word, env=self.environment(server), status=None)

    return Job()


def check_end(s3, bucket, job, done, expected):
    assert done.returncode in (0, 3), done.stderr
    assert check_success(s3, bucket, "o/")
    assert parts(s3, bucket, "o/") == expected
    check_tidy(s3, bucket, job.scratch, "o/")


def moments(config_long, seconds):
    """Where to kill: even over the time of the job, the same in every run of the test."""
    count = 200 if config_long else 12
    rng = random.Random(count)
    return [(n + rng.random()) / count * seconds * 1.1 for n in range(count)]


def test_killed_at_any_moment(request, s3, s3_environment, s3_server, job, undisturbed):
    killed = 0
    for number, moment in enumerate(moments(request.config.getoption("--long"), undisturbed[1])):
        bucket = f"kill-{number}"
        s3.create_bucket(Bucket=bucket)
        job.words[3] = f"s3://{bucket}/o"
        process = job.start(s3_environment)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        check_success(s3, bucket, "o/")
        check_end(s3, bucket, job, job.resume(s3_environment), undisturbed[0])
    assert killed > 6


def writes(proxy):
    methods = proxy.report()["methods"]
    return methods["PUT"] + methods["POST"] + methods["DELETE"]


def kill_at(process, proxy, rule):
    """Waits until a request stalls, and kills who asked. False: the job ended before."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if proxy.report()["faults"]["stall"]:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    raise AssertionError(f"{rule}: neither a stall nor an end")


@pytest.mark.parametrize("fault", ["stall", "done stall"], ids=["unheard", "carried-out"])
def test_killed_at_each_request_that_writes(s3, bucket, job, proxied, undisturbed, fault):
    """At the k-th PUT, POST or DELETE, which the server hears of or not; each time an --overwrite of an older result, so that all steps of a
    commit are there."""
    proxy = proxied()
    server = proxy.environment
    old = ["features", "s3://kill-photos/p", "--out", f"s3://{bucket}/o", "-p", "2", "--limit", "10", "-q"]
    steps = 0
    for k in range(200):
        proxy.script("")
        subprocess.run([POMONA, *old, "--overwrite"], env=job.environment(server), check=False)
        assert check_success(s3, bucket, "o/")
        # Nothing but writes is counted by this rule; what reads passes before it.
        rule = f"match GET * -> pass\nmatch HEAD * -> pass\nmatch * * after {k} -> {fault}"
        proxy.script(rule)
        process = job.start(server, "--overwrite")
        if not kill_at(process, proxy, rule):
            break
        steps += 1
        proxy.script("")
        whole = check_success(s3, bucket, "o/")
        done = job.resume(server)
        if done.returncode == 2:  # killed before it had a scratch to go on from: the old result is untouched
            assert "--overwrite" in done.stderr and whole and steps < 4
            done = job.resume(server, "--overwrite")
        check_end(s3, bucket, job, done, undisturbed[0])
    assert steps > 4 + 3 * PARTS, steps  # lock, uploads of each part, the commit's steps, the end


def test_the_parts_survive_a_kill_before_the_commit(s3, bucket, job, proxied, undisturbed):
    """What was staged is used, not sent again."""
    proxy = proxied("match POST *uploadId* -> stall")
    process = job.start(proxy.environment)
    assert kill_at(process, proxy, "complete")
    assert not check_success(s3, bucket, "o/") and not [key for key in keys(s3, bucket, "o/") if "Results/part-" in key]
    proxy.script("match PUT *partNumber* -> pass")
    done = job.resume(proxy.environment)
    assert proxy.report()["rules"][0]["matched"] == 0
    check_end(s3, bucket, job, done, undisturbed[0])


def completed(s3, bucket):
    return [key for key in keys(s3, bucket, "o/") if "Results/part-" in key]


def test_parts_are_completed_side_by_side(s3, bucket, job, proxied, undisturbed):
    """One that hangs keeps none of the others, and only `_SUCCESS` waits for it."""
    proxy = proxied("match POST */part-00000*uploadId* -> stall")
    process = job.start(proxy.environment)
    until = time.monotonic() + 60
    while len(completed(s3, bucket)) < PARTS - 1 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(completed(s3, bucket)) == PARTS - 1 and process.poll() is None
    assert not check_success(s3, bucket, "o/")
    process.send_signal(signal.SIGKILL)
    process.wait()
    proxy.script("")
    check_end(s3, bucket, job, job.resume(proxy.environment), undisturbed[0])


@pytest.mark.parametrize("mend", ["resume", "recover"])
def test_one_part_that_is_refused(s3, bucket, job, proxied, pomona, undisturbed, mend):
    proxy = proxied("match POST */part-00002*uploadId* -> status 403 AccessDenied")
    environment = job.environment(proxy.environment)
    failed = pomona(*job.words, env=environment, status=2)
    assert "AccessDenied" in failed.stderr and "part-00002" in failed.stderr
    assert not check_success(s3, bucket, "o/") and len(completed(s3, bucket)) < PARTS
    proxy.script("")
    if mend == "recover":
        pomona("recover", f"s3://{bucket}/o", env=environment)
        assert not check_success(s3, bucket, "o/")
    check_end(s3, bucket, job, job.resume(proxy.environment), undisturbed[0])


def test_another_machine_begins_again(s3, s3_server, bucket, job, proxied, undisturbed, tmp_path):
    """Its scratch is empty: it waits for the dead job's lock to be old, and the dead job's uploads go."""
    proxy = proxied("match POST *uploadId* -> stall")
    assert kill_at(job.start(proxy.environment), proxy, "complete")
    proxy.script("")
    job.scratch = tmp_path / "elsewhere"
    for word in "--resume", "--overwrite":
        done = job.resume(proxy.environment, word)
        assert done.returncode == 2 and "another job" in done.stderr
    lock = s3_server.buckets / bucket / "o/_temporary/lock"
    os.utime(lock, (time.time() - 200,) * 2)
    check_end(s3, bucket, job, job.resume(proxy.environment, "--overwrite"), undisturbed[0])
