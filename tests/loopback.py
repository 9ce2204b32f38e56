"""Servers on 127.0.0.1 that tests and benches start: the proxy with scripted faults and the server of long listings, which are
programs of the build (tests/store/servers), and versitygw, a real S3 server (made by tests/store/versitygw.sh)."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
POMONA = pathlib.Path(os.environ.get("POMONA", ROOT / "build/pomona")).absolute()
VERSITYGW = pathlib.Path(os.environ.get("VERSITYGW", ROOT / "build/versitygw/versitygw")).absolute()
CONTROL = "/__fault_proxy__"
# No proxy of the environment comes between a test and its server, whose certificate, if it has one, is a test's own.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                     urllib.request.HTTPSHandler(context=ssl._create_unverified_context()))


def program(name):
    """tests/store/NAME of the build that POMONA belongs to."""
    for build in (POMONA.resolve().parents[2], ROOT / "build/release"):
        if (build / "tests/store" / name).exists():
            return build / "tests/store" / name
    raise FileNotFoundError(f"tests/store/{name}: configure the build with -Dtests=true")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Listening:
    """A program that says "listening 127.0.0.1:PORT" on its first line."""

    def __init__(self, command, script=None):
        self.process = subprocess.Popen([*map(os.fspath, command)], text=True, stdout=subprocess.PIPE,
                                        stdin=subprocess.PIPE if script is not None else subprocess.DEVNULL)
        if script is not None:
            self.process.stdin.write(script)
            self.process.stdin.close()
        words = self.process.stdout.readline().split()
        if len(words) != 2 or words[0] != "listening":
            raise RuntimeError(f"{command[0]} does not listen (exit code {self.process.wait()})")
        self.address = words[1]
        self.port = int(words[1].rsplit(":", 1)[1])
        self.url = f"http://{self.address}"

    def stop(self):
        """Kills it, as a server that vanishes."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class FaultProxy(Listening):
    """tests/store/servers/fault_script.h has the language of scripts. To have the server gone for a while: stop(), and later
    FaultProxy(upstream, script, port=old.port)."""

    def __init__(self, upstream, script="", port=0):
        self.upstream = upstream.removeprefix("http://")
        super().__init__([program("fault_proxy"), "--listen", str(port), "--upstream", self.upstream, "--script", "-"], script)

    def report(self):
        """What was seen and done since the last script."""
        with DIRECT.open(self.url + CONTROL, timeout=10) as answer:
            return json.load(answer)

    def script(self, text):
        """Replaces the script and sets the counts to nothing."""
        try:
            DIRECT.open(self.url + CONTROL, data=text.encode(), timeout=10).close()
        except urllib.error.HTTPError as wrong:
            raise ValueError(wrong.read().decode().strip()) from None


class ListServer(Listening):
    """A bucket of made-up keys that can only be listed."""

    def __init__(self, *options, port=0):
        super().__init__([program("list_server"), "--listen", str(port), *map(str, options)])


class S3Server:
    """versitygw over folder/buckets; buckets are folders there, objects files, so what was written can be looked at. `certificate`
    (a file with the key in it as well) makes it speak TLS."""

    access_key, secret_key = "TESTSACCESSKEY000001", "tests/secret+key0123456789abcdefghijklmn"

    def __init__(self, folder, region="us-east-1", options=(), certificate=None):
        if not VERSITYGW.exists():
            raise FileNotFoundError(f"{VERSITYGW}: run tests/store/versitygw.sh build/versitygw, or set VERSITYGW")
        self.region = region
        self.folder = pathlib.Path(folder)
        self.buckets = self.folder / "buckets"
        for name in ("buckets", "versions"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        try:
            os.setxattr(self.buckets, "user.test", b"1")
            metadata = []
        except OSError:  # a file system without extended attributes keeps them beside
            (self.folder / "metadata").mkdir(exist_ok=True)
            metadata = ["--sidecar", self.folder / "metadata"]
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"{'https' if certificate else 'http'}://{self.address}"
        if certificate:
            options = [*options, "--cert", certificate, "--key", certificate]
        self.log = open(self.folder / "versitygw.log", "wb")
        command = [VERSITYGW, "--port", self.address, "--access", self.access_key, "--secret", self.secret_key,
                   "--region", region, "--keep-alive", "--quiet", "--health", "/health", *options,
                   "posix", "--versioning-dir", self.folder / "versions", *metadata, self.buckets]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("VGW_", "AWS_", "ROOT_"))}
        self.process = subprocess.Popen([*map(os.fspath, command)], env=clean, stdout=self.log, stderr=self.log)
        self.wait()

    def wait(self):
        until = time.monotonic() + 30
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError):
                with DIRECT.open(self.url + "/health", timeout=5):
                    return
            time.sleep(0.02)
        self.stop()
        raise RuntimeError("versitygw does not answer:\n" + (self.folder / "versitygw.log").read_text(errors="replace"))

    def client(self, url=None, **options):
        """A client of another make: boto3's, without retries, so that a test sees every answer."""
        import boto3
        from botocore.config import Config

        settings = {"retries": {"total_max_attempts": 1}, "s3": {"addressing_style": "path"}, "max_pool_connections": 64,
                    "proxies": {}, "signature_version": "s3v4", **options}
        return boto3.client("s3", endpoint_url=url or self.url, region_name=self.region, config=Config(**settings),
                            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key)

    def environment(self, home, url=None):
        """os.environ for a program that is to use this server (through a proxy at `url`), and nothing of the user's own."""
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith("AWS_") and not name.lower().endswith("_proxy")}
        return {**clean, "HOME": os.fspath(home), "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": self.region,
                "AWS_ENDPOINT_URL": url or self.url, "AWS_ACCESS_KEY_ID": self.access_key,
                "AWS_SECRET_ACCESS_KEY": self.secret_key, "AWS_CONFIG_FILE": os.path.join(home, "no-config"),
                "AWS_SHARED_CREDENTIALS_FILE": os.path.join(home, "no-credentials")}

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def discard(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
