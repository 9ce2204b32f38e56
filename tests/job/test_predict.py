"""pomona predict: what a user sees, end to end."""
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import POMONA

COLUMNS = ["path", "class", "probability", "coarse", "coarse_probability", "level", "rejected", "known", "error"]


@pytest.fixture(scope="module")
def model(pomona, photos, tmp_path_factory):
    """A classifier of the five kinds of fruit, with coarse classes."""
    folder = tmp_path_factory.mktemp("predict")
    labels = sorted(path.name for path in photos.iterdir() if path.is_dir())
    (folder / "classes.csv").write_text("class,coarse class\n" + "".join(
        f"{label},{label.split('-')[0]}\n" for label in labels))
    pomona("features", photos, "--out", folder / "features", "-q")
    pomona("train", folder / "features", "--hierarchy", folder / "classes.csv", "--out", folder / "fruit.onnx", "-q")
    return folder / "fruit.onnx"


@pytest.fixture(scope="module")
def answers(pomona, model, photos):
    text = pomona("predict", "--model", model, photos, "--json").stdout
    return [json.loads(line) for line in text.splitlines()]


def all_photos(photos):
    return sorted(photos.rglob("*.jpg"))


def test_json_has_one_answer_a_photo_in_order(answers, photos):
    assert [row["path"] for row in answers] == [f"file:{path}" for path in all_photos(photos)]
    labels = {path.parent.name for path in all_photos(photos)}
    for row in answers:
        assert set(row) == {*COLUMNS, "top"} and row["error"] is None
        assert row["class"] in labels and row["coarse"] in {label.split("-")[0] for label in labels}
        assert row["level"] in ("fine", "coarse", "rejected") and row["rejected"] == (row["level"] == "rejected")
        chances = [entry["probability"] for entry in row["top"]]
        assert len(chances) == 5 and chances == sorted(chances, reverse=True) and math.isclose(sum(chances), 1)
        assert (row["top"][0]["class"], chances[0]) == (row["class"], row["probability"])
    right = [row["class"] == row["path"].split("/")[-2] for row in answers]
    assert np.mean(right) > 0.9  # photos that it has learnt from


def test_formats_say_the_same(pomona, model, photos, answers, tmp_path):
    csv = pomona("predict", "--model", model, photos, "--csv").stdout
    assert csv.splitlines()[0] == ",".join(COLUMNS)
    table = pd.read_csv(io.StringIO(csv))
    pomona("predict", "--model", model, photos, "--parquet", "--out", tmp_path / "a.parquet")
    parquet = pq.read_table(tmp_path / "a.parquet")
    assert parquet.column_names == COLUMNS and parquet.schema.field("rejected").type == pa.bool_()
    for name in COLUMNS[:-1]:
        expected = [row[name] for row in answers]
        assert list(table[name]) == expected and parquet[name].to_pylist() == expected, name
    assert table.error.isna().all() and parquet["error"].null_count == len(answers)
    metadata = {key: value for key, value in parquet.schema.metadata.items() if key.startswith(b"pomona.")}
    assert len(metadata[b"pomona.feature_space"]) == 64


def test_out_gives_the_bytes_of_standard_output_and_is_not_overwritten(pomona, model, photos, tmp_path):
    for form in ([], ["--json"], ["--csv"]):
        out = tmp_path / "answers"
        done = pomona("predict", "--model", model, photos, *form, "--out", out)
        assert "120 answers" in done.stdout and os.listdir(tmp_path) == ["answers"]
        assert out.read_text() == pomona("predict", "--model", model, photos, *form).stdout
        assert "exists" in pomona("predict", "--model", model, photos, "--out", out, status=2).stderr
        pomona("predict", "--model", model, photos, "--top", "1", "--out", out, "--overwrite", "-q")
        out.unlink()


def test_threads_do_not_show(pomona, model, photos, tmp_path):
    for form in ("--json", "--csv", "--parquet"):
        for threads in "13":
            pomona("predict", "--model", model, photos, form, "--out", tmp_path / threads, "--threads", threads,
                   "--overwrite")
        assert (tmp_path / "1").read_bytes() == (tmp_path / "3").read_bytes()
        pomona("predict", "--model", model, photos, form, "--fuse", "--out", tmp_path / "3", "--threads", "3",
               "--overwrite")
        pomona("predict", "--model", model, photos, form, "--fuse", "--out", tmp_path / "1", "--threads", "1",
               "--overwrite")
        assert (tmp_path / "1").read_bytes() == (tmp_path / "3").read_bytes()


def test_text_is_a_block_for_one_photo_and_lines_for_more(pomona, model, photos):
    first, second = all_photos(photos)[:2]
    block = pomona("predict", "--model", model, first, "--top", "2", cwd=first.parent).stdout.splitlines()
    assert block[0] == f"photo     {first.name}" and block[1].startswith("answer    ")
    assert "%" in block[-2] and block[-2].startswith("top") and block[-1].startswith("   ")
    lines = pomona("predict", "--model", model, second, first).stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [str(second), str(first)]  # as given, not sorted
    assert all("%" in line or "not one of its classes" in line for line in lines)


def test_standard_input_is_a_photo_or_a_list(pomona, model, photos, answers, tmp_path):
    paths = all_photos(photos)[:3]
    with open(paths[1], "rb") as photo:
        row = json.loads(pomona("predict", "--model", model, "-", "--json", stdin=photo).stdout)
    assert row.pop("path") == "-" and row == {k: v for k, v in answers[1].items() if k != "path"}
    for end in ("\n", "\r\n", "\n\n"):
        text = end.join(map(str, paths))
        rows = pomona("predict", "--model", model, "-", "--json", input=text).stdout.splitlines()
        assert [json.loads(line) for line in rows] == answers[:3]
    with open(paths[1], "rb") as photo:
        rows = pomona("predict", "--model", model, paths[0], "-", "--csv", stdin=photo).stdout.splitlines()
    assert [row.split(",")[0] for row in rows] == ["path", "-", f"file:{paths[0]}"]
    assert "names no photo" in pomona("predict", "--model", model, "-", input="", status=2).stderr
    assert "neither" in pomona("predict", "--model", model, "-", input="a\0b", status=2).stderr
    assert "once" in pomona("predict", "--model", model, "-", "-", input="a", status=1).stderr
    broken = paths[0].read_bytes()[:300]
    done = subprocess.run([POMONA, "predict", "--model", model, "-", "--json"], input=broken, capture_output=True)
    assert done.returncode == 3 and json.loads(done.stdout)["error"].startswith("-: ")


def test_bad_photos_are_rows(pomona, model, photos, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    good = all_photos(photos)[0]
    shutil.copy(good, folder / "b.jpg")
    (folder / "a.jpg").write_bytes(good.read_bytes()[:500])
    (folder / "note.txt").write_text("no photo")
    done = pomona("predict", "--model", model, folder, folder / "note.txt", "nosuch.jpg", "--json", status=3)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["path"].split("/")[-1] for row in rows] == ["a.jpg", "b.jpg", "note.txt", "nosuch.jpg"]
    assert [bool(row["error"]) for row in rows] == [True, False, True, True] and "3 of 4 photos" in done.stderr
    assert rows[0]["class"] is None and rows[0]["top"] is None and "note.txt" in rows[2]["error"]
    table = pd.read_csv(io.StringIO(pomona("predict", "--model", model, folder, "--csv", "--max-errors", "1").stdout))
    assert list(table.error.isna()) == [False, True] and list(table["class"].isna()) == [True, False]
    done = pomona("predict", "--model", model, folder, "--max-errors", "-1")
    assert len(done.stdout.splitlines()) == 1 and "a.jpg" in done.stderr
    pomona("predict", "--model", model, folder, "--parquet", "--out", tmp_path / "rows", status=3)
    assert pq.read_table(tmp_path / "rows")["error"].null_count == 1


def test_folders_by_pattern_files_by_name(pomona, model, photos, tmp_path):
    folder = tmp_path / "photos/deep"
    folder.mkdir(parents=True)
    for name in ("a.jpg", "b.JPG", "c"):
        shutil.copy(all_photos(photos)[0], folder / name)

    def names(*arguments):
        text = pomona("predict", "--model", model, *arguments, "--csv").stdout
        return [path.split("/")[-1] for path in pd.read_csv(io.StringIO(text)).path]

    assert names(folder.parent) == ["a.jpg"]
    assert names(folder.parent, "--glob", "*.{jpg,JPG}") == ["a.jpg", "b.JPG"]
    assert names(folder / "c", folder) == ["c", "a.jpg"]
    (tmp_path / "empty").mkdir()
    assert "no photo matches" in pomona("predict", "--model", model, tmp_path / "empty", status=2).stderr


def fused(rows):
    """The mean of known, and what the mean log-probability says of the classes."""
    names = sorted(entry["class"] for entry in rows[0]["top"])
    logs = np.mean([[math.log(max({e["class"]: e["probability"] for e in row["top"]}[name], sys.float_info.min))
                     for name in names] for row in rows], axis=0)
    chances = np.exp(logs) / np.exp(logs).sum()
    return dict(zip(names, chances)), np.mean([row["known"] for row in rows])


def close(row, chances):
    return all(math.isclose(entry["probability"], chances[entry["class"]], rel_tol=1e-9, abs_tol=1e-290)
               for entry in row["top"])


def test_fuse_joins_photos(pomona, model, photos, answers, tmp_path):
    row = json.loads(pomona("predict", "--model", model, photos, "--fuse", "--json").stdout)
    chances, known = fused(answers)
    assert row["path"] == "all" and row["photos"] == 120 and math.isclose(row["known"], known)
    assert close(row, chances)
    text = pomona("predict", "--model", model, photos, "--fuse", "--group", "photos/([^/]+)/", "--json").stdout
    rows = [json.loads(line) for line in text.splitlines()]
    labels = list(dict.fromkeys(path.parent.name for path in all_photos(photos)))
    assert [row["path"] for row in rows] == labels and [row["photos"] for row in rows] == [24] * 5
    for row, label in zip(rows, labels):
        chances, known = fused([answer for answer in answers if f"/{label}/" in answer["path"]])
        assert row["class"] == label and math.isclose(row["known"], known)
        assert close(row, chances)
    whole = pomona("predict", "--model", model, photos, "--fuse", "--group", "photos/[^/]+/", "--csv").stdout
    table = pd.read_csv(io.StringIO(whole))
    assert list(table.path) == [f"photos/{label}/" for label in labels] and list(table.columns) == [*COLUMNS, "photos"]
    many = pomona("predict", "--model", model, photos, "--fuse", "--group", "[^/]*$", "--csv").stdout
    assert pd.read_csv(io.StringIO(many)).photos.sum() == 120
    assert "photos    120" in pomona("predict", "--model", model, photos, "--fuse").stdout


def test_fuse_and_bad_photos(pomona, model, photos, tmp_path):
    (tmp_path / "bad.jpg").write_text("no photo")
    done = pomona("predict", "--model", model, photos, tmp_path, "--fuse", "--csv", status=3)
    table = pd.read_csv(io.StringIO(done.stdout))
    assert list(table.path) == [f"file:{tmp_path}/bad.jpg", "all"] and table.photos[1] == 120
    assert "does not match" in pomona("predict", "--model", model, photos, "--fuse", "--group", "nothing",
                                      status=2).stderr
    assert "regular expression" in pomona("predict", "--model", model, photos, "--fuse", "--group", "(",
                                          status=1).stderr


def test_bad_usage(pomona, model, photos, tmp_path):
    for arguments in ([], [photos, "--json", "--csv"], [photos, "--parquet"], [photos, "--group", "a"],
                      [photos, "--top", "0"]):
        assert pomona("predict", "--model", model, *arguments, status=1).stderr
    assert "missing.onnx" in pomona("predict", "--model", "missing.onnx", photos, status=2).stderr
    out = tmp_path / "no/such/folder"
    assert pomona("predict", "--model", model, photos, "--out", out, status=None).returncode in (2, 4)


def test_interrupted_leaves_no_file(model, photos, tmp_path):
    paths = "\n".join(str(path) for path in all_photos(photos)) + "\n"
    (tmp_path / "list").write_text(paths * 2000)
    with open(tmp_path / "list") as many:
        process = subprocess.Popen([POMONA, "predict", "--model", model, "-", "--csv", "--out", tmp_path / "out"],
                                   stdin=many, stderr=subprocess.PIPE)
        deadline = time.time() + 30
        while not (tmp_path / "out.tmp").exists() and time.time() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        stderr = process.communicate(timeout=30)[1]
    assert process.returncode == 130 and b"interrupted" in stderr
    assert os.listdir(tmp_path) == ["list"]
