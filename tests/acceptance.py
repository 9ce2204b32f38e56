#!/usr/bin/env python3
"""What pomona promises of S3, seen as a stranger would see it: a corpus goes to a bucket, features and components are made there over a slow and
faulty network, a job is killed and goes on, another is given up, photos are packed and read from the pack, results are checked and erased. One line
for each promise; the first that is not kept ends the run.

usage: acceptance.py [--photos 1000] [--keep FOLDER]        (./dev acceptance; needs tests/requirements-cluster.txt)

POMONA and VERSITYGW name the binary and the S3 server, as for the tests. Everything lies in a temporary folder."""
import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pyarrow.dataset

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from loopback import POMONA, FaultProxy, S3Server  # noqa: E402
from s3_help import keys, read, uploads  # noqa: E402

LATENCY = 20  # ms of each answer
# Five of a hundred requests go wrong: refused, cut, damaged, reset; of the answers that say what was written some are lost.
FAULTS = f"""default latency {LATENCY}
match GET *.jpg rate 0.01 seed 1 -> latency {LATENCY} cut 1000
match GET *.jpg rate 0.01 seed 2 -> latency {LATENCY} corrupt
match PUT * rate 0.03 seed 3 -> latency {LATENCY} done reset
match * * rate 0.02 seed 4 -> latency {LATENCY} status 503 SlowDown
match * * rate 0.01 seed 5 -> latency {LATENCY} status 500 InternalError
match * * rate 0.01 seed 6 -> latency {LATENCY} reset
"""
VOLATILE = ("run.json", "report.html")  # they tell of seconds


class Untrue(Exception):
    """A promise that is not kept."""


def require(condition, words):
    if not condition:
        raise Untrue(words)


class Acceptance:
    def __init__(self, folder, photos, server, proxy):
        self.folder, self.count, self.server, self.proxy = folder, photos, server, proxy
        self.s3, self.number = server.client(), 0
        self.photos, self.scratch = folder / "photos", folder / "scratch"
        self.direct = {**server.environment(folder), "POMONA_SCRATCH": str(self.scratch)}
        self.faulty = {**self.direct, "AWS_ENDPOINT_URL": proxy.url}

    # ---- helpers

    def pomona(self, *words, status=0, env=None):
        done = subprocess.run([POMONA, *map(str, words)], env=env or self.direct, capture_output=True, text=True, timeout=300,
                              errors="replace")
        require(done.returncode == status,
                f"pomona {' '.join(map(str, words))}: exit code {done.returncode}, not {status}: {done.stderr.strip()[-300:]}")
        return done

    def line(self, promise, show):
        """One promise: `show` says what was seen, or raises Untrue."""
        self.number += 1
        start = time.monotonic()
        try:
            seen = show()
            word = "true"
        except (Untrue, subprocess.TimeoutExpired) as untrue:
            seen, word = str(untrue), "NOT TRUE"
        print(f"{self.number:2}  {word:8}  {time.monotonic() - start:6.1f} s  {promise:<66}  {seen}", flush=True)
        if word != "true":
            raise SystemExit(1)

    def objects(self, bucket, prefix):
        """Bytes by name, without what tells of seconds."""
        return {key[len(prefix):]: read(self.s3, bucket, key) for key in keys(self.s3, bucket, prefix)
                if not key.endswith(VOLATILE)}

    def files(self, folder):
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
                if path.is_file() and not path.name.endswith(VOLATILE)}

    @staticmethod
    def rows(folder, source):
        """(name, label, bytes of the features) of each row, names as below the source."""
        table = pyarrow.dataset.dataset(sorted(map(str, (folder / "Results").glob("part-*.parquet")))).to_table()
        paths, labels, values = (table[name].to_pylist() for name in ("path", "label", "features"))
        require(all(path.startswith(source + "/") for path in paths), f"a path that is not below {source}")
        return sorted((path[len(source) + 1:], label, repr(numbers)) for path, label, numbers in zip(paths, labels, values))

    # ---- the promises

    def sample(self):
        self.pomona("sample", "--out", self.photos, "--count", self.count, "-q")
        found = len(list(self.photos.rglob("*.jpg")))
        require(found == self.count, f"{found} photos")
        return f"{found} photos, {sum(path.stat().st_size for path in self.photos.rglob('*.jpg')) / 1e6:.1f} MB"

    def copy(self):
        for bucket in "corpus", "results":
            self.s3.create_bucket(Bucket=bucket)
        self.pomona("cp", "-r", self.photos, "s3://corpus/photos", "-q")
        require(self.objects("corpus", "photos/") == self.files(self.photos), "other objects than files")
        return f"{len(keys(self.s3, 'corpus'))} objects, equal byte by byte (boto3)"

    def local(self):
        self.pomona("run", self.photos, "--out", self.folder / "local", "-q")
        self.here = self.rows(self.folder / "local", f"file:{self.photos}")
        require(len(self.here) == self.count, f"{len(self.here)} rows")
        return f"{len(self.here)} rows"

    def undisturbed(self):
        out = self.folder / "from-s3"
        self.pomona("run", "s3://corpus/photos", "--out", out, "-q")
        require(self.rows(out, "s3://corpus/photos") == self.here, "other rows than of the folder")
        for name in "moments.pom", "PCA_variance.csv":
            require((out / name).read_bytes() == (self.folder / "local" / name).read_bytes(), f"another {name}")
        self.expected = self.files(out)
        return "rows, moments.pom, PCA_variance.csv equal"

    def over_faults(self):
        self.proxy.script(FAULTS)
        self.pomona("run", "s3://corpus/photos", "--out", "s3://results/run", "-q", env=self.faulty)
        report = self.proxy.report()
        faults, requests = sum(report["faults"].values()), report["requests"]
        require(faults >= requests * 0.03 > 0, f"only {faults} faults in {requests} requests")
        require(self.objects("results", "run/") == self.expected, "other bytes than undisturbed")
        return f"{requests} requests, {faults} faults ({100 * faults / requests:.1f} %), {len(self.expected)} objects equal"

    def whole(self, prefix):
        self.pomona("verify", f"s3://results/{prefix}")
        return "exit code 0"

    def tidy(self):
        require(not uploads(self.s3, "results"), "unfinished uploads")
        require(not [key for key in keys(self.s3, "results") if "_temporary" in key], "a lock or a temporary object")
        require(not self.scratch.exists() or not os.listdir(self.scratch), "something in scratch")
        return "no uploads, no locks, empty scratch"

    def start(self, out):
        return subprocess.Popen([POMONA, "run", "s3://corpus/photos", "--out", out, "-q"], env=self.faulty, stderr=subprocess.DEVNULL)

    def kill(self, process, condition):
        until = time.monotonic() + 120
        while not condition():
            require(process.poll() is None and time.monotonic() < until, "the job did not get to where it is killed")
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        require(process.wait() == -signal.SIGKILL, "it was not killed")

    def killed(self):
        """At the first upload that is to be completed: the parts are there, and can't be seen."""
        self.proxy.script(f"default latency {LATENCY}\nmatch POST *uploadId* -> stall")
        self.kill(self.start("s3://results/killed"), lambda: self.proxy.report()["faults"]["stall"])
        self.proxy.script(FAULTS)
        require("killed/Results/_SUCCESS" not in keys(self.s3, "results"), "a _SUCCESS on half a result")
        waiting = len(uploads(self.s3, "results"))
        self.pomona("verify", "s3://results/killed", status=2)
        return f"no _SUCCESS, {waiting} uploads that can't be seen; verify: exit code 2"

    def resumed(self):
        self.pomona("run", "s3://corpus/photos", "--out", "s3://results/killed", "--resume", "-q", env=self.faulty)
        require(self.objects("results", "killed/") == self.expected, "other bytes than undisturbed")
        return f"{len(self.expected)} objects equal"

    def given_up(self):
        process = self.start("s3://results/gone")
        self.kill(process, lambda: "gone/_temporary/lock" in keys(self.s3, "results") and
                  list(self.scratch.glob("out-*/dst/_temporary/journal-*")))
        told = self.pomona("recover", "s3://results/gone", "--drop").stdout
        require(not keys(self.s3, "results", "gone/"), "objects are left")
        return f"{len(told.splitlines())} lines of what was removed, nothing left"

    def pack(self):
        self.proxy.script(FAULTS)
        self.pomona("pack", "s3://corpus/photos", "--out", "s3://corpus/packed", "-q", env=self.faulty)
        self.pomona("pack", "--check", "s3://corpus/packed", "-q")
        return f"{len(keys(self.s3, 'corpus', 'packed/'))} objects; --check: exit code 0"

    def run_on_pack(self):
        self.proxy.script(FAULTS)
        self.pomona("run", "s3://corpus/packed", "--out", "s3://results/packed", "-q", env=self.faulty)
        requests = self.proxy.report()["methods"]["GET"]
        self.pomona("cp", "-r", "s3://results/packed", self.folder / "of-pack", "-q")
        require(self.rows(self.folder / "of-pack", "s3://corpus/packed") == self.here, "other rows than of the folder")
        require((self.folder / "of-pack/moments.pom").read_bytes() == (self.folder / "local/moments.pom").read_bytes(),
                "another moments.pom")
        require(requests < self.count / 4, f"{requests} GET requests")
        return f"rows and moments.pom equal, {requests} GET requests"

    def one_of_pack(self):
        name = self.here[len(self.here) // 2][0]
        answers = [self.pomona("predict", source, "--csv").stdout.splitlines()[1].split(",", 1)[1] for source in (
            self.photos / name, f"s3://corpus/photos/{name}", f"s3://corpus/packed/{name}")]
        require(len(set(answers)) == 1, f"{answers}")
        return name

    def erased(self):
        for prefix in "run", "killed", "packed":
            self.pomona("rm", f"s3://results/{prefix}", "--recursive", "-q")
        require(not keys(self.s3, "results"), "objects are left")
        require(self.objects("corpus", "photos/") == self.files(self.photos), "the photos are not what they were")
        return f"0 objects; the {self.count} photos as they were"

    def run(self):
        for promise, show in (
                ("pomona sample draws photos", self.sample),
                ("pomona cp copies a folder to a bucket", self.copy),
                ("pomona run on the folder", self.local),
                ("the bucket gives the features of the folder", self.undisturbed),
                (f"from S3 to S3, {LATENCY} ms away, 5 % faults: the same bytes", self.over_faults),
                ("pomona verify finds it whole", lambda: self.whole("run")),
                ("and nothing else is left", self.tidy),
                ("a job that is killed in its commit leaves no result that looks whole", self.killed),
                ("--resume ends it with the same bytes", self.resumed),
                ("pomona verify finds it whole", lambda: self.whole("killed")),
                ("pomona recover removes what another killed job left", self.given_up),
                ("and nothing else is left", self.tidy),
                ("pomona pack joins the photos, from S3 to S3", self.pack),
                ("the pack gives the features of the folder, with few requests", self.run_on_pack),
                ("pomona verify finds it whole", lambda: self.whole("packed")),
                ("one photo is found by its name, packed or not", self.one_of_pack),
                ("pomona rm erases the results and nothing else", self.erased),
                ("and nothing else is left", self.tidy)):
            self.line(promise, show)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--keep", type=pathlib.Path, help="work here, and leave it")
    options = parser.parse_args()
    folder = options.keep or pathlib.Path(tempfile.mkdtemp(prefix="pomona-acceptance-"))
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    server = S3Server(folder / "s3")
    try:
        with FaultProxy(server.url) as proxy:
            acceptance = Acceptance(folder, options.photos, server, proxy)
            acceptance.run()
    finally:
        server.stop()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"all {acceptance.number} are true, {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
