"""The Python package: moments, components, classifiers. Moments and answers equal the command line's to the bit, what comes from LAPACK
to 1e-9."""
import json
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

package = pytest.importorskip("pomona", reason="the wheel is not installed")


@pytest.fixture(scope="module")
def model():
    return package.Model()


@pytest.fixture(scope="module")
def command_line(pomona, photos, tmp_path_factory):
    """pomona run on the photos."""
    out = tmp_path_factory.mktemp("fits") / "out"
    pomona("run", photos, "--out", out, "--k", "12", "-q")
    return out


@pytest.fixture(scope="module")
def table(command_line):
    """(features, labels, paths) as stored."""
    rows = pq.read_table(command_line / "Results").sort_by("path")
    return (np.array(rows.column("features").to_pylist(), np.float32), rows.column("label").to_pylist(),
            rows.column("path").to_pylist())


# ---- moments

def test_moments_are_those_of_the_command_line(command_line, table, model, tmp_path):
    features, labels, _ = table
    expected = (command_line / "moments.pom").read_bytes()
    made = package.Moments.of(features, labels, model=model)
    assert made.to_bytes() == expected
    parts = [package.Moments.of(features[i::7], labels[i::7], model=model) for i in (3, 0, 6, 2, 5, 1, 4)]
    merged = parts[0]
    for part in parts[1:]:
        merged += part
    assert merged.to_bytes() == expected and merged == made and merged != parts[1]
    rows = pa.record_batch({"features": pa.array(list(features), pa.list_(pa.float32())), "label": labels})
    by_arrow = package.Moments(model.width, model.feature_space)
    assert by_arrow.add_arrow(rows.slice(0, 50)) == 50 and by_arrow.add_arrow(rows.slice(50)) == len(features) - 50
    assert by_arrow.to_bytes() == expected
    made.write(tmp_path / "moments.pom")
    assert (tmp_path / "moments.pom").read_bytes() == expected and os.listdir(tmp_path) == ["moments.pom"]
    assert package.Moments.read(command_line / "moments.pom") == made
    assert made.rows == len(features) and made.width == model.width and made.feature_space == model.feature_space
    assert made.labels == pd.Series(labels).value_counts().to_dict()
    assert np.allclose(made.mean(), features.mean(0, dtype=np.float64), atol=1e-6)
    assert np.allclose(made.std(), features.std(0, ddof=1, dtype=np.float64), atol=1e-6)


def test_moments_are_a_group():
    random = np.random.default_rng(1)
    a, b = random.normal(size=(30, 9)), random.normal(size=(20, 9))
    one, other = package.Moments.of(a, ["x"] * 30), package.Moments.of(b)
    both = one + other
    assert both.rows == 50 and both.labels == {"x": 30, None: 20}
    assert both - other == one and both - one == other
    assert one.rows == 30  # not changed
    both -= other
    assert both == one
    one += one
    assert one.rows == 60
    one -= one
    assert one.rows == 0 and one.labels == {}
    with pytest.raises(package.InputError):
        other -= both
    with pytest.raises(TypeError):
        one + 1
    with pytest.raises(TypeError):
        one -= "a"
    with pytest.raises(TypeError):
        hash(one)
    assert pickle.loads(pickle.dumps(other)) == other


def test_moments_that_threads_share():
    values = np.random.default_rng(2).normal(size=(400, 33)).astype(np.float32)
    labels = [f"l{i % 5}" for i in range(400)]
    shared, expected = package.Moments(33), package.Moments.of(values, labels)

    def add(number):
        for i in range(number, 400, 8):
            shared.add(values[i:i + 1], labels[i:i + 1])
            if i % 40 == 0:
                shared.to_bytes()

    threads = [threading.Thread(target=add, args=(i,)) for i in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert shared == expected
    a, b = package.Moments(33), package.Moments(33)  # both ways at once: no deadlock

    def cross(left, right):
        for _ in range(200):
            left += right

    threads = [threading.Thread(target=cross, args=pair, daemon=True) for pair in ((a, b), (b, a))]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    assert not any(thread.is_alive() for thread in threads)


def test_what_moments_refuse(table, model, tmp_path):
    moments = package.Moments(4)
    rows = np.ones((3, 4), np.float32)
    for bad, words in ((np.nan, "nan"), (np.inf, "inf"), (2048, "2048"), (-2048, "-2048")):
        wrong = rows.copy()
        wrong[1, 2] = bad
        with pytest.raises(package.InputError, match="row 1: "):
            moments.add(wrong)
    assert moments.rows == 4  # those before the bad ones
    with pytest.raises(ValueError, match="5 features a row where 4 are needed"):
        moments.add(np.ones((2, 5)))
    with pytest.raises(ValueError, match="1 dimension"):
        moments.add(np.ones(4))
    with pytest.raises(ValueError, match="labels: 1 for 3 rows"):
        moments.add(rows, ["a"])
    with pytest.raises(ValueError):
        moments.add(rows, ["a", "b\0c", "d"])
    with pytest.raises(package.PomonaError):
        package.Moments(0)
    with pytest.raises(package.PomonaError):
        package.Moments(5000)
    with pytest.raises(package.InputError, match="feature spaces"):
        package.Moments(4, "a" * 64) + package.Moments(4, "b" * 64)
    with pytest.raises(package.InputError, match="of 4 and of 5"):
        moments + package.Moments(5)
    for data in (b"", b"no moments", moments.to_bytes()[:-1], moments.to_bytes() + b"\0"):
        with pytest.raises(package.InputError, match="m.pom"):
            package.Moments.from_bytes(data, "m.pom")
    with pytest.raises(FileNotFoundError):
        package.Moments.read(tmp_path / "none.pom")
    with pytest.raises(OSError):
        moments.write(tmp_path / "none" / "m.pom")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        moments.write(tmp_path / "folder")
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float32(), 3)])
def test_moments_of_arrow_batches(kind):
    values = [[1, 2, 3], None, [4, 5, 6.5], [7, 8, 9]]
    batch = pa.record_batch({"label": pa.array(["a", "b", None, "a"]), "features": pa.array(values, kind)})
    moments = package.Moments(3)
    assert moments.add_arrow(batch) == 3 and moments.labels == {"a": 2, None: 1}
    assert moments.add_arrow(batch.slice(2, 1)) == 1 and moments.add_arrow(batch.slice(1, 1)) == 0
    assert moments == package.Moments.of(np.array([values[i] for i in (0, 2, 3, 2)]), ["a", None, "a", None])


@pytest.mark.parametrize("columns, words", [
    ({"path": ["p"], "features": [[1.0, None]]}, "p: a null among its features"),
    ({"path": ["p"], "features": [[1.0]]}, "p: 1 features among rows of 2"),
    ({"features": [[1.0, float("nan")]]}, "a row without a path"),
    ({"features": [["a"]]}, 'features: the column is not a list of float or double (its Arrow format is "+l")'),
    ({"x": [1]}, "features: there is no such column; the table has: x"),
    ({"label": ["a\0b"], "features": [[1.0, 2.0]]}, "a NUL inside a label"),
])
def test_arrow_batches_that_moments_refuse(columns, words):
    moments = package.Moments(2)
    with pytest.raises(package.InputError) as caught:
        moments.add_arrow(pa.record_batch({name: pa.array(values) for name, values in columns.items()}))
    assert words in str(caught.value) and moments.rows == 0


def test_rows_of_many_kinds():
    expected = package.Moments.of(np.array([[1, 2], [3, 4]], np.float32))
    lists = [[1.0, 2.0], [3.0, 4.0]]
    for rows in (lists, np.array(lists), np.array(lists, order="F"), np.array(lists + lists)[:2], pa.array(lists),
                 pa.chunked_array([pa.array(lists[:1]), pa.array(lists[1:])]), pa.array([[9.0, 9.0], *lists]).slice(1),
                 pa.array(lists, pa.list_(pa.float32(), 2)), pd.Series([np.float32(row) for row in lists])):
        assert package.Moments.of(rows) == expected
    assert package.Moments(2).add(pa.array([], pa.list_(pa.float32()))).rows == 0
    assert package.Moments.of(np.empty((0, 5))).width == 5
    for rows, words in ((pa.array([[1.0], [2.0, 3.0, 4.0]]), "not all rows"), (pa.array([[1.0, None]]), "nulls"),
                        (pa.array([[1.0], None]), "null")):
        with pytest.raises(ValueError, match=words):
            package.Moments.of(rows)


def test_labels_of_many_kinds():
    rows = np.ones((6, 2))
    labels = pd.Series(["a", None, np.nan, pd.NA, 7, "é\U0001f34e"], dtype=object)
    assert package.Moments.of(rows, labels).labels == {"a": 1, None: 3, "7": 1, "é\U0001f34e": 1}
    assert package.Moments.of(rows, pa.array(["a", None] * 3)).labels == {"a": 3, None: 3}
    assert package.Moments.of(rows, np.array(["x"] * 6)).labels == {"x": 6}
    assert package.Moments.of(rows, np.array([np.nan] * 6, np.float32)).labels == {None: 6}
    broken = os.fsdecode(b"caf\xe9")  # a folder's name that is no UTF-8
    assert package.Moments.of(rows, [broken] * 6).labels == {broken: 6}


def test_texts_do_not_depend_on_the_locale():
    script = "import pomona; assert pomona.Moments.of([[1.0]], ['\\u00e9']).labels == {'\\u00e9': 1}"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)


# ---- components

def test_components_are_those_of_the_command_line(command_line, table):
    features = table[0]
    expected, made = package.PCA.read(command_line / "pca.model"), package.Moments.read(command_line / "moments.pom").pca(12)
    assert (made.k, made.rank, made.rows, made.width) == (expected.k, expected.rank, expected.rows, expected.width)
    assert made.feature_space == expected.feature_space != ""
    assert np.abs(made.components - expected.components).max() < 1e-9
    assert np.array_equal(made.mean, expected.mean) and np.array_equal(made.scale, expected.scale)
    assert np.abs(made.eigenvalues - expected.eigenvalues).max() < 1e-9 * expected.eigenvalues[0]
    stored = pq.read_table(command_line / "PCA_Results").sort_by("path").column("pca").to_pylist()
    assert np.abs(expected.transform(features) - np.array(stored)).max() < 1e-9
    assert np.abs(made.transform(features) - np.array(stored)).max() < 1e-6  # scores are a thousand times as large as loadings


@pytest.mark.parametrize("standardise", [True, False])
def test_components_are_scikit_learns(table, standardise):
    from sklearn.decomposition import PCA

    features = table[0].astype(np.float64)
    ours = package.pca(table[0], 10, standardise=standardise)
    if standardise:
        deviation = features.std(0, ddof=1)
        features = (features - features.mean(0)) / np.where(deviation > 0, deviation, np.inf)
    theirs = PCA(10, svd_solver="full").fit(features)
    assert np.allclose(ours.explained_variance_ratio, theirs.explained_variance_ratio_, atol=1e-6)
    signs = np.sign((ours.components * theirs.components_).sum(1))
    assert np.abs(ours.components - theirs.components_ * signs[:, None]).max() < 1e-4
    assert np.abs(ours.transform(table[0]) - theirs.transform(features) * signs).max() < 1e-3 * np.abs(theirs.transform(features)).max()
    centred = ours.transform(table[0])
    as_spark = ours.transform(table[0], spark=True)
    assert np.array_equal(centred, as_spark) == standardise


def test_how_many_components(table):
    moments = package.Moments.of(table[0])
    assert moments.pca().k == 50
    few = moments.pca(variance=0.5)
    assert few.explained_variance_ratio.sum() >= 0.5 > few.explained_variance_ratio[:-1].sum()
    for options, words in ((dict(k=moments.pca().rank + 1), "rank|rows"), (dict(k=-1), "-1"), (dict(variance=2), "2"),
                           (dict(k=3, variance=0.5), "choose one"), (dict(variance=0.99, max_k=2), "2 components explain"), (dict(k=5000), "5000")):
        with pytest.raises(package.PomonaError, match=words):
            moments.pca(**options)
    with pytest.raises(package.InputError):
        package.pca(np.ones((4, 3)))  # nothing varies
    with pytest.raises(package.PomonaError):
        package.pca(np.ones((1, 3)))
    with pytest.raises(package.PomonaError):
        package.Moments(3).pca()


def test_components_as_values(table, tmp_path):
    made = package.pca(table[0], 3)
    again = pickle.loads(pickle.dumps(made))
    assert again.to_bytes() == made.to_bytes() and again.hash == made.hash
    assert np.array_equal(again.components, made.components) and not made.components.flags.writeable
    made.write(tmp_path / "pca.model")
    assert package.PCA.read(tmp_path / "pca.model").to_bytes() == made.to_bytes()
    assert np.allclose((made.components ** 2).sum(1), 1)
    assert (made.components[np.arange(3), np.abs(made.components).argmax(1)] > 0).all()
    with pytest.raises(ValueError, match="are needed"):
        made.transform(np.ones((2, 3)))
    with pytest.raises(TypeError, match="pomona.pca"):
        package.PCA()
    with pytest.raises(package.InputError, match="p.model"):
        package.PCA.from_bytes(b"no model", "p.model")
    with pytest.raises(FileNotFoundError):
        package.PCA.read(tmp_path / "none")


def test_components_from_many_threads(table):
    """LAPACK is NumPy's, called back with the GIL from C."""
    made = [None] * 4

    def fit(number):
        made[number] = package.pca(table[0][:, :200], 5).to_bytes()

    threads = [threading.Thread(target=fit, args=(i,)) for i in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(set(made)) == 1 and made[0]


# ---- classifiers

@pytest.mark.parametrize("head, strength, folds", [("lda", None, 2), ("ridge", 0.5, 5), ("logistic", 0.01, 3)])
def test_training_is_that_of_the_command_line(pomona, command_line, table, model, photos, tmp_path, head, strength, folds):
    features, labels, paths = table
    options = ["--head", head, "--folds", str(folds)] + (["--strength", str(strength)] if strength else [])
    theirs = json.loads(pomona("train", command_line, "--out", tmp_path / "a.onnx", *options, "--json", "-q").stdout)
    ours = package.train(features, labels, tmp_path / "b.onnx", model=model, paths=paths, head=head, folds=folds,
                         regularisation=strength or 0)
    assert ours.training["rows"] == theirs["rows"] and ours.training["regularisation"] == theirs["candidates"][theirs["chosen"]]["regularisation"]
    assert ours.training["top1"] == pytest.approx(theirs["top1"], abs=1e-9) and ours.training["head"] == head
    reference = package.Classifier(tmp_path / "a.onnx")
    assert ours.classes == reference.classes and ours.hash == reference.hash == model.hash
    assert ours.feature_space == model.feature_space
    assert np.abs(ours.probabilities(features) - reference.probabilities(features)).max() < 1e-5
    assert [a.label for a in ours.predict_features(features)] == [a.label for a in reference.predict_features(features)]
    assert (tmp_path / "b.onnx").read_bytes() == ours.to_bytes()
    with pytest.raises(package.UsageError, match="b.onnx"):
        package.train(features, labels, tmp_path / "b.onnx", model=model)


def test_answers_are_those_of_the_command_line(pomona, command_line, photos, tmp_path):
    groups = sorted({path.name for path in photos.iterdir() if path.is_dir()})
    (tmp_path / "classes.csv").write_text("class,coarse class\n" + "".join(f"{name},{name.split('-')[0]}\n" for name in groups))
    pomona("train", command_line, "--hierarchy", tmp_path / "classes.csv", "--out", tmp_path / "m.onnx", "-q")
    rows = [json.loads(line) for line in pomona("predict", "--model", tmp_path / "m.onnx", photos, "--json").stdout.splitlines()]
    opened = package.Classifier(tmp_path / "m.onnx")
    answers = opened.predict([row["path"].removeprefix("file:") for row in rows])
    assert opened.groups == sorted({name.split("-")[0] for name in groups})
    for row, answer in zip(rows, answers, strict=True):
        assert (row["class"], row["level"], row["coarse"]) == (answer.label, answer.level, answer.coarse)
        assert row["coarse_probability"] == pytest.approx(answer.coarse_probability, rel=1e-6)
        assert row["probability"] == pytest.approx(answer.probability, rel=1e-6)
        assert row["known"] == pytest.approx(answer.known, rel=1e-6)


def test_the_classifier_inside_the_package(pomona, photos):
    path = sorted(photos.rglob("*.jpg"))[0]
    row = json.loads(pomona("predict", path, "--json").stdout.splitlines()[0])
    opened = package.Classifier()
    answer, = opened.predict([path])
    assert answer.label == row["class"] and len(opened.classes) == 81 and answer.probability == pytest.approx(row["probability"], rel=1e-6)
    again = pickle.loads(pickle.dumps(opened))
    assert again.predict([path]) == [answer]


def test_photos_without_an_answer(photos, tmp_path):
    path = sorted(photos.rglob("*.jpg"))[0]
    opened = package.Classifier()
    answers = opened.predict([path, b"no photo", tmp_path / "none.jpg"], errors="return")
    assert answers[0].error is None and answers[0].label in opened.classes
    assert answers[1][:6] == (None,) * 6 and answers[1].error.startswith("photo 1: ")
    assert answers[2].label is None and "none.jpg" in answers[2].error
    assert opened.predict([], errors="return") == [] == opened.predict([])
    assert [a.label for a in opened.predict([b""], errors="return")] == [None]
    with pytest.raises(package.InputError, match="photo 1: "):
        opened.predict([path, b"no photo"])
    with pytest.raises(ValueError, match="errors"):
        opened.predict([path], errors="ignore")
    with pytest.raises(ValueError, match="are needed"):
        opened.probabilities(np.ones((1, 3)))


def test_classifiers_as_values(table, model, tmp_path):
    features, labels, paths = table
    small = package.train(features, labels, tmp_path / "head.onnx", model=model, head="prototype", head_only=True)
    assert (tmp_path / "head.onnx").stat().st_size < 300_000
    again = pickle.loads(pickle.dumps(small))
    assert again.predict_features(features[:5]) == small.predict_features(features[:5])
    assert again.info == small.info and again.info["head_hash"] != again.hash == model.hash
    in_memory = package.Classifier(package.train(features, labels, tmp_path / "m.onnx", model=model, head="lda").to_bytes())
    assert np.array_equal(in_memory.probabilities(features), package.Classifier(tmp_path / "m.onnx").probabilities(features))


def test_a_model_of_bytes_trains(table, photos, tmp_path):
    """Its network is written again, into the classifier."""
    from conftest import ROOT

    network = package.Model((ROOT / "models/pomona-s.onnx").read_bytes())
    files = sorted(photos.rglob("*.jpg"))
    features = network.features(files)
    made = package.train(features, [path.parent.name for path in files], tmp_path / "m.onnx", model=network, head="lda")
    assert made.feature_space == network.feature_space and made.hash == network.hash
    assert sum(a.label == path.parent.name for a, path in zip(made.predict(files), files)) > 100


def test_what_training_refuses(table, model, tmp_path):
    features, labels, _ = table
    out = tmp_path / "m.onnx"
    for changed, words in ((dict(labels=["a"] * len(labels)), "two classes"), (dict(labels=[None] * len(labels)), "label"),
                           (dict(head="forest"), "forest"), (dict(folds=1), "folds"), (dict(on="pca:x"), "pca"),
                           (dict(hierarchy=tmp_path / "none.csv"), "none.csv"), (dict(false_reject=0.9), "0.9")):
        with pytest.raises(package.PomonaError, match=words):
            package.train(**{"features": features, "labels": labels, "out": out, "model": model, "regularisation": 0.5, **changed})
    for changed, words in ((dict(labels=None), "labels"), (dict(labels=labels[:-1]), "labels: "), (dict(features=features[:, :5]), "5 features")):
        with pytest.raises(ValueError, match=words):
            package.train(**{"features": features, "labels": labels, "out": out, "model": model, "regularisation": 0.5, **changed})
    broken = features.copy()
    broken[3, 4] = np.nan
    with pytest.raises(package.InputError):
        package.train(broken, labels, out, model=model)
    with pytest.raises((package.StorageError, package.InputError), match="none"):
        package.train(features, labels, tmp_path / "none" / "m.onnx", model=model, head="lda")
    assert not os.path.exists(out)


@pytest.mark.parametrize("head", ["lda", "ridge"])
def test_what_rounding_leaves_of_a_zero_is_not_divided_by(model, tmp_path, head):
    """Sixty rows of 1,024 features: nearly all of the covariance is its regularisation. The bound is 1,024 * 2^-52, as in C."""
    values = np.random.default_rng(0).normal(size=(60, model.width))
    package.train(values, ["a", "b"] * 30, tmp_path / "m.onnx", model=model, head=head, regularisation=1e-12, folds=2)
    with pytest.raises(package.InputError, match="not positive definite"):
        package.train(values, ["a", "b"] * 30, tmp_path / "n.onnx", model=model, head=head, regularisation=1e-13, folds=2)
    assert os.listdir(tmp_path) == ["m.onnx"]
