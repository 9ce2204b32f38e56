"""Spark as its users run it, from nothing but PySpark's wheel: an installation (a virtual environment with PySpark), a standalone
cluster of a master and workers, and a history server, all on 127.0.0.1 and on ports that the system gives. conftest.py has the
fixtures.

Jobs are programs of their own, run by spark-submit (Spark.submit): which jars a JVM has, and which Python its workers use, can't be
changed any more in a test process that has started a session."""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

from loopback import DIRECT
from processes import kill_session, start

FOREIGN = ("SPARK_", "PYSPARK_", "HADOOP_", "AWS_", "PYTHON")  # a user's own settings
READY_SECONDS = 180  # two cores that do other things as well


class Spark:
    """PySpark in a virtual environment, and the jars that it needs for s3a: URLs (made by spark_jars.sh)."""

    def __init__(self, venv, jars, folder):
        self.python = pathlib.Path(venv).absolute() / "bin/python"
        self.folder = pathlib.Path(folder)
        if not self.python.exists():
            raise FileNotFoundError(f"{venv}: no Python environment (./dev test --cluster makes it)")
        facts = json.loads(self._python("import json, pyspark, sys; print(json.dumps([pyspark.__path__[0], pyspark.__version__, "
                                        "'%d.%d' % sys.version_info[:2]]))"))
        self.home, self.version, self.python_version = pathlib.Path(facts[0]), facts[1], facts[2]
        self.jars = pathlib.Path(jars).absolute() / f"spark-{self.version}"
        self.events = self.folder / "events"
        for name in ("conf", "events", "local", "tmp", "jobs"):
            (self.folder / name).mkdir(parents=True)
        self._jobs = 0

    def _python(self, program):
        return subprocess.run([self.python, "-c", program], check=True, capture_output=True, text=True,
                              env=self.environment({})).stdout

    def environment(self, more):
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith(FOREIGN) and not name.lower().endswith("_proxy")}
        mine = {} if not hasattr(self, "home") else {
            "SPARK_HOME": self.home, "SPARK_CONF_DIR": self.folder / "conf", "SPARK_LOCAL_DIRS": self.folder / "local",
            "PYSPARK_PYTHON": self.python, "PYSPARK_DRIVER_PYTHON": self.python}
        return {**clean, **{name: os.fspath(value) for name, value in mine.items()}, "AWS_EC2_METADATA_DISABLED": "true",
                "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "127.0.0.1", "SPARK_PUBLIC_DNS": "127.0.0.1", **more}

    def install_wheel(self, wheel):
        """Puts a wheel into the environment, without what it depends on; one of the same version is replaced."""
        self._pip("install", "--no-deps", "--no-index", "--force-reinstall", wheel)

    def uninstall(self, package):
        self._pip("uninstall", "--yes", package)

    def _pip(self, *arguments):
        done = subprocess.run([self.python, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"],
                              capture_output=True, text=True, env=self.environment({}))
        if done.returncode != 0:
            raise RuntimeError(f"pip {' '.join(map(str, arguments))}:\n{done.stdout}{done.stderr}")

    def java_options(self):
        """Programs that live for a minute: quick compilation counts, not the fastest code."""
        return ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"-Djava.io.tmpdir={self.folder}/tmp"]

    def base_settings(self):
        """What every job and daemon of this installation is told; a job's own settings come on top."""
        java = " ".join(self.java_options())
        return {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.port": "0",
                "spark.ui.showConsoleProgress": "false", "spark.driver.memory": "1g", "spark.executor.memory": "1g",
                "spark.sql.shuffle.partitions": "4", "spark.sql.warehouse.dir": f"file://{self.folder}/warehouse",
                "spark.hadoop.hadoop.tmp.dir": f"{self.folder}/tmp", "spark.driver.extraJavaOptions": java,
                "spark.executor.extraJavaOptions": java, "spark.eventLog.enabled": "true",
                "spark.eventLog.dir": f"file://{self.events}"}

    def s3a_settings(self, server):
        """s3a: URLs go to this S3Server, and what is written there goes through the magic committer: no renames."""
        if not self.jars.is_dir():
            raise FileNotFoundError(f"{self.jars}: run tests/python/spark_jars.sh build/jars, or set SPARK_JARS")
        return {"spark.driver.extraClassPath": f"{self.jars}/*", "spark.executor.extraClassPath": f"{self.jars}/*",
                "spark.hadoop.fs.s3a.endpoint": server.url, "spark.hadoop.fs.s3a.endpoint.region": server.region,
                "spark.hadoop.fs.s3a.path.style.access": "true", "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
                "spark.hadoop.fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
                "spark.hadoop.fs.s3a.access.key": server.access_key, "spark.hadoop.fs.s3a.secret.key": server.secret_key,
                "spark.hadoop.fs.s3a.directory.marker.retention": "keep", "spark.hadoop.fs.s3a.committer.name": "magic",
                "spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3a":
                    "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory",
                "spark.sql.sources.commitProtocolClass": "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol",
                "spark.sql.parquet.output.committer.class":
                    "org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter"}

    def submit(self, script, *arguments, master="local[2]", settings=(), environment=(), packages=(), status=0, timeout=600):
        """Runs a job by spark-submit; a CompletedProcess with text output: stdout is all that the job's Python printed, tracebacks
        too (spark-submit joins them), stderr is Spark's log. `packages` are for --py-files; `status` is the exit code that is
        expected (None: any)."""
        self._jobs += 1
        folder = self.folder / "jobs" / f"{self._jobs:03}-{pathlib.Path(script).stem}"
        folder.mkdir()
        properties = folder / "spark.conf"
        together = {**self.base_settings(), **dict(settings)}
        properties.write_text("".join(f"{name} {value}\n" for name, value in together.items()))
        command = [self.home / "bin/spark-submit", "--master", master, "--properties-file", properties,
                   *(["--py-files", ",".join(map(os.fspath, packages))] if packages else []), script, *arguments]
        command = [os.fspath(word) if isinstance(word, os.PathLike) else str(word) for word in command]
        with open(folder / "stdout", "wb") as output, open(folder / "stderr", "wb") as errors:
            process = start(command, self.environment(dict(environment)), folder, output, errors)
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                code = f"none after {timeout} s"
            finally:
                kill_session(process)
        done = subprocess.CompletedProcess(command, code, *((folder / name).read_text(errors="replace")
                                                            for name in ("stdout", "stderr")))
        if isinstance(code, str) or status is not None and code != status:
            raise AssertionError(f"spark-submit {script}: exit code {code}, expected {status}\n{done.stdout}{done.stderr[-8000:]}")
        return done


def answer(done):
    """What a job said, as the last line of JSON in its output."""
    return json.loads(next(line for line in reversed(done.stdout.splitlines()) if line.startswith("{")))


class Daemon:
    """One of Spark's servers, by its class; ready when its log names its web page."""

    def __init__(self, spark, name, class_name, *arguments, memory="384m", settings=()):
        self.folder = spark.folder / name
        self.folder.mkdir()
        self.name, self.log = name, self.folder / "log"
        options = [*spark.java_options(), *(f"-D{key}={value}" for key, value in dict(settings).items())]
        environment = spark.environment({"SPARK_DAEMON_MEMORY": memory, "SPARK_DAEMON_JAVA_OPTS": " ".join(options)})
        with open(self.log, "wb") as log:
            self.process = start([spark.home / "bin/spark-class", class_name, *arguments], environment, self.folder, log, log)
        self.page = None

    def said(self, pattern):
        """Waits until the log has the pattern; its first group."""
        return self.wait(lambda: re.search(pattern, self.log.read_text(errors="replace")), f"'{pattern}' in its log")[1]

    def wait(self, condition, what):
        """Waits until the condition is true; its value."""
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                if value := condition():
                    return value
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"{self.name}: waited for {what}, exit code {self.process.poll()}\n"
                           f"{self.log.read_text(errors='replace')[-4000:]}")

    def find_page(self):
        self.page = self.said(r"Bound \w+ to \S+,? and started at (http://127\.0\.0\.1:\d+)")

    def get(self, path):
        """What the web page or the REST API answers: bytes."""
        with DIRECT.open(self.page + path, timeout=60) as answer:
            return answer.read()

    def json(self, path):
        return json.loads(self.get(path))

    def stop(self):
        kill_session(self.process)


class Cluster:
    """A standalone cluster: a master, and workers of one core."""

    def __init__(self, spark, workers=2, cores=1, memory="1536m"):
        self.spark, self.cores, self.daemons = spark, workers * cores, []
        try:
            common = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
            self.master = self._add("master", "org.apache.spark.deploy.master.Master", *common)
            self.url = self.master.said(r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")
            self.master.find_page()
            self.workers = [self._add(f"worker-{i}", "org.apache.spark.deploy.worker.Worker", *common, "--cores", str(cores),
                                      "--memory", memory, "--work-dir", spark.folder / f"worker-{i}" / "apps", self.url)
                            for i in range(workers)]
            self.master.wait(lambda: self.master.json("/json/")["aliveworkers"] == workers, f"{workers} workers")
        except BaseException:
            self.stop()
            raise

    def _add(self, *arguments):
        self.daemons.append(Daemon(self.spark, *arguments))
        return self.daemons[-1]

    def settings(self):
        """For a job that is to find both workers at its start, so that they share even a small piece of work."""
        return {"spark.cores.max": str(self.cores), "spark.executor.cores": "1",
                "spark.scheduler.minRegisteredResourcesRatio": "1.0",
                "spark.scheduler.maxRegisteredResourcesWaitingTime": "120s"}

    def submit(self, script, *arguments, settings=(), **options):
        """Spark.submit on this cluster."""
        return self.spark.submit(script, *arguments, master=self.url, settings={**self.settings(), **dict(settings)}, **options)

    def executor_logs(self):
        """What executors printed, by worker/application/executor."""
        found = sorted(self.spark.folder.glob("worker-*/apps/*/*/stderr"))
        return {os.fspath(path.relative_to(self.spark.folder)): path.read_text(errors="replace") for path in found}

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.stop()


class HistoryServer(Daemon):
    """Shows the applications that have ended, from the event logs of an installation's jobs."""

    def __init__(self, spark):
        super().__init__(spark, "history", "org.apache.spark.deploy.history.HistoryServer", memory="512m", settings={
            "spark.history.fs.logDirectory": f"file://{spark.events}", "spark.history.fs.update.interval": "1s",
            "spark.history.ui.port": "0", "spark.history.store.maxDiskUsage": "1g"})
        try:
            self.find_page()
            self.wait(lambda: self.get("/api/v1/applications"), "its REST API")
        except BaseException:
            self.stop()
            raise

    @property
    def url(self):
        return self.page

    def applications(self):
        return self.json("/api/v1/applications")

    def application(self, number):
        """Waits until an application that has ended is listed as such; its entry."""
        return self.wait(lambda: next((app for app in self.applications() if app["id"] == number
                                       and all(attempt["completed"] for attempt in app["attempts"])), None), number)

    def jobs(self, number):
        return self.json(f"/api/v1/applications/{number}/jobs")

    def stages(self, number):
        return self.json(f"/api/v1/applications/{number}/stages")


def same_environment():
    """The environment that runs the tests."""
    return pathlib.Path(sys.prefix)
