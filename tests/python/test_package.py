"""The Python package: features. The same as the command line's, to the bit; Arrow, threads, pickles, and what can go wrong."""
import gc
import hashlib
import inspect
import os
import pathlib
import pickle
import pydoc
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import ROOT

package = pytest.importorskip("pomona", reason="the wheel is not installed")
GOLDEN = ROOT / "tests/golden"
BAD = b"no photo"


@pytest.fixture(scope="module")
def files(photos):
    return sorted(photos.rglob("*.jpg"))


@pytest.fixture(scope="module")
def model():
    return package.Model()


@pytest.fixture(scope="module")
def features(model, files):
    made = model.features(files)
    made.flags.writeable = False
    return made


def stored(folder):
    """Features of a result of the command line, sorted by path."""
    table = pq.read_table(folder / "Results").sort_by("path")
    return np.array(table.column("features").to_pylist(), np.float32), table.column("path").to_pylist()


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def batch_of(files, **columns):
    content = pa.array([path.read_bytes() for path in files], pa.binary())
    return pa.record_batch({"path": pa.array([f"file:{path}" for path in files]), "content": content, **columns})


# ---- equal to the command line

@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_features_are_those_of_the_command_line(pomona, photos, files, tmp_path, precision):
    pomona("features", photos, "--out", tmp_path / "out", "--precision", precision, "-q")
    expected, paths = stored(tmp_path / "out")
    assert paths == [f"file:{path}" for path in files]
    opened = package.Model(precision=precision)
    assert same(opened.features(files), expected)
    assert opened.info["precision"] == precision
    metadata = pq.read_table(next((tmp_path / "out/Results").glob("*.parquet"))).schema.metadata
    assert metadata[b"pomona.feature_space"].decode() == opened.feature_space
    assert metadata[b"pomona.model_hash"].decode() == opened.hash


def test_a_model_of_a_file(pomona, photos, files, tmp_path):
    path = ROOT / "models/pomona-s.onnx"
    pomona("features", photos, "--out", tmp_path / "out", "--model", path, "--views", "flip", "--decode", "scaled", "-q")
    opened = package.Model(path, views="flip", decode="scaled")
    assert same(opened.features(files[::7]), stored(tmp_path / "out")[0][::7])
    in_memory = package.Model(path.read_bytes(), views="flip", decode="scaled")
    assert in_memory.feature_space == opened.feature_space and in_memory.info["views"] == 2
    assert same(in_memory.features(files[:3]), opened.features(files[:3]))


def test_every_tier_has_the_same_bytes(model, files, features):
    for tier in ("scalar", "avx2", "avx512", "neon", "neondot"):
        try:
            other = package.Model(tier=tier)
        except package.InputError as failure:
            assert "can't run on this machine" in str(failure)
            continue
        assert other.tier == tier
        assert same(other.features(files[:8]), features[:8])
        assert other.feature_space == model.feature_space


def test_golden_vectors(model):
    expected = np.fromfile(GOLDEN / "features.f32", "<f4").reshape(6, -1)
    golden = dict(line.split() for line in (GOLDEN / "golden.txt").read_text().splitlines())
    names = [GOLDEN / f"{i}.jpg" for i in range(6)]
    assert np.abs(package.Model(precision="fp32").features(names) - expected).max() <= 1e-4
    assert model.hash == golden["integers"]
    assert hashlib.sha256(model.features(names).tobytes()).hexdigest() == golden["bits"]


def test_sample_draws_what_the_command_line_draws(pomona, tmp_path):
    pomona("sample", "--out", tmp_path / "a", "--count", "9", "--classes", "3", "--seed", "5", "-q")
    package.sample(tmp_path / "b", 9, classes=3, seed=5)
    names = sorted(str(path.relative_to(tmp_path / "a")) for path in (tmp_path / "a").rglob("*.jpg"))
    assert len(names) == 9
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)
    with pytest.raises(package.UsageError, match="b"):
        package.sample(tmp_path / "b", 9)


# ---- how photos are given

def test_paths_bytes_and_views_of_bytes(model, files, features):
    content = files[0].read_bytes()
    given = [files[0], str(files[0]), content, bytearray(content), memoryview(content)]
    assert same(model.features(iter(given)), features[[0] * 5])


def test_no_photos(model):
    found, reasons = model.features([], errors="return")
    assert found.shape == (0, model.width) and reasons == []


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_and_neighbours_change_nothing(model, files, features, threads):
    mixed = [BAD if i % 10 == 9 else path for i, path in enumerate(files)]
    found, reasons = model.features(mixed, errors="return", threads=threads)
    good = [i for i in range(len(files)) if i % 10 != 9]
    assert same(found[good], features[good])
    assert [i for i, reason in enumerate(reasons) if reason] == list(range(9, len(files), 10))
    assert np.isnan(found[9::10]).all()


def test_threads_may_share_a_model(model, files, features):
    found = [None] * 6

    def run(number):
        found[number] = model.features(files[number::6], threads=1)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(same(found[i], features[i::6]) for i in range(6))
    seconds = model.seconds()
    assert set(seconds) == {"decode", "resize", "net"} and min(seconds.values()) > 0


def test_others_run_while_the_network_does(tmp_path):
    """One chunk of large photos is one call into C; with the GIL held no other thread would count during it."""
    package.sample(tmp_path / "large", 4, size=1200, classes=2)
    large = [path.read_bytes() for path in (tmp_path / "large").rglob("*.jpg")] * 8
    opened = package.Model(precision="fp32")
    opened.features(large[:1])
    ticks, done = [], threading.Event()

    def count():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    other = threading.Thread(target=count)
    other.start()
    start = time.perf_counter()
    opened.features(large, threads=1)
    end = time.perf_counter()
    done.set()
    other.join()
    inside = [tick for tick in ticks if start + 0.1 * (end - start) < tick < end - 0.1 * (end - start)]
    assert len(inside) >= 5


# ---- what can go wrong

def test_a_photo_that_fails_is_named(model, files, tmp_path):
    corrupt = tmp_path / "cut.jpg"
    corrupt.write_bytes(files[0].read_bytes()[:700])
    missing = tmp_path / "missing.jpg"
    for photo, words in ((corrupt, "cut.jpg: "), (missing, "missing.jpg: No such file"), (tmp_path, "Is a directory"),
                         (BAD, "photo 1: "), (b"", "photo 1: ")):
        with pytest.raises(package.InputError, match=words) as caught:
            model.features([files[0], photo, files[1]])
        assert isinstance(caught.value, ValueError) and isinstance(caught.value, package.PomonaError)
        assert caught.value.code == "bad input" and caught.value.where == ""
        found, reasons = model.features([files[0], photo, files[1]], errors="return")
        assert reasons[0] is None and words in reasons[1] and reasons[2] is None
        assert np.isnan(found[1]).all() and not np.isnan(found[[0, 2]]).any()


def test_the_first_failure_ends_the_call(model, files):
    class Late(os.PathLike):
        """A path that tells when it is asked for."""

        asked = 0

        def __fspath__(self):
            Late.asked += 1
            return str(files[0])

    with pytest.raises(package.InputError, match="photo 0: "):
        model.features([BAD] + files[:31] + [Late() for _ in range(640)], threads=1)
    assert Late.asked == 0


def test_arguments_that_are_no_photos(model, files):
    for photos in (files[0], str(files[0]), files[0].read_bytes(), memoryview(b"a")):
        with pytest.raises(TypeError, match="a list of photos"):
            model.features(photos)
    with pytest.raises(TypeError, match="not int"):
        model.features([0])  # not standard input
    with pytest.raises(ValueError, match="errors"):
        model.features(files[:1], errors="ignore")


def test_models_that_are_none(files, tmp_path):
    with pytest.raises(package.InputError, match="a model in memory"):
        package.Model(b"no model")
    with pytest.raises(package.InputError, match=files[0].name):
        package.Model(files[0])
    with pytest.raises(FileNotFoundError):
        package.Model(tmp_path / "none.onnx")
    for options, words in ((dict(layer="none"), "none"), (dict(precision="half"), "half"), (dict(views="flop"), "flop"),
                           (dict(size=-1), "-1"), (dict(tier="fast"), "fast"), (dict(decode="quick"), "quick")):
        with pytest.raises((package.UsageError, package.InputError), match=words) as caught:
            package.Model(**options)
        assert caught.value.code in ("bad usage", "bad input")


def test_exceptions_pickle():
    with pytest.raises(package.InputError) as caught:
        package.Moments.from_bytes(package.Moments(3).to_bytes()[:-1] + b"?", "m.pom")
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is package.InputError and str(again) == str(caught.value)
    assert (again.code, again.where) == (caught.value.code, caught.value.where) and again.code == "corrupt input"
    assert issubclass(package.StorageError, OSError) and issubclass(package.UsageError, ValueError)


# ---- models as values

def test_models_pickle(model, files, features):
    again = pickle.loads(pickle.dumps(model))
    assert again.feature_space == model.feature_space and same(again.features(files[:2]), features[:2])
    given = package.Model((ROOT / "models/pomona-s.onnx").read_bytes(), views="100c,60c", size=192, tier="scalar")
    again = pickle.loads(pickle.dumps(given))
    assert again.info == given.info and again.tier == "scalar" and again.info["width"] == 192


def test_a_model_outlives_its_parts(files, features):
    """What C borrows is kept alive by what borrows it."""
    batches = []
    for _ in range(3):
        batches.append(package.Model().features_arrow(batch_of(files[:2])))
        gc.collect()
    assert all(same(np.stack(pa.record_batch(batch).column(2).to_numpy(zero_copy_only=False)), features[:2]) for batch in batches)


# ---- Arrow

def lists(column):
    return [None if row is None else np.float32(row) for row in column.to_pylist()]


def test_arrow_batches(model, files, features):
    batch = batch_of(files[:9])
    made = pa.record_batch(model.features_arrow(batch))
    del batch
    gc.collect()
    made.validate(full=True)
    assert made.schema == pa.schema({"path": pa.string(), "label": pa.string(), "features": pa.list_(pa.field("element", pa.float32())),
                                     "error": pa.string()})
    assert made.column("path").to_pylist() == [f"file:{path}" for path in files[:9]]
    assert made.column("label").to_pylist() == [path.parent.name for path in files[:9]]
    assert made.column("error").null_count == 9
    assert same(np.stack(lists(made.column("features"))), features[:9])


def test_arrow_memory_is_handed_over(model, files, features):
    kept = pa.record_batch(model.features_arrow(batch_of(files[:5]))).column("features")
    gc.collect()
    for _ in range(20):  # what was freed would be written over
        pa.record_batch(model.features_arrow(batch_of(files[5:10])))
    assert same(kept.flatten().to_numpy().reshape(5, -1), features[:5])
    batch = model.features_arrow(batch_of(files[:1]))
    pa.record_batch(batch)
    with pytest.raises(ValueError, match="handed over already"):
        pa.record_batch(batch)
    del model, batch  # one that nobody took
    gc.collect()


def test_arrow_slices_nulls_and_other_types(model, files, features):
    content = [path.read_bytes() for path in files[:8]]
    content[3] = None
    content[5] = BAD
    paths = ["x.jpg", "a/x.jpg", None, "/b/c/n.jpg", "s3://bucket/d/e.jpg", "e/bad\njpg", "a/b\0c.jpg", "file:/é/ü.jpg"]
    folders = [None, "a", None, "c", "d", "e", "a", "é"]
    for text, binary in ((pa.string(), pa.binary()), (pa.large_string(), pa.large_binary())):
        whole = pa.record_batch({"content": pa.array(content, binary), "more": pa.array(range(8)), "path": pa.array(paths, text)})
        for first, count in ((0, 8), (1, 7), (2, 3), (5, 1), (4, 0)):
            made = pa.record_batch(model.features_arrow(whole.slice(first, count)))
            made.validate(full=True)
            assert made.num_rows == count and made.column("path").to_pylist() == paths[first:first + count]
            assert made.column("label").to_pylist() == folders[first:first + count]
            for i, (row, error) in enumerate(zip(lists(made.column("features")), made.column("error").to_pylist()), first):
                assert (row is None) == (error is not None) == (i in (3, 5))
                assert row is None or same(row, features[i])
                assert i != 3 or error == "/b/c/n.jpg: the content is null"
                assert i != 5 or error.startswith("e/bad\\x0Ajpg: ")
    labelled = batch_of(files[:3], label=pa.array(["x", None, ""]))
    assert pa.record_batch(model.features_arrow(labelled)).column("label").to_pylist() == ["x", None, ""]
    bare = pa.record_batch({"content": pa.array([files[0].read_bytes(), BAD])})
    assert pa.record_batch(model.features_arrow(bare)).column("path").null_count == 2


@pytest.mark.parametrize("columns, words", [
    ({"path": ["a"], "photo": [b"x"]}, "content: there is no such column; the table has: path, photo"),
    ({"path": ["a"], "content": [1]}, 'content: the column is not binary (its Arrow format is "l")'),
    ({"path": [b"a"], "content": [b"x"]}, 'path: the column is not a string (its Arrow format is "z")'),
    ({"label": [1.5], "content": [b"x"]}, 'label: the column is not a string (its Arrow format is "g")'),
    ({"path": pa.array(["a"]).dictionary_encode(), "content": [b"x"]}, 'path: the column is not a string (its Arrow format is "i")'),
])
def test_arrow_columns_that_do_not_fit(model, columns, words):
    with pytest.raises(package.InputError) as caught:
        model.features_arrow(pa.record_batch({name: pa.array(values) for name, values in columns.items()}))
    assert str(caught.value) == words
    assert caught.value.where == words.split(":")[0] and caught.value.code == "bad input"


def test_arrow_that_is_no_record_batch(model):
    with pytest.raises(TypeError, match="to_batches"):
        model.features_arrow(pa.table({"content": [b"x"]}))
    with pytest.raises(package.InputError, match="not a record batch"):
        model.features_arrow(pa.array([b"x"]))
    with pytest.raises(package.InputError, match="not a record batch"):
        model.features_arrow(pa.array([{"content": b"x"}, None]))


def test_duckdb_and_polars_take_what_comes_out(model, files, features):
    batch = pa.record_batch(model.features_arrow(batch_of(files[:4])))
    import duckdb

    features_table = pa.Table.from_batches([batch])
    assert duckdb.sql("select sum(len(features)), count(error) from features_table").fetchall() == [(4 * model.width, 0)]
    del features_table
    polars = pytest.importorskip("polars", reason="no Polars")
    frame = polars.from_arrow(batch)
    assert same(np.float32(frame["features"].to_list()), features[:4])
    photos = polars.DataFrame({"path": [str(path) for path in files[:4]], "content": [path.read_bytes() for path in files[:4]]})
    made = [pa.record_batch(model.features_arrow(part)) for part in pa.table(photos.to_arrow()).to_batches()]
    assert same(np.concatenate([np.stack(lists(part.column("features"))) for part in made]), features[:4])


# ---- memory and documentation

def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_nothing_leaks(model, files):
    batch = batch_of(files[:1])
    features = model.features(files[:3])[:, :64]
    failing = pa.record_batch({"path": pa.array(["a"])})
    few = package.Moments.of(features, ["a", "b", None])

    def rounds(count):
        for _ in range(count):
            pa.record_batch(model.features_arrow(batch))
            model.features_arrow(batch)
            moments = package.Moments.from_bytes(few.to_bytes())
            moments += few
            moments.pca(2).transform(features)
            for wrong in (lambda: model.features_arrow(failing), lambda: package.Moments.from_bytes(b"no"),
                          lambda: moments.add(features + np.inf)):
                try:
                    wrong()
                except package.InputError:
                    continue
                raise AssertionError("not refused")
        gc.collect()

    rounds(20)
    before = resident()
    rounds(200)
    assert resident() - before < 5 << 20


def test_models_do_not_leak(files):
    """In a process of its own, whose memory is not in pieces already."""
    script = f"""
import gc, os, pomona
def rounds(count):
    for _ in range(count):
        pomona.Model({os.fspath(ROOT / "models/pomona-s.onnx")!r}).features([{os.fspath(files[0])!r}])
        pomona.Classifier().predict([{os.fspath(files[0])!r}])
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
print(rounds(20), rounds(20))"""  # the heap takes its shape in the first
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert after - before < 8 << 20  # a model is 5 MB


def public():
    for name in package.__all__:
        thing = getattr(package, name)
        if inspect.isclass(thing):
            yield name, thing
            if not issubclass(thing, (BaseException, tuple)):
                yield from ((f"{name}.{key}", value) for key, value in vars(thing).items() if not key.startswith("_"))
        elif callable(thing):
            yield name, thing


def test_everything_public_is_documented_with_types():
    seen = 0
    for name, thing in public():
        function = thing.fget if isinstance(thing, property) else getattr(thing, "__func__", thing)
        assert inspect.getdoc(thing), f"{name} has no docstring"
        if inspect.isfunction(function):
            hints = inspect.signature(function)
            assert hints.return_annotation is not inspect.Signature.empty, f"{name} does not say what it returns"
            for parameter in list(hints.parameters.values()):
                assert parameter.name in ("self", "cls") or parameter.annotation is not inspect.Signature.empty, f"{name}: {parameter.name}"
            seen += 1
    assert seen > 30
    text = pydoc.plain(pydoc.render_doc(package))
    for name in ("Model", "Classifier", "Moments", "PCA", "features_arrow", "train", "Answer", "InputError", "pomona.spark"):
        assert name in text


def test_the_example_of_the_readme_runs(tmp_path):
    code = (ROOT / "python/README.md").read_text().split("```python\n")[1].split("```")[0]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("(200, 20) 0.") and "Answer(label=" in done.stdout


def test_the_stub_and_the_marker_of_types_are_installed():
    folder = pathlib.Path(package.__file__).parent
    assert (folder / "py.typed").exists() and (folder / "_core.pyi").exists()


def test_an_import_is_cheap():
    """No pyarrow, no Spark, no pandas: `import pomona` needs NumPy alone."""
    script = "import sys, pomona; print(sorted({'pyarrow', 'pyspark', 'pandas', 'sklearn'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
