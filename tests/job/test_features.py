"""pomona features: what a user sees, end to end."""
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from conftest import POMONA


def parts(folder):
    """The bytes of every file of a result but run.json, by name."""
    return {os.path.relpath(os.path.join(base, name), folder): open(os.path.join(base, name), "rb").read()
            for base, _, names in os.walk(folder) for name in names if name != "run.json"}


def rows(folder):
    return pd.read_parquet(folder / "Results").set_index("path").sort_index()


@pytest.fixture(scope="module")
def result(pomona, photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("features") / "out"
    pomona("features", photos, "--out", out, "--partitions", "7", "-q")
    return out


def test_writes_what_the_manual_says(result, photos):
    names = sorted(os.listdir(result / "Results"))
    assert sorted(os.listdir(result)) == ["Results", "moments.pom", "run.json"]
    assert names[0] == "_SUCCESS" and len(names) == 8
    success = json.loads((result / "Results/_SUCCESS").read_text())
    assert [part["name"] for part in success["parts"]] == names[1:]
    for number, part in enumerate(success["parts"]):
        assert part["name"] == f"part-{number:05d}-{success['job']}-c000.snappy.parquet"
        content = (result / "Results" / part["name"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (part["bytes"], part["sha256"])
    run = json.loads((result / "run.json").read_text())
    assert run["counts"]["photos"] == run["counts"]["rows"] == 120 == sum(part["rows"] for part in success["parts"])
    assert run["counts"]["errors"] == 0 and run["counts"]["skipped"] == 1  # the sample's README.txt
    assert run["images_per_second"] > 0 and run["seconds"]["total"] > 0 and len(run["model"]["hash"]) == 64


def test_rows_are_sorted_complete_and_labelled(result, photos):
    tables = [pq.read_table(path).to_pandas() for path in sorted((result / "Results").glob("part-*"))]
    table = pd.concat(tables)
    paths = sorted(f"file:{path}" for path in photos.rglob("*.jpg"))
    assert list(table.path) == paths
    assert list(table.label) == [path.split("/")[-2] for path in paths]
    assert {len(f) for f in table.features} == {json.loads((result / "run.json").read_text())["model"]["features"]}
    assert all(len(t) in (17, 18) for t in tables)  # contiguous, even runs


def test_duckdb_reads_it(result):
    (count, width), = duckdb.sql(f"select count(*), min(len(features)) from '{result}/Results/*.parquet'").fetchall()
    assert count == 120 and width > 0


def test_bytes_do_not_depend_on_threads(pomona, photos, result, tmp_path):
    for threads in "1", "2", "5":
        pomona("features", photos, "--out", tmp_path / threads, "--partitions", "7", "--threads", threads, "-q")
        assert parts(tmp_path / threads) == parts(result)


def test_values_do_not_depend_on_partitions(pomona, photos, result, tmp_path):
    pomona("features", photos, "--out", tmp_path / "one", "--partitions", "1", "-q")
    assert len(list((tmp_path / "one/Results").glob("part-*"))) == 1
    diff = json.loads(pomona("diff", result / "Results", tmp_path / "one/Results", "--json").stdout)
    assert diff["same"] and diff["identical"] == 120


@pytest.mark.parametrize("layout, inner", [("legacy", "bag"), ("standard", "list")])
@pytest.mark.parametrize("compression, suffix", [("snappy", ".snappy.parquet"), ("zstd", ".zstd.parquet"), ("none", ".parquet")])
def test_layouts_and_codecs(pomona, photos, result, tmp_path, layout, inner, compression, suffix):
    pomona("features", photos, "--out", tmp_path / "o", "--list-layout", layout, "--compression", compression, "-q")
    files = sorted((tmp_path / "o/Results").glob("part-*"))
    assert all(path.name.endswith("c000" + suffix) for path in files)
    assert inner in str(pq.ParquetFile(files[0]).schema)
    pd.testing.assert_frame_equal(rows(tmp_path / "o"), rows(result))


def test_limit_glob_and_skipped(pomona, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "p")
    (tmp_path / "p/Other.JPG").write_bytes(next(photos.rglob("*.jpg")).read_bytes())
    (tmp_path / "p/_hidden.jpg").write_bytes(b"x")
    done = pomona("features", tmp_path / "p", "--out", tmp_path / "a", "--limit", "10")
    assert "skipped   3 files" in done.stdout and len(rows(tmp_path / "a")) == 10
    pomona("features", tmp_path / "p", "--out", tmp_path / "b", "--glob", "*.{JPG,jpg}", "-q")
    assert len(rows(tmp_path / "b")) == 121
    assert rows(tmp_path / "b").label[f"file:{tmp_path}/p/Other.JPG"] == "p"  # the root's own name, as Spark has it


def test_dry_run_writes_nothing(pomona, photos, tmp_path):
    done = pomona("features", photos, "--out", tmp_path / "o", "--dry-run")
    assert "120 photos in 20 parts" in done.stdout and not (tmp_path / "o").exists()


def test_labels_file(pomona, photos, tmp_path):
    names = sorted(str(path.relative_to(photos)) for path in photos.rglob("*.jpg"))
    with open(tmp_path / "labels.csv", "w") as file:
        file.write("label,path\r\n")
        file.write(f'"a ""quoted"", label","{names[0]}"\r\n{"é🍎"},{photos}/{names[1]}\r\nc,file:{photos}/{names[2]}\r\n')
    done = pomona("features", photos, "--out", tmp_path / "o", "--labels", tmp_path / "labels.csv")
    labels = list(rows(tmp_path / "o").label)
    assert labels[:3] == ['a "quoted", label', "é🍎", "c"] and all(pd.isna(label) for label in labels[3:])
    assert "117 photos are not in the labels file" in done.stdout


def test_labels_file_without_columns(pomona, photos, tmp_path):
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    done = pomona("features", photos, "--out", tmp_path / "o", "--labels", tmp_path / "bad.csv", status=2)
    assert "bad.csv" in done.stderr and not (tmp_path / "o").exists()


def test_json_is_run_json(pomona, photos, tmp_path):
    done = pomona("features", photos, "--out", tmp_path / "o", "--json", "--limit", "5", "-q")
    assert json.loads(done.stdout)["job"] == json.loads((tmp_path / "o/run.json").read_text())["job"]


def test_progress_lines_when_not_a_terminal(pomona, photos, tmp_path):
    done = pomona("features", photos, "--out", tmp_path / "o")
    assert "120/120 photos (100 %)" in done.stderr and "\r" not in done.stderr
    assert pomona("features", photos, "--out", tmp_path / "q", "-q").stderr == ""


# --- destinations ---------------------------------------------------------------------------------------------------

def test_existing_results_are_refused_then_replaced(pomona, photos, result, tmp_path):
    out = tmp_path / "o"
    shutil.copytree(result, out)
    (out / "notes.txt").write_text("mine")
    before = parts(out)
    done = pomona("features", photos, "--out", out, status=2)
    assert "--overwrite" in done.stderr and parts(out) == before
    pomona("features", photos, "--out", out, "--limit", "9", "--overwrite", "-q")
    assert len(rows(out)) == 9 and (out / "notes.txt").read_text() == "mine" and not (out / "_temporary").exists()


def test_failed_overwrite_keeps_the_old_result(pomona, photos, result, tmp_path):
    out = tmp_path / "o"
    shutil.copytree(result, out)
    before = parts(out)
    pomona("features", tmp_path / "nowhere", "--out", out, "--overwrite", status=2)
    assert parts(out) == before


def test_overwrite_drops_old_errors(pomona, photos, tmp_path):
    source = tmp_path / "p"
    shutil.copytree(photos, source)
    (source / "bad.jpg").write_bytes(b"")
    pomona("features", source, "--out", tmp_path / "o", "-q", status=3)
    assert (tmp_path / "o/Errors").is_dir()
    (source / "bad.jpg").unlink()
    pomona("features", source, "--out", tmp_path / "o", "-q", "--overwrite")
    assert not (tmp_path / "o/Errors").exists()


def test_resume_of_a_finished_job_does_nothing(pomona, photos, result, tmp_path):
    out = tmp_path / "o"
    shutil.copytree(result, out)
    done = pomona("features", photos, "--out", out, "--partitions", "7", "--resume")
    assert "already" in done.stdout and parts(out) == parts(result)
    done = pomona("features", photos, "--out", out, "--partitions", "6", "--resume", status=2)
    assert "another job" in done.stderr


def test_two_jobs_in_one_destination(pomona, photos, tmp_path):
    import fcntl
    (tmp_path / "o/_temporary").mkdir(parents=True)
    with open(tmp_path / "o/_temporary/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = pomona("features", photos, "--out", tmp_path / "o", "--overwrite", status=2)
    assert "another job" in done.stderr


def test_full_disk(pomona, photos, tmp_path):
    import resource

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # write() then fails with EFBIG
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    done = pomona("features", photos, "--out", tmp_path / "o", "--partitions", "1", "--compression", "none", "-q", status=4,
                  preexec_fn=small_files)
    assert "cannot write" in done.stderr and not (tmp_path / "o/Results").exists()
    pomona("features", photos, "--out", tmp_path / "o", "--partitions", "1", "--compression", "none", "-q", "--resume")
    pomona("features", photos, "--out", tmp_path / "p", "--partitions", "1", "--compression", "none", "-q")
    assert parts(tmp_path / "o") == parts(tmp_path / "p")


# --- interruptions --------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def many(pomona, tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    pomona("sample", "--out", folder / "photos", "--count", "3000", "--classes", "7", "-q")
    for number in range(0, 3000, 37):  # some that fail, so that errors are resumed too
        (folder / f"photos/bad{number}.jpg").write_bytes(b"not a photo")
    start = time.time()
    pomona("features", folder / "photos", "--out", folder / "whole", "--partitions", "9", "-q", "--max-errors", "-1")
    return folder, time.time() - start


def start(many, out, *options):
    return subprocess.Popen([POMONA, "features", many / "photos", "--out", out, "--partitions", "9", "--max-errors", "-1", "-q",
                             *options], stderr=subprocess.DEVNULL)


def test_kill_and_resume_gives_the_same_bytes(pomona, many, tmp_path):
    """kill -9 at many moments of one job, each time going on with --resume."""
    folder, seconds = many

    def kills_of(share):
        shutil.rmtree(tmp_path / "o", ignore_errors=True)
        for attempt in range(12):
            job = start(folder, tmp_path / "o", "--resume")
            time.sleep(share * seconds * (0.05 + 0.3 * (attempt * 0.618 % 1)))
            job.send_signal(signal.SIGKILL)
            code = job.wait()
            assert code in (0, -signal.SIGKILL), "a resumed run failed by itself"
            if code == 0:
                return attempt
            if (tmp_path / "o/Results/_SUCCESS").exists():  # killed between the last rename and the removal of _temporary
                assert parts(tmp_path / "o") == parts(folder / "whole")
        assert start(folder, tmp_path / "o", "--resume").wait() == 0  # a busy machine: the last run goes on undisturbed
        return 12

    # The clock of a shared machine is no friend of tests: a job that ends before it is killed twice is begun anew, with less time.
    assert any(kills_of(share) >= 2 for share in (1, 0.5, 0.25, 0.1)), "the job was too short to be killed"
    assert parts(tmp_path / "o") == parts(folder / "whole") and not (tmp_path / "o/_temporary").exists()


def test_sigterm_finishes_the_photo_and_can_be_resumed(pomona, many, tmp_path):
    folder, seconds = many
    job = start(folder, tmp_path / "o")
    time.sleep(seconds * 0.5)
    job.send_signal(signal.SIGTERM)
    assert job.wait(10) == 130
    assert (tmp_path / "o/_temporary").is_dir() and not (tmp_path / "o/Results").exists()
    done = pomona("features", folder / "photos", "--out", tmp_path / "o", "--partitions", "9", "--max-errors", "-1", status=2)
    assert "--resume" in done.stderr
    done = pomona("features", folder / "photos", "--out", tmp_path / "o", "--partitions", "9", "--max-errors", "-1", "--resume",
                  "--json", "-q")
    assert json.loads(done.stdout)["counts"]["resumed"] > 0
    assert parts(tmp_path / "o") == parts(folder / "whole")


def test_damaged_journal_loses_only_its_tail(pomona, many, tmp_path):
    folder, seconds = many
    job = start(folder, tmp_path / "o")
    while not list(tmp_path.glob("o/_temporary/journal-*")) or max(
            path.stat().st_size for path in tmp_path.glob("o/_temporary/journal-*")) < 20_000:
        assert job.poll() is None, "the job ended before it could be killed"
        time.sleep(0.002)
    job.kill()
    job.wait()
    journal, = tmp_path.glob("o/_temporary/journal-*")
    content = bytearray(journal.read_bytes())
    content[len(content) // 2] ^= 0x40
    journal.write_bytes(content)
    assert start(folder, tmp_path / "o", "--resume").wait() == 0
    assert parts(tmp_path / "o") == parts(folder / "whole")


def test_resume_refuses_another_job(pomona, many, tmp_path):
    folder, seconds = many
    job = start(folder, tmp_path / "o")
    time.sleep(seconds * 0.5)
    job.send_signal(signal.SIGTERM)
    assert job.wait(10) == 130
    done = pomona("features", folder / "photos", "--out", tmp_path / "o", "--partitions", "8", "--resume", status=2)
    assert "another interrupted job" in done.stderr


# --- bad input ------------------------------------------------------------------------------------------------------

def test_bad_photos_become_error_rows(pomona, photos, tmp_path):
    good = sorted(photos.rglob("*.jpg"))[:3]
    content = good[0].read_bytes()
    source = tmp_path / "p"
    source.mkdir()
    header = content.index(b"\xff\xc0")
    giant = content[:header + 5] + b"\xff\xdc\xff\xdc" + content[header + 9:]
    bad = {"truncated": content[:-200], "no-end": content[:-2], "empty": b"", "png": b"\x89PNG\r\n\x1a\n" + bytes(100),
           "giant": giant, "noise": bytes(range(256)) * 4}
    for name, data in bad.items():
        (source / f"{name}.jpg").write_bytes(data)
    (source / "dangling.jpg").symlink_to("nowhere")
    (source / "loop.jpg").symlink_to("loop.jpg")
    for number, path in enumerate(good):
        shutil.copy(path, source / f"good{number}.jpg")
    done = pomona("features", source, "--out", tmp_path / "o", "-q", status=3)
    assert "8 of 11 photos failed" in done.stderr
    errors = pd.read_parquet(tmp_path / "o/Errors").set_index("path").reason
    reasons = {path.split("/")[-1].removesuffix(".jpg"): reason for path, reason in errors.items()}
    assert list(errors.index) == sorted(errors.index) and set(reasons) == set(bad) | {"dangling", "loop"}
    for name, words in {"truncated": "truncated", "no-end": "truncated", "empty": "empty", "png": "PNG", "giant": "pixels",
                        "noise": "not a JPEG", "dangling": "No such file", "loop": "symbolic links"}.items():
        assert words in reasons[name] and f"{name}.jpg" in reasons[name], reasons[name]
    assert len(rows(tmp_path / "o")) == 3
    assert len(json.loads((tmp_path / "o/run.json").read_text())["first_failures"]) == 8
    pomona("features", source, "--out", tmp_path / "m", "-q", "--max-errors", "8")
    pomona("features", source, "--out", tmp_path / "n", "-q", "--max-errors", "7", status=3)


def test_odd_names(pomona, photos, tmp_path):
    content = next(photos.rglob("*.jpg")).read_bytes()
    names = [b"two words.jpg", b"quote'\".jpg", b"new\nline.jpg", "é🍎.jpg".encode(), b"caf\xe9.jpg", b"100%25.jpg"]
    folder = os.path.join(os.fsencode(tmp_path), b"p", b"l\xe9gume")
    os.makedirs(folder)
    for name in names:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
    pomona("features", tmp_path / "p", "--out", tmp_path / "o", "-q")
    table = rows(tmp_path / "o")
    prefix = f"file:{tmp_path}/p/l%E9gume/"
    assert sorted(table.index) == sorted(prefix + name for name in
                                         ["two words.jpg", "quote'\".jpg", "new\nline.jpg", "é🍎.jpg", "caf%E9.jpg", "100%25.jpg"])
    assert set(table.label) == {"l%E9gume"}


def test_folder_loops_are_entered_once(pomona, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "p")
    (tmp_path / "p/again").symlink_to(".", target_is_directory=True)
    pomona("features", tmp_path / "p", "--out", tmp_path / "o", "-q")
    assert len(rows(tmp_path / "o")) == 120


def test_unreadable_photo(pomona, photos, tmp_path):
    source = tmp_path / "p"
    source.mkdir()
    for number, path in enumerate(sorted(photos.rglob("*.jpg"))[:2]):
        shutil.copy(path, source / f"{number}.jpg")
    (source / "0.jpg").chmod(0)
    os.chmod(tmp_path.parent.parent, 0o755), os.chmod(tmp_path.parent, 0o755), os.chmod(tmp_path, 0o777)
    as_nobody = {"user": 65534, "group": 65534} if os.getuid() == 0 else {}
    if as_nobody and subprocess.run(["test", "-x", POMONA], **as_nobody).returncode:
        shutil.copy(POMONA, tmp_path / "pomona")
        done = subprocess.run([tmp_path / "pomona", "features", source, "--out", tmp_path / "o", "-q"], **as_nobody,
                              capture_output=True, text=True)
        assert done.returncode == 3, done.stderr
    else:
        pomona("features", source, "--out", tmp_path / "o", "-q", status=3, **as_nobody)
    errors = pd.read_parquet(tmp_path / "o/Errors")
    assert len(errors) == 1 and "Permission denied" in errors.reason[0]


@pytest.mark.parametrize("content, words", [("missing", "No such file"), ("folder", "no photo matches"), ("file.txt", "not a JPEG")])
def test_bad_sources(pomona, tmp_path, content, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.txt").write_text("hello")
    done = pomona("features", tmp_path / content, "--out", tmp_path / "o", "-q", status=None)
    if content == "file.txt":
        assert done.returncode == 3 and words in pd.read_parquet(tmp_path / "o/Errors").reason[0]
    else:
        assert done.returncode == 2 and words in done.stderr and not (tmp_path / "o").exists()


@pytest.mark.parametrize("content, words", [(b"", "empty"), (b"hello, this is no model", ""), (None, "No such file")])
def test_bad_models(pomona, photos, tmp_path, content, words):
    if content is not None:
        (tmp_path / "m.onnx").write_bytes(content)
    done = pomona("features", photos, "--out", tmp_path / "o", "--model", tmp_path / "m.onnx", status=2)
    assert "m.onnx" in done.stderr and words in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("options", [["--partitions", "0"], ["--threads", "x"], ["--nonsense"], ["--limit"], ["--compression", "lzma"],
                                     ["--resume", "--overwrite"], ["--list-layout", "odd"], ["--tier", "mmx"]])
def test_bad_usage(pomona, photos, tmp_path, options):
    done = pomona("features", photos, "--out", tmp_path / "o", *options, status=1)
    assert done.stderr.startswith("pomona") and not (tmp_path / "o").exists()


# --- parity with the reference --------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def grocery(pomona, shared, tmp_path_factory):
    out = tmp_path_factory.mktemp("grocery") / "out"
    pomona("features", shared / "data/grocery/val", "--out", out, "-q",
           "--model", shared / "data/models/mobilenet_v2_1.0_224_features.onnx")
    return out


def test_equal_to_the_reference(pomona, shared, grocery):
    done = pomona("diff", grocery / "Results", shared / "data/expected/val_features.parquet", "--tolerance", "1e-3", "--json")
    diff = json.loads(done.stdout)
    assert diff["common"] == diff["rows_a"] == diff["rows_b"] == 296 and diff["cosine_min"] > 0.9999999


def test_equal_to_onnx_runtime(shared, grocery):
    import onnxruntime
    from PIL import Image
    session = onnxruntime.InferenceSession(shared / "data/models/mobilenet_v2_1.0_224_features.onnx")
    name, worst = session.get_inputs()[0].name, 0
    for path, row in list(rows(grocery).iterrows())[::3]:
        pixels = np.asarray(Image.open(path.removeprefix("file:")).resize((224, 224)), np.float32)
        expected = session.run(None, {name: (pixels / np.float32(127.5) - 1)[None]})[0][0]
        worst = max(worst, np.abs(expected - row.features).max())
    assert worst <= 1e-4, worst


def test_whole_classifier_and_features_model_agree(pomona, shared, grocery, tmp_path):
    pomona("features", shared / "data/grocery/val", "--out", tmp_path / "o", "-q",
           "--model", shared / "data/models/mobilenet_v2_1.0_224.onnx", "--limit", "40")
    whole, features = rows(tmp_path / "o"), rows(grocery)
    worst = max(np.abs(whole.features[path] - features.features[path]).max() for path in whole.index)
    assert worst <= 1e-4, worst


def matrix(folder):
    return np.stack(rows(folder).features.to_numpy())


def test_views_are_averaged_and_of_another_space(pomona, photos, result, tmp_path):
    spaces, features = {}, {}
    for name, views in ("plain", "100c"), ("zoom", "60"), ("both", "scales"), ("mirror", "100m"), ("flip", "flip"):
        pomona("features", photos, "--out", tmp_path / name, "--views", views, "-q")
        run = json.loads((tmp_path / name / "run.json").read_text())
        spaces[name], features[name] = run["feature_space"], matrix(tmp_path / name)
        assert run["profile"]["text"].endswith("layout=rgb") == (name == "plain")
    assert json.loads((tmp_path / "both/run.json").read_text())["profile"]["text"].endswith(" views=100c,60c")
    assert len(set(spaces.values())) == 5
    assert spaces["plain"] == json.loads((result / "run.json").read_text())["feature_space"]
    for mean, one in ("both", "zoom"), ("flip", "mirror"):
        expected = (features["plain"].astype(np.float64) + features[one]) / 2
        assert (features[mean] == expected.astype(np.float32)).all()
        assert not (features["plain"] == features[one]).all()
    pomona("features", photos, "--out", tmp_path / "threads", "--views", "flip", "--threads", "3", "-q")
    assert parts(tmp_path / "threads") == parts(tmp_path / "flip")
    refused = pomona("features", photos, "--out", tmp_path / "no", "--views", "60x", "-q", status=1)
    assert "60x" in refused.stderr and not (tmp_path / "no").exists()


def test_another_input_size(pomona, photos, result, tmp_path):
    pomona("features", photos, "--out", tmp_path / "o", "--size", "128", "--limit", "6", "-q")
    run = json.loads((tmp_path / "o/run.json").read_text())
    assert " size=128x128 " in run["profile"]["text"]
    assert run["feature_space"] != json.loads((result / "run.json").read_text())["feature_space"]
    info = json.loads(pomona("model", "info", "--size", "128", "--views", "flip", "--json").stdout)
    assert (info["input_width"], info["input_height"], info["views"]) == (128, 128, 2)
    assert info["features"] == run["model"]["features"] and " views=100c,100cm" in info["profile"]
    assert "several views" in pomona("model", "info", "--views", "crops").stdout
