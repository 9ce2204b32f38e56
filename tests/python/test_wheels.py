"""The release wheels of python/build_wheels.sh: what they ask of a machine, what they show to it, and that they give the golden bytes
in every Python that is here and, under emulation, on AArch64. The environment archive of python/pack_environment.sh.

WHEELS    the folder of the wheels (default: build/dist)"""
import base64
import csv
import functools
import hashlib
import http.server
import io
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import tarfile
import threading
import zipfile

import numpy as np
import pytest

pytestmark = pytest.mark.long
ROOT = pathlib.Path(__file__).resolve().parents[2]
WHEELS = pathlib.Path(os.environ.get("WHEELS", ROOT / "build/dist")).absolute()
GOLDEN = ROOT / "tests/golden"
TOOLS = ROOT / "build/venv-wheels/bin"
ARM64 = ROOT / "build/arm64-root"
SYSTEM = re.compile(r"lib(c|m|pthread|stdc\+\+|gcc_s)\.so\.\d+|ld-linux-[a-z0-9-]+\.so\.\d")  # what a wheel may expect of a machine
BUNDLED = {"_core": ("libjpeg", "libprotobuf-c", "libsnappy", "libzstd", "libz-pomona"),
           "_store": ("libssl", "libcrypto", "libjansson")}


def run(*command, timeout=1200, **options):
    done = subprocess.run([os.fspath(part) for part in command], timeout=timeout, capture_output=True, text=True, **options)
    if done.returncode:
        pytest.fail(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def wheel_of(arch):
    found = sorted(WHEELS.glob(f"pomona-*_{arch}.whl"))
    if not found:
        pytest.skip(f"no wheel for {arch} in {WHEELS}: python/build_wheels.sh makes it")
    assert len(found) == 1, found
    return found[0]


@pytest.fixture(scope="module", params=["x86_64", "aarch64"])
def wheel(request):
    return wheel_of(request.param)


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def tool(name):
    if not (TOOLS / name).exists():
        pytest.skip(f"no {name}: python/build_wheels.sh installs it")
    return TOOLS / name


def libraries(folder):
    found = sorted(folder.rglob("*.so*"))
    assert folder / "pomona/_core.abi3.so" in found
    return found


def needed(library):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-dW", library))


# What it asks

def test_name_and_size(wheel):
    arch = wheel.stem.rsplit("_", 1)[1] if wheel.stem.endswith("aarch64") else "x86_64"
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]
    assert wheel.name == f"pomona-{version}-cp39-abi3-manylinux_2_34_{arch}.whl"
    assert wheel.stat().st_size <= 10 << 20


def test_policy(wheel):
    """auditwheel's own judgement of the finished wheel."""
    told = run(tool("auditwheel"), "show", wheel)
    policy = re.search(r'platform tag: "manylinux_(\d+)_(\d+)_', " ".join(told.split()))
    assert policy and (int(policy[1]), int(policy[2])) <= (2, 34), told


def test_versions_of_symbols(unpacked):
    """The same without auditwheel: glibc 2.34, and the libstdc++ of gcc 11, which came with it."""
    newest = {"GLIBC": (2, 34), "GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13), "GCC": (11,)}
    for library in libraries(unpacked):
        for name, version in re.findall(r"@(GLIBC|GLIBCXX|CXXABI|GCC)_([0-9.]+)", run("readelf", "--dyn-syms", "-W", library)):
            assert tuple(map(int, version.split("."))) <= newest[name], f"{library.name} needs {name}_{version}"


def test_libraries(unpacked):
    """Only glibc and libstdc++ are the machine's; the rest is in the wheel, and found from where the wheel lies."""
    inside = {library.name for library in libraries(unpacked)}
    for library in libraries(unpacked):
        for name in needed(library):
            assert name in inside or SYSTEM.fullmatch(name), f"{library.name} needs {name}"
    for extension, names in BUNDLED.items():
        library = unpacked / f"pomona/{extension}.abi3.so"
        for name in names:
            assert any(other.startswith(name) and other in inside for other in needed(library)), f"{name} is not in the wheel"
        path = re.search(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", run("readelf", "-dW", library))
        assert path and path[1] == "$ORIGIN/../pomona.libs"


@pytest.mark.parametrize("extension", BUNDLED)
def test_nothing_else_is_exported(unpacked, extension):
    table = run("readelf", "--dyn-syms", "-W", unpacked / f"pomona/{extension}.abi3.so")
    rows = [line.split() for line in table.splitlines() if re.match(r"\s*\d+:", line)]
    shown = [row[7] for row in rows if len(row) > 7 and row[6] != "UND" and row[4] in ("GLOBAL", "WEAK")]
    assert shown == [f"PyInit_{extension}"]


def test_stable_abi(wheel):
    """Nothing of CPython that is not in the stable ABI of 3.9."""
    report = json.loads(run(tool("abi3audit"), "--report", "--strict", wheel))
    results = [entry["result"] for spec in report["specs"].values() for entry in spec["wheel"]]
    assert len(results) == len(BUNDLED)
    for result in results:
        assert result["is_abi3"] and result["is_abi3_baseline_compatible"] and result["baseline"] == "3.9", results


def test_contents(unpacked):
    """Hashes of every file, the licences of what travels along, and no path of the machine that built it."""
    info, = unpacked.glob("*.dist-info")
    listed = list(csv.reader(io.StringIO((info / "RECORD").read_text())))
    assert {name for name, _, _ in listed} == {p.relative_to(unpacked).as_posix() for p in unpacked.rglob("*") if p.is_file()}
    for name, digest, size in listed:
        data = (unpacked / name).read_bytes()
        if digest:
            assert digest == "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            assert len(data) == int(size)
        assert os.fsencode(ROOT) not in data, f"{name} names the folder it was built in"
    assert {p.name for p in (info / "licenses").iterdir()} >= {"LICENSE", "libjpeg62-turbo.txt", "libprotobuf-c1.txt",
                                                               "libsnappy1v5.txt", "libzstd1.txt", "zlib1g.txt", "libssl3.txt", "libjansson4.txt",
                                                               "curl.txt", "expat.txt"}
    assert {"_core.abi3.so", "_store.abi3.so", "_core.pyi", "py.typed", "__init__.py", "spark"} <= {p.name for p in (unpacked / "pomona").iterdir()}


# What it gives

def golden():
    return dict(line.split() for line in (GOLDEN / "golden.txt").read_text().splitlines())


@pytest.fixture(scope="module")
def seen():
    """What the first Python gave, for the others to be compared with."""
    return {}


def judge(told, seen):
    result = json.loads(told)
    assert result["features"] == golden()["bits"], result
    assert result["fp32"] <= 1e-4, result
    assert result["moments"] == result["merged"]
    assert seen.setdefault("moments", result["moments"]) == result["moments"], result
    scores = np.array(result["scores"])
    assert np.allclose(seen.setdefault("scores", scores), scores, rtol=0, atol=1e-9)
    return result


def pythons():
    """One interpreter of each version from 3.9, on PATH or of pyenv."""
    found = {}
    for minor in range(9, 20):
        places = [shutil.which(f"python3.{minor}"), *sorted(pathlib.Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"))]
        for place in filter(None, places):  # what is on PATH may be a shim that leads elsewhere or nowhere
            done = subprocess.run([place, "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2], sys.executable)"],
                                  capture_output=True, text=True)
            if done.returncode == 0 and done.stdout.startswith(f"3.{minor} "):
                found[f"3.{minor}"] = done.stdout.split()[1]
                break
    return found


@pytest.fixture(scope="module")
def interpreters():
    return pythons()


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("numpy", ["newest", "1.22.4"])
def test_golden_features(version, numpy, interpreters, seen, tmp_path):
    """pip install in a fresh environment, with the newest NumPy for that Python; in 3.9 also with the oldest that is promised."""
    if numpy != "newest" and version != "3.9":
        pytest.skip("NumPy 1.22 is of the time of Python 3.9")
    wheel = wheel_of(os.uname().machine)
    if version not in interpreters:
        pytest.skip(f"no Python {version} on PATH or in ~/.pyenv/versions")
    run(interpreters[version], "-m", "venv", tmp_path / "venv")
    run(tmp_path / "venv/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary=:all:", wheel,
        *([] if numpy == "newest" else [f"numpy=={numpy}"]))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_"))}
    result = judge(run(tmp_path / "venv/bin/python", "-I", ROOT / "tests/python/golden_features.py", GOLDEN, env=clean, cwd=tmp_path), seen)
    assert result["python"] == version and result["where"].startswith(os.fspath(tmp_path))
    assert numpy in ("newest", result["numpy"])


READ = """import pomona, sys
for path, data, reason in pomona.Reader(requests=2).read(sys.argv[1:]):
    print(path.rsplit("/", 1)[1], len(data) if data is not None else reason)"""


@pytest.fixture
def secure_server(certificate, tmp_path):
    """Two files on a web server that speaks TLS: its URL."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"a" * 100000)
    (folder / "b.jpg").write_bytes(b"b" * 7)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()


def check_reader(python, url, certificate, environment, cwd):
    """Over TLS, with libcurl and OpenSSL of the wheel: what the certificate vouches for is read, and nothing else."""
    clean = {name: value for name, value in environment.items() if name not in ("SSL_CERT_FILE", "AWS_CA_BUNDLE") and not name.lower().endswith("_proxy")}
    command = [*python, "-c", READ, f"{url}/a.jpg", f"{url}/b.jpg"]
    trusting = {**clean, "SSL_CERT_FILE": os.fspath(certificate.with_suffix(".crt"))}
    assert run(*command, env=trusting, cwd=cwd).split() == ["a.jpg", "100000", "b.jpg", "7"]
    refused = subprocess.run([os.fspath(word) for word in command], env=clean, cwd=cwd, capture_output=True, text=True, timeout=300)
    assert "certificate" in refused.stderr + refused.stdout and "100000" not in refused.stdout


def test_reader(interpreters, secure_server, certificate, tmp_path):
    python = interpreters[min(interpreters, key=lambda version: int(version.split(".")[1]))]
    run(python, "-m", "venv", tmp_path / "venv")
    run(tmp_path / "venv/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary=:all:",
        wheel_of(os.uname().machine))
    check_reader([tmp_path / "venv/bin/python"], secure_server, certificate, os.environ, tmp_path)


def test_reader_on_aarch64(secure_server, certificate, tmp_path):
    wheel = wheel_of("aarch64")
    if not (ARM64 / "python").exists() or not shutil.which("qemu-aarch64"):
        pytest.skip(f"no {ARM64}/python or no qemu-aarch64")
    unpack_for_arm64(wheel, tmp_path / "site")
    check_reader([ARM64 / "python", "-s"], secure_server, certificate, {**os.environ, "PYTHONPATH": os.fspath(tmp_path / "site")}, tmp_path)


def unpack_for_arm64(wheel, folder):
    """The wheel and NumPy's wheel for it, unpacked; pip on this machine can't run what it installs there."""
    run(sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", folder, "--only-binary=:all:",
        "--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "abi3",
        *(f"--platform=manylinux_2_{glibc}_aarch64" for glibc in (34, 28, 17)), wheel)


@pytest.mark.parametrize("processor", ["max", "cortex-a53"])  # with and without the dot products of ARMv8.2
def test_golden_features_on_aarch64(processor, seen, tmp_path):
    wheel = wheel_of("aarch64")
    if not (ARM64 / "python").exists() or not shutil.which("qemu-aarch64"):
        pytest.skip(f"no {ARM64}/python or no qemu-aarch64")
    unpack_for_arm64(wheel, tmp_path / "site")
    result = judge(run(ARM64 / "python", "-s", ROOT / "tests/python/golden_features.py", GOLDEN, cwd=tmp_path,
                       env={**os.environ, "PYTHONPATH": os.fspath(tmp_path / "site"), "QEMU_CPU": processor}), seen)
    assert result["where"].startswith(os.fspath(tmp_path))
    assert result["tier"] == {"max": "neondot", "cortex-a53": "neon"}[processor]


# The environment for a cluster

def pack(*arguments, cwd=None, **variables):
    return subprocess.run(["bash", ROOT / "python/pack_environment.sh", *arguments], capture_output=True, text=True, timeout=1200, cwd=cwd,
                          env={**os.environ, "PIP": f"{sys.executable} -m pip", **variables})


@pytest.mark.parametrize("version", ["3.9", "3.11"])  # those of Amazon Linux 2023
def test_environment(version, interpreters, seen, tmp_path):
    """Packed, unpacked elsewhere, moved once more, and run as Spark does."""
    wheel = wheel_of(os.uname().machine)
    if version not in interpreters:
        pytest.skip(f"no Python {version} on PATH or in ~/.pyenv/versions")
    archive = tmp_path / "environment.tar.gz"
    done = pack(wheel, version, archive, INTERPRETER=interpreters[version])
    assert done.returncode == 0, done.stderr
    (tmp_path / "here/environment").mkdir(parents=True)
    run("tar", "-xzf", archive, "-C", tmp_path / "here/environment")
    (tmp_path / "here").rename(tmp_path / "there")
    folder = tmp_path / "there/environment"
    where = run("./environment/bin/python", "-s", "-c", "import pomona, pyarrow, pandas, sys; print(sys.prefix, pomona.__file__)",
                cwd=folder.parent).split()
    assert where[0] == os.fspath(folder) and where[1].startswith(os.fspath(folder)), where
    result = judge(run(folder / "bin/python", "-s", ROOT / "tests/python/golden_features.py", GOLDEN, cwd=tmp_path), seen)
    assert result["python"] == version


def test_environment_for_graviton(tmp_path):
    """Another processor and a Python that need not be here; the interpreter is the cluster's."""
    archive = tmp_path / "environment.tar.gz"
    done = pack(wheel_of("aarch64"), "3.9", archive)
    assert done.returncode == 0, done.stderr
    with tarfile.open(archive) as members:
        links = {member.name: member.linkname for member in members if member.issym()}
        members_named = members.getnames()
        core = members.extractfile("./lib/python3.9/site-packages/pomona/_core.abi3.so").read(20)
    assert links["./bin/python"] == "/usr/bin/python3.9" and links["./lib64"] == "lib"
    assert core[18] == 183  # EM_AARCH64
    compiled = [name for name in members_named if name.endswith(".so") and ".cpython-" in name]
    assert compiled and all("cpython-39-aarch64" in name for name in compiled)
    assert not [name for name in members_named if name.endswith(".pyc") and ".cpython-39." not in name]


@pytest.mark.parametrize("arguments, told", [
    ((), "usage: pack_environment.sh"),
    (("WHEEL", "python3.9", "e.tar.gz"), "a version such as 3.9 is needed"),
    (("absent_x86_64.whl", "3.9", "e.tar.gz"), "no such file"),
    (("WHEEL", "3.9", "e.zip"), "must end in .tar.gz"),
    (("README.md", "3.9", "e.tar.gz"), "not a release wheel"),
])
def test_environment_refuses(arguments, told, tmp_path):
    wheel = tmp_path / "pomona-0-cp39-abi3-manylinux_2_34_x86_64.whl"
    wheel.touch()
    (tmp_path / "README.md").touch()
    done = pack(*[wheel if argument == "WHEEL" else argument for argument in arguments], cwd=tmp_path)
    assert done.returncode == 1 and told in done.stdout + done.stderr
    assert not (tmp_path / "e.tar.gz").exists()
