"""pomona compare: figures, labels, budgets, bad models among good ones, and what is left when it is stopped."""
import csv
import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from conftest import POMONA

CHILDREN = {"comparison.html", "comparison.csv", "comparison.json", "pareto.png", "pareto.svg"}
QUICK = ("--quick", "--seconds", "0.05", "--photos", "10")


@pytest.fixture(scope="session")
def models(pomona, photos, tmp_path_factory):
    """all.onnx knows the five labels of the photos, few.onnx two of them; broken.onnx is no model."""
    folder = tmp_path_factory.mktemp("models")
    labels = sorted(path.name for path in photos.iterdir() if path.is_dir())
    for label in labels[:2]:
        shutil.copytree(photos / label, folder / "few" / label)
    for name, source in (("all", photos), ("few", folder / "few")):
        pomona("features", source, "--out", folder / (name + ".features"), "-q")
        pomona("train", folder / (name + ".features"), "--out", folder / (name + ".onnx"), "--strength", "0.01",
               "--folds", "2", "-q")
    (folder / "broken.onnx").write_bytes(b"no model")
    return folder


def compare(pomona, models, names, photos, out, *options, **keywords):
    paths = [name if name == "embedded" else models / name for name in names]
    return pomona("compare", *paths, "--on", photos, "--out", out, *QUICK, *options, **keywords)


def rows_of(out):
    with open(out / "comparison.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_all_figures(pomona, models, photos, tmp_path):
    done = compare(pomona, models, ["all.onnx", "broken.onnx", "few.onnx"], photos, tmp_path / "o", "--rounds", "2")
    assert {path.name for path in (tmp_path / "o").iterdir()} == CHILDREN
    good, bad, few = rows_of(tmp_path / "o")
    assert [row["model"] for row in (good, bad, few)] == ["all.onnx", "broken.onnx", "few.onnx"]
    assert int(good["photos"]) == 120 and good["unknown"] == "0" and good["failed"] == "0"
    assert 0 <= float(good["top1_low"]) <= float(good["top1"]) <= float(good["top1_high"]) <= 1
    assert float(good["top1"]) > 0.8
    for row in (good, few):
        assert row["precision"] == "int8" and row["error"] == ""
        for figure in ("ms", "p99_ms", "photos_per_s", "ready_ms", "peak_memory", "file_bytes", "head_bytes", "macs",
                       "cpu_seconds"):
            assert float(row[figure]) > 0, figure
        assert float(row["ms_low"]) <= float(row["ms"]) <= float(row["ms_high"])
        assert float(row["ms"]) <= float(row["p99_ms_high"])
        assert float(row["peak_memory"]) > float(row["file_bytes"])
    assert int(good["file_bytes"]) == (models / "all.onnx").stat().st_size
    assert "broken.onnx" in bad["error"] and bad["ms"] == bad["top1"] == ""
    # The one that knows two of five labels is judged on their photos, and is not recommended for knowing less.
    assert int(few["photos"]) + int(few["unknown"]) == 120 and int(few["unknown"]) > 0
    assert float(few["answered"]) < float(good["answered"])
    assert [row["recommended"] for row in (good, bad, few)] == ["1", "0", "0"]
    assert "different labels" in done.stdout and "Could not be measured: broken.onnx" in done.stdout
    report = json.loads((tmp_path / "o/comparison.json").read_text())
    assert report["recommendation"]["chosen"] == 0 and report["recommendation"]["labels_differ"]
    assert report["rows"][1]["error"] and "ms" not in report["rows"][1]
    assert report["energy"] in ("rapl, whole packages", "cpu seconds, no RAPL readable")
    assert (report["rows"][0]["joules"] is None) == report["energy"].startswith("cpu")
    assert (tmp_path / "o/pareto.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "o/comparison.html").read_text()
    assert "all.onnx" in page and "broken.onnx" in page and "http://" not in page.replace("http://www.w3.org", "")


def test_answers_depend_on_photos_and_models_alone(pomona, models, photos, tmp_path):
    for name, threads in (("a", "1"), ("b", "3")):
        compare(pomona, models, ["all.onnx", "few.onnx"], photos, tmp_path / name, "--threads", threads, "-q")
    for a, b in zip(rows_of(tmp_path / "a"), rows_of(tmp_path / "b")):
        for figure in ("photos", "unknown", "failed", "rejected", "top1", "top1_low", "top1_high", "answered", "hash"):
            assert a[figure] == b[figure]


def test_budgets(pomona, models, photos, tmp_path):
    done = compare(pomona, models, ["all.onnx", "few.onnx"], photos, tmp_path / "o", "--budget",
                   "memory=1GB,ms=5000,bytes=1GB")
    assert "advice    Take all.onnx" in done.stdout
    done = compare(pomona, models, ["all.onnx", "few.onnx"], photos, tmp_path / "o", "--budget", "memory=1MB",
                   "--overwrite")
    assert "No model fits the budget. Over budget: all.onnx (memory" in done.stdout and "Nearest: " in done.stdout
    report = json.loads((tmp_path / "o/comparison.json").read_text())
    assert report["recommendation"]["reason"] == "none-fits" and report["recommendation"]["chosen"] is None
    assert report["rows"][0]["exceeds"] == ["memory"]
    for budget in ("memory", "speed=3", "ms=fast", "ms=20,ms=20", ""):
        done = compare(pomona, models, ["all.onnx"], photos, tmp_path / "p", "--budget", budget, status=1)
        assert "budget" in done.stderr and not (tmp_path / "p").exists()


def test_backbone_alone(pomona, models, photos, shared, tmp_path):
    network = shared / "data/models/mobilenet_v2_1.0_224_features.onnx"
    done = pomona("compare", network, models / "all.onnx", "--on", photos, "--out", tmp_path / "o", *QUICK)
    backbone, trained = rows_of(tmp_path / "o")
    assert backbone["top1"] == "" and backbone["head"] == "" and float(backbone["ms"]) > 0
    assert trained["recommended"] == "1"
    assert "Without a head, so without accuracy: mobilenet_v2_1.0_224_features.onnx" in done.stdout


def test_labels_from_a_file(pomona, models, photos, tmp_path):
    """Photos that the file does not name have no label; a label that no model knows is counted."""
    listed = sorted(photos.glob("*/*.jpg"))
    table = tmp_path / "labels.csv"
    table.write_text("path,label\n" + "".join(f"{path},{path.parent.name}\n" for path in listed[:60])
                     + f"{listed[60]},no such fruit\n")
    compare(pomona, models, ["all.onnx"], photos, tmp_path / "o", "--labels", table, "-q")
    row, = rows_of(tmp_path / "o")
    assert row["photos"] == "60" and row["unknown"] == "60"
    assert json.loads((tmp_path / "o/comparison.json").read_text())["unlabelled"] == 59


def test_photos_that_fail(pomona, models, photos, tmp_path):
    some = tmp_path / "photos"
    for path in sorted(photos.glob("*/*.jpg"))[:20]:
        (some / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, some / path.parent.name)
    label = next(some.iterdir())
    (label / "empty.jpg").write_bytes(b"")
    (label / "text.jpg").write_text("no photo")
    done = compare(pomona, models, ["all.onnx"], some, tmp_path / "o")
    row, = rows_of(tmp_path / "o")
    assert row["photos"] == "20" and row["failed"] == "2"
    assert "leaves out 2 photos that could not be read" in done.stdout
    for path in some.glob("*/*.jpg"):
        path.write_bytes(b"")
    done = compare(pomona, models, ["all.onnx"], some, tmp_path / "p", status=2)
    assert "none of" in done.stderr and not (tmp_path / "p").exists()


def test_labels_that_no_model_knows(pomona, models, photos, tmp_path):
    other = tmp_path / "other photos"
    shutil.copytree(next(path for path in photos.iterdir() if path.is_dir()), other / "a, \"quoted\" fruit \N{BANANA}")
    done = compare(pomona, models, ["all.onnx"], other, tmp_path / "o")
    assert "there is no accuracy to choose by" in done.stdout
    row, = rows_of(tmp_path / "o")
    assert row["top1"] == "" and row["photos"] == "0" and int(row["unknown"]) > 0 and row["recommended"] == "0"


def test_same_name_twice(pomona, models, photos, tmp_path):
    (tmp_path / "x").mkdir()
    shutil.copy(models / "few.onnx", tmp_path / "x/all.onnx")
    pomona("compare", models / "all.onnx", tmp_path / "x/all.onnx", "--on", photos, "--out", tmp_path / "o", *QUICK, "-q")
    assert [row["model"] for row in rows_of(tmp_path / "o")] == [str(models / "all.onnx"), str(tmp_path / "x/all.onnx")]


def test_usage(pomona, models, photos, tmp_path):
    for arguments, text in (((), "--on SRC"), (("--on", photos), "--out DIR"),
                            (("--on", photos, "--out", tmp_path / "o", "--sizes", "big"), "--sizes"),
                            (("--on", photos, "--out", tmp_path / "o", "--sizes", "160,,192"), "--sizes"),
                            (("--on", photos, "--out", tmp_path / "o", "--rounds", "0"), "rounds")):
        done = pomona("compare", models / "all.onnx", *arguments, status=1)
        assert text in done.stderr
    pomona("compare", models / "all.onnx", "--on", tmp_path / "none", "--out", tmp_path / "o", status=2)
    done = pomona("compare", models / "broken.onnx", "--on", photos, "--out", tmp_path / "o", status=2)
    assert "no model could be measured: broken.onnx" in done.stderr
    assert not (tmp_path / "o").exists()


def test_existing_results_stay(pomona, models, photos, tmp_path):
    compare(pomona, models, ["all.onnx"], photos, tmp_path / "o", "-q")
    (tmp_path / "o/mine.txt").write_text("mine")
    before = (tmp_path / "o/comparison.json").read_bytes()
    done = compare(pomona, models, ["few.onnx"], photos, tmp_path / "o", status=2)
    assert "--overwrite" in done.stderr and (tmp_path / "o/comparison.json").read_bytes() == before
    compare(pomona, models, ["broken.onnx"], photos, tmp_path / "o", "--overwrite", status=2)
    assert (tmp_path / "o/comparison.json").read_bytes() == before
    compare(pomona, models, ["few.onnx"], photos, tmp_path / "o", "--overwrite", "-q")
    assert rows_of(tmp_path / "o")[0]["model"] == "few.onnx" and (tmp_path / "o/mine.txt").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped(models, photos, tmp_path, number):
    """Ends at once, also in the middle of a measurement, and leaves neither files nor processes."""
    running = subprocess.Popen([POMONA, "compare", models / "all.onnx", "--on", photos, "--out", tmp_path / "o",
                                "--seconds", "60", "--photos", "10000"], stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    for line in running.stderr:
        if "round 1" in line:
            break
    time.sleep(0.3)
    os.killpg(running.pid, number) if number == signal.SIGINT else running.send_signal(number)
    start = time.monotonic()
    assert running.wait(timeout=30) == 130
    assert time.monotonic() - start < 5
    running.stderr.close()
    assert not (tmp_path / "o").exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)


def test_json(pomona, models, photos, tmp_path):
    done = compare(pomona, models, ["all.onnx", "embedded"], photos, tmp_path / "o", "--json", "-q")
    answer = json.loads(done.stdout)
    assert answer["rows"] == 2 and answer["chosen"] in (0, 1) and answer["advice"].startswith("Take ")
