"""The command line itself: help, man page, cpu, model, diff, sample."""
import json
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = re.findall(r'^    \{"(\w+)",\s*"', (ROOT / "src/cli/main.c").read_text(), re.M)


def test_knows_its_commands():
    assert {"features", "diff", "sample", "model", "cpu"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_and_man_page_agree(pomona, command):
    text = pomona(command, "--help").stdout
    assert text.startswith(f"Usage: pomona {command}")
    manual = (ROOT / "docs/man/pomona.1").read_text().replace("\\-", "-")
    for option in re.findall(r"--[a-z-]+", text):
        if option != "--help":
            assert option in manual, f"{option} of {command} is not in the man page"


def test_man_page_is_well_formed():
    if not shutil.which("man"):
        pytest.skip("man is not installed")
    done = subprocess.run(["man", "--warnings", "-l", ROOT / "docs/man/pomona.1"], capture_output=True, text=True, env={
        "MANWIDTH": "100", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0 and done.stderr == "" and "EXIT STATUS" in done.stdout


def test_top_level(pomona):
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text()).group(1)
    assert pomona("--version").stdout == f"pomona {version}\n"
    assert all(command in pomona("--help").stdout for command in COMMANDS)
    assert "unknown command" in pomona("nonsense", status=1).stderr
    pomona(status=1)


def test_cpu(pomona):
    cpu = json.loads(pomona("cpu", "--json").stdout)
    assert cpu["tier_used"] in ("scalar", "avx2", "avx512", "neon", "neondot") and cpu["threads"] >= 1
    assert {"gemm_f32", "dwconv_f32", "conv_f32", "resize_u8"} <= set(cpu["kernels"])
    scalar = json.loads(pomona("cpu", "--json", "--tier", "scalar").stdout)
    assert scalar["tier_used"] == "scalar" and scalar["tier_found"] == cpu["tier_found"]
    assert "gemm_f32" in pomona("cpu").stdout
    assert "wasm128" in pomona("cpu", "--tier", "wasm128", status=2).stderr


def test_model_info_of_the_embedded_network(pomona):
    info = json.loads(pomona("model", "info", "--json").stdout)
    assert info["name"] == "embedded" and "name=phone" in info["profile"] and len(info["hash"]) == 64
    assert info["macs"] > 1e6 and len(info["steps"]) < info["nodes"]
    assert "MMAC" in pomona("model", "info").stdout
    assert "unknown action" in pomona("model", "nonsense", status=1).stderr


def test_model_info_of_the_given_network(pomona, shared):
    info = json.loads(pomona("model", "info", shared / "data/models/mobilenet_v2_1.0_224.onnx", "--json").stdout)
    assert info["features"] == 1280 and info["profile_assumed"] and "spark-compat" in info["profile"]
    assert abs(info["macs"] / 1e6 - 300) < 5


@pytest.fixture
def table(tmp_path):
    def write(name, paths, features, labels=None):
        columns = {"path": paths, "features": pa.array([list(map(float, f)) for f in features], pa.list_(pa.float32()))}
        if labels:
            columns["label"] = labels
        pq.write_table(pa.table(columns), tmp_path / name)
        return tmp_path / name
    return write


def test_diff_finds_what_differs(pomona, table):
    a = table("a.parquet", ["x/1.jpg", "x/2.jpg", "x/3.jpg"], [[1, 2], [3, 4], [5, 6]], ["p", "p", "q"])
    b = table("b.parquet", ["x/2.jpg", "x/1.jpg", "x/4.jpg"], [[3, 4.5], [1, 2], [5, 6]], ["p", "r", "q"])
    diff = json.loads(pomona("diff", a, b, "--json", status=3).stdout)
    assert (diff["common"], diff["only_a"], diff["only_b"], diff["identical"], diff["labels_differ"]) == (2, 1, 1, 1, 1)
    assert diff["max_abs"] == 0.5 and diff["worst_path"] == "x/2.jpg" and diff["mean_abs"] == 0.125
    expected = np.dot([3, 4], [3, 4.5]) / np.linalg.norm([3, 4]) / np.linalg.norm([3, 4.5])
    assert abs(diff["cosine_min"] - expected) < 1e-12
    assert "only in A" in pomona("diff", a, b, status=3).stdout


def test_diff_tolerance(pomona, table):
    a, b = table("a.parquet", ["1"], [[1, 2]]), table("b.parquet", ["1"], [[1, 2.25]])
    pomona("diff", a, a)
    pomona("diff", a, b, status=3)
    pomona("diff", a, b, "--tolerance", "0.25")


def test_diff_counts_nan_on_one_side(pomona, table):
    a, b = table("a.parquet", ["1", "2"], [[1, float("nan")], [1, 1]]), table("b.parquet", ["1", "2"], [[1, 2], [1, 1]])
    assert json.loads(pomona("diff", a, b, "--json", "--tolerance", "9", status=3).stdout)["max_abs"] is None
    pomona("diff", a, a)


def test_diff_of_different_prefixes(pomona, table):
    a = table("a.parquet", ["file:/d/p/1.jpg", "file:/d/q/1.jpg"], [[1], [2]])
    b = table("b.parquet", ["s3://k/q/1.jpg", "s3://k/p/1.jpg"], [[2], [1]])
    diff = json.loads(pomona("diff", a, b, "--json").stdout)
    assert diff["same"] and diff["prefixes_removed"] and diff["common"] == 2


def test_diff_of_a_part_of_the_corpus(pomona, table):
    a = table("a.parquet", [f"file:/d/{label}/{i}.jpg" for label in "pq" for i in range(3)], [[i] for i in range(6)])
    b = table("b.parquet", ["s3://k/deep/q/1.jpg", "s3://k/deep/q/2.jpg"], [[4], [5]])
    diff = json.loads(pomona("diff", a, b, "--json", status=3).stdout)
    assert (diff["common"], diff["identical"], diff["only_a"], diff["only_b"]) == (2, 2, 4, 0)


def test_diff_bad_input(pomona, table, tmp_path):
    a, b = table("a.parquet", ["1"], [[1, 2]]), table("b.parquet", ["1"], [[1, 2, 3]])
    assert "features" in pomona("diff", a, b, status=2).stderr
    twice = table("c.parquet", ["1", "1"], [[1, 2], [1, 2]])
    assert "twice" in pomona("diff", twice, a, status=2).stderr
    assert "twice" in pomona("diff", a, twice, status=2).stderr
    assert "nowhere" in pomona("diff", a, tmp_path / "nowhere", status=2).stderr
    (tmp_path / "junk.parquet").write_bytes(b"PAR1 junk PAR1")
    assert "junk.parquet" in pomona("diff", a, tmp_path / "junk.parquet", status=2).stderr


def test_sample_refuses_nonsense(pomona, tmp_path):
    pomona("sample", "--count", "5", status=1)
    pomona("sample", "--out", tmp_path / "p", "--count", "0", status=1)
    pomona("sample", "--out", tmp_path / "p", "--count", "5", "--gps", "2", status=1)
    assert not (tmp_path / "p").exists()
