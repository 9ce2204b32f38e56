"""pomona train: heads on stored features, against scikit-learn and ONNX Runtime, and with everything that can be wrong."""
import json
import signal
import subprocess
import time

import numpy as np
import onnx
import onnx.numpy_helper
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression, Ridge

from conftest import POMONA

WIDTH = 1024  # features of the embedded network


def write_table(path, values, labels, paths=None, space=None):
    paths = paths or [f"file:/p/{label}/{i:05d}.jpg" for i, label in enumerate(labels)]
    columns = {"path": paths, "label": pa.array(labels, pa.string()),
               "features": pa.FixedSizeListArray.from_arrays(np.asarray(values, np.float32).ravel(), values.shape[1]).cast(pa.list_(pa.float32()))}
    table = pa.table(columns)
    if space:
        table = table.replace_schema_metadata({"pomona.feature_space": space})
    pq.write_table(table, path)
    return path


def made(rows, classes=4, seed=1, spread=1.0):
    """Features whose classes overlap, and their labels."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, rows)
    truth[:classes] = range(classes)
    centres = np.random.default_rng(99).normal(size=(classes, WIDTH)) * 0.12
    values = random.normal(size=(rows, WIDTH)) * spread + centres[truth]
    values[:, 7] = 3  # a constant feature
    return values.astype(np.float32), [f"class {c}" for c in truth]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    x, y = made(400)
    vx, vy = made(120, seed=2)
    return write_table(folder / "train.parquet", x, y), write_table(folder / "val.parquet", vx, vy), (x, y), (vx, vy)


def train(pomona, *arguments, **options):
    return json.loads(pomona("train", *arguments, "--json", "-q", **options).stdout)


def linear(path, temperature):
    """The head's weights and biases before the temperature, and its class names."""
    model = onnx.load(path)
    tensors = {t.name: onnx.numpy_helper.to_array(t).astype(np.float64) for t in model.graph.initializer}
    return tensors["pomona.head/weight"] * temperature, tensors["pomona.head/bias"] * temperature


def standardised(x):
    deviation = x.std(0)
    deviation[deviation < 1e-6] = np.inf
    return (x - x.mean(0)) / deviation, x.mean(0), 1 / deviation


def test_logistic_reaches_scikit_learns_loss(pomona, tables, tmp_path):
    source, validation, (x, y), _ = tables
    result = train(pomona, source, "--val", validation, "--out", tmp_path / "m.onnx", "--strength", "0.02", "--no-class-weights")
    assert result["candidates"][0]["converged"] and result["candidates"][0]["iterations"] > 0
    weights, bias = linear(tmp_path / "m.onnx", result["temperature"])
    z, _, scale = standardised(x.astype(np.float64))
    names = sorted(set(y))
    truth = np.array([names.index(label) for label in y])
    peer = LogisticRegression(C=1 / (0.02 * len(y)), tol=1e-8, max_iter=5000).fit(z, truth)

    def loss(logits, square):
        most = logits.max(1, keepdims=True)
        return (np.log(np.exp(logits - most).sum(1)) + most[:, 0] - logits[np.arange(len(y)), truth]).mean() + 0.01 * square

    ours = loss(x.astype(np.float64) @ weights.T + bias, ((weights[:, scale > 0] / scale[scale > 0]) ** 2).sum())
    theirs = loss(z @ peer.coef_.T + peer.intercept_, (peer.coef_ ** 2).sum())
    assert ours <= theirs + 2e-5


def test_lda_is_the_formula(pomona, tables, tmp_path):
    source, validation, (x, y), _ = tables
    result = train(pomona, source, "--val", validation, "--out", tmp_path / "m.onnx", "--head", "lda", "--strength", "0.3")
    weights, bias = linear(tmp_path / "m.onnx", result["temperature"])
    x = x.astype(np.float64)
    deviation = x.std(0, ddof=1)
    keep = deviation > 1e-6
    z = (x[:, keep] - x[:, keep].mean(0)) / deviation[keep]
    labels = np.array(y)
    means = np.stack([z[labels == name].mean(0) for name in sorted(set(y))])
    off = z - means[np.searchsorted(sorted(set(y)), labels)]
    within = off.T @ off / (len(y) - len(means))
    within = 0.7 * within + 0.3 * np.trace(within) / len(within) * np.eye(len(within))
    solved = np.linalg.solve(within, means.T)
    expected = z @ solved - 0.5 * np.einsum("cd,dc->c", means, solved)
    got = x @ weights.T + bias
    assert np.abs((got - got.mean(1, keepdims=True)) - (expected - expected.mean(1, keepdims=True))).max() < 2e-3
    result = train(pomona, source, "--val", validation, "--out", tmp_path / "s.onnx", "--head", "lda", "--strength", "0.3", "--no-class-weights")
    weights, bias = linear(tmp_path / "s.onnx", result["temperature"])
    got = x @ weights.T + bias
    expected = expected + np.log([np.mean(labels == name) for name in sorted(set(y))])
    assert np.abs((got - got.mean(1, keepdims=True)) - (expected - expected.mean(1, keepdims=True))).max() < 2e-3


def test_ridge_is_scikit_learns(pomona, tables, tmp_path):
    source, validation, (x, y), _ = tables
    result = train(pomona, source, "--val", validation, "--out", tmp_path / "m.onnx", "--head", "ridge", "--strength", "0.5",
                   "--no-class-weights")
    weights, bias = linear(tmp_path / "m.onnx", result["temperature"])
    x = x.astype(np.float64)
    deviation = x.std(0, ddof=1)
    deviation[deviation < 1e-6] = np.inf
    z = (x - x.mean(0)) / deviation
    targets = (np.array(y)[:, None] == np.array(sorted(set(y)))).astype(float)
    peer = Ridge(alpha=0.5 * len(y)).fit(z, targets)
    assert np.abs(x @ weights.T + bias - peer.predict(z)).max() < 1e-4
    # Classes that count the same: targets of 1 / sqrt(share), which scales each class's scores.
    result = train(pomona, source, "--val", validation, "--out", tmp_path / "b.onnx", "--head", "ridge", "--strength", "0.5")
    balanced, offset = linear(tmp_path / "b.onnx", result["temperature"])
    scores, share = x @ balanced.T + offset, targets.mean(0)
    expected = peer.predict(z) / np.sqrt(share)
    assert np.abs(scores - scores.mean(1, keepdims=True) - expected + expected.mean(1, keepdims=True)).max() < 1e-3


@pytest.mark.parametrize("head", ["logistic", "ridge", "lda", "knn", "prototype", "auto"])
@pytest.mark.parametrize("half", [False, True])
def test_the_file_is_what_onnx_runtime_runs(pomona, photos, tmp_path, head, half):
    pomona("features", photos, "--out", tmp_path / "f", "-q")
    hierarchy = tmp_path / "h.csv"
    labels = sorted({path.parent.name for path in photos.rglob("*.jpg")})
    hierarchy.write_text("class,coarse\n" + "".join(f"{label},{'ab'[i % 2]}\n" for i, label in enumerate(labels)))
    out = tmp_path / "m.onnx"
    train(pomona, tmp_path / "f", "--out", out, "--head", head, "--hierarchy", hierarchy, *(["--fp16"] if half else []))
    onnx.checker.check_model(onnx.load(out))
    rows = [json.loads(line) for line in pomona("predict", "--model", out, photos, "--json", "--top", "5").stdout.splitlines()]
    session = onnxruntime.InferenceSession(out)
    features = pq.read_table(tmp_path / "f/Results").to_pandas().set_index("path")
    head_file = tmp_path / "head.onnx"
    train(pomona, tmp_path / "f", "--out", head_file, "--head", head, "--hierarchy", hierarchy, "--head-only", *(["--fp16"] if half else []))
    alone = onnxruntime.InferenceSession(head_file)
    x = np.stack([features.loc[row["path"], "features"] for row in rows])
    probabilities, coarse, known = alone.run(["probabilities", "coarse", "known"], {"features": x.astype(np.float32)})
    for i, row in enumerate(rows):
        ours = {top["class"]: top["probability"] for top in row["top"]}
        assert max(abs(ours[label] - probabilities[i][c]) for c, label in enumerate(labels)) < 1e-4
        assert abs(coarse[i].max() - row["coarse_probability"]) < 1e-4 or row["level"] == "fine"
        assert abs(known[i][0] - row["known"]) < 1e-3 * (1 + abs(row["known"]))
    assert [o.name for o in session.get_outputs()][-3:] == ["probabilities", "coarse", "known"]
    both = [json.loads(line) for line in pomona("predict", "--head", head_file, photos, "--json").stdout.splitlines()]
    assert [row["class"] for row in both] == [row["class"] for row in rows]


def test_features_of_the_model_and_of_its_backbone_are_one_space(pomona, photos, tmp_path):
    pomona("features", photos, "--out", tmp_path / "f", "-q")
    train(pomona, tmp_path / "f", "--out", tmp_path / "m.onnx")
    pomona("features", photos, "--out", tmp_path / "g", "--model", tmp_path / "m.onnx", "-q")
    assert "max abs   0" in pomona("diff", tmp_path / "f/Results", tmp_path / "g/Results").stdout
    train(pomona, tmp_path / "g", "--out", tmp_path / "again.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == (tmp_path / "again.onnx").read_bytes()


@pytest.mark.parametrize("head", ["logistic", "lda", "knn", "prototype"])
def test_bytes_do_not_depend_on_threads_or_order(pomona, tables, tmp_path, head):
    source, validation, (x, y), _ = tables
    order = np.random.default_rng(5).permutation(len(y))
    paths = [f"file:/p/{label}/{i:05d}.jpg" for i, label in enumerate(y)]
    first = write_table(tmp_path / "a.parquet", x[order[:150]], [y[i] for i in order[:150]], [paths[i] for i in order[:150]])
    second = write_table(tmp_path / "b.parquet", x[order[150:]], [y[i] for i in order[150:]], [paths[i] for i in order[150:]])
    files = []
    for i, (sources, threads) in enumerate([([source], 1), ([source], 3), ([first, second], 2), ([second, first], 1)]):
        out = tmp_path / f"{i}.onnx"
        pomona("train", *sources, "--out", out, "--head", head, "--threads", str(threads), "--folds", "3", "-q",
               *(["--strength", "0.03"] if head == "logistic" else []))
        files.append(out.read_bytes())
    assert files.count(files[0]) == 4


def test_moments_forget_exactly(pomona, tables, tmp_path):
    _, validation, (x, y), _ = tables
    write_table(tmp_path / "all.parquet", x, y)
    write_table(tmp_path / "gone.parquet", x[300:], y[300:], [f"file:/p/{y[i]}/{i:05d}.jpg" for i in range(300, 400)])
    write_table(tmp_path / "rest.parquet", x[:300], y[:300])
    for name in ("all", "gone", "rest"):
        pomona("moments", "compute", tmp_path / f"{name}.parquet", "--out", tmp_path / f"{name}.pom")
    pomona("moments", "subtract", tmp_path / "all.pom", tmp_path / "gone.pom", "--out", tmp_path / "left.pom")
    for name in ("rest", "left"):
        for head in ("lda", "ridge"):
            pomona("train", tmp_path / f"{name}.pom", "--val", validation, "--head", head, "--out", tmp_path / f"{name}-{head}.onnx", "-q")
    for head in ("lda", "ridge"):
        assert (tmp_path / f"rest-{head}.onnx").read_bytes() == (tmp_path / f"left-{head}.onnx").read_bytes()
    train(pomona, tmp_path / "all.pom", "--head", "lda", "--strength", "0.3", "--out", tmp_path / "fixed.onnx")
    assert "--val names a table" in pomona("train", tmp_path / "all.pom", "--out", tmp_path / "no.onnx", status=1).stderr
    for head in ("knn", "prototype"):
        assert "needs tables" in pomona("train", tmp_path / "all.pom", "--val", validation, "--head", head, "--out", tmp_path / "no.onnx", status=1).stderr


def test_groups_are_not_parted(pomona, tmp_path):
    """Photos of one group are near copies of each other, so folds that part them give an accuracy that is a lie."""
    random = np.random.default_rng(3)
    labels = [f"c{i % 2}" for i in range(40)]
    bowls = random.normal(size=(40, WIDTH))
    x = np.repeat(bowls, 5, axis=0) + random.normal(size=(200, WIDTH)) * 0.01
    y = [label for label in labels for _ in range(5)]
    paths = [f"file:/p/{label}/bowl{i // 5:03d}_{i % 5}.jpg" for i, label in enumerate(y)]
    source = write_table(tmp_path / "bowls.parquet", x, y, paths)
    loose = train(pomona, source, "--out", tmp_path / "a.onnx", "--head", "knn")
    grouped = train(pomona, source, "--out", tmp_path / "b.onnx", "--head", "knn", "--group", "bowl([0-9]+)")
    assert loose["top1"] > 0.95 and grouped["top1"] < 0.8
    assert "not a regular expression" in pomona("train", source, "--out", tmp_path / "c.onnx", "--group", "(", status=1).stderr


def test_principal_components_make_a_plain_linear_head(pomona, tables, tmp_path):
    source, validation, _, (vx, _) = tables
    result = train(pomona, source, "--val", validation, "--out", tmp_path / "m.onnx", "--on", "pca:20", "--head", "lda")
    weights, _ = linear(tmp_path / "m.onnx", result["temperature"])
    assert weights.shape == (4, WIDTH) and np.linalg.matrix_rank(weights, tol=1e-6) <= 20
    for wrong in ("pca:0", "pca:x", "pca", "pca:2000"):
        assert "neither" in pomona("train", source, "--out", tmp_path / "no.onnx", "--on", wrong, status=1).stderr
    for head in ("knn", "prototype"):
        stderr = pomona("train", source, "--out", tmp_path / "no.onnx", "--on", "pca:20", "--head", head, status=1).stderr
        assert "on the features themselves" in stderr and not (tmp_path / "no.onnx").exists()


def test_what_is_said_of_the_head_is_true(pomona, tables, tmp_path):
    """Accuracy, temperature and threshold of the result, again from the answers of the file."""
    source, validation, _, (vx, vy) = tables
    result = train(pomona, source, "--val", validation, "--out", tmp_path / "m.onnx", "--head-only")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    probabilities, known = session.run(["probabilities", "known"], {"features": vx})
    names = sorted(set(vy))
    truth = np.array([names.index(label) for label in vy])
    assert abs((probabilities.argmax(1) == truth).mean() - result["top1"]) < 1e-9
    assert abs(-np.log(probabilities[np.arange(len(truth)), truth]).mean() - result["log_loss"]) < 1e-4
    assert abs((known[:, 0] < result["threshold"] - 1e-3).mean() - result["rejected"]) < 1e-9
    assert result["rejected"] <= 0.05
    logs = np.log(probabilities.astype(np.float64))

    def loss(power):
        """As the temperature is chosen: each truth counts as (n + 1) / (n + 2) sure."""
        tempered = power * logs - np.log(np.exp(power * logs).sum(1, keepdims=True))
        targets = np.full(tempered.shape, 1 / (len(truth) + 2) / (tempered.shape[1] - 1))
        targets[np.arange(len(truth)), truth] = (len(truth) + 1) / (len(truth) + 2)
        return -(targets * tempered).sum(1).mean()

    assert min(loss(1.05), loss(0.95)) > loss(1)  # the temperature is the best one


@pytest.mark.parametrize("head", ["logistic", "ridge", "lda", "knn", "prototype"])
def test_classes_in_one_fold_are_not_calibrated_on(pomona, tmp_path, head):
    """Nobody can answer for a class of one photo in folds: its photo counts in top-1, and neither in the log-loss, the temperature,
    the calibration error nor the threshold."""
    common, rare = 200, 40
    x, y = made(common, spread=0.2)
    lone, _ = made(4 + rare, classes=4 + rare, seed=3, spread=0.2)  # one of each class
    source = write_table(tmp_path / "t.parquet", np.vstack([x, lone[4:]]), y + [f"rare {i:02d}" for i in range(rare)])
    strength = {"logistic": ["--strength", "0.1"], "lda": ["--strength", "0.9"]}.get(head, [])
    result = train(pomona, source, "--out", tmp_path / "m.onnx", "--head", head, *strength)
    assert result["validation"] == common + rare and result["top1"] <= common / (common + rare)
    # The four common classes lie far apart. The logit of a class that was not learnt is the lowest, so its photos lose at least
    # log(classes) each, at any temperature: were they counted, the loss would be at least 0.63.
    assert rare / (common + rare) * np.log(4 + rare) > 0.63
    assert result["log_loss"] < 0.1
    assert 1e-3 < result["temperature"] < 1e3
    # Each of them is a wrong answer: with them the calibration error could only be small if all answers were unsure.
    assert result["ece"] < 0.1
    rank = int(0.05 * (common + 1))  # of the threshold among the photos that count
    assert abs(result["rejected"] - (rank - 1) / common) < 1e-12
    assert np.allclose(result["rejected_interval"], beta.ppf([0.025, 0.975], rank, common + 1 - rank), atol=1e-9)


def test_nothing_to_calibrate_on(pomona, tmp_path):
    """Every class has all its photos in one group, so each is in one fold."""
    x, y = made(80)
    source = write_table(tmp_path / "t.parquet", x, y)
    result = train(pomona, source, "--out", tmp_path / "m.onnx", "--head", "lda", "--group", "class [0-9]", "--folds", "2")
    assert result["top1"] == 0 and result["temperature"] == 1 and result["log_loss"] == 0 and result["ece"] == 0
    assert "threshold" not in result and "rejected" not in result
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    assert "known" not in [output.name for output in session.get_outputs()]


def test_photos_of_the_same_thing_are_warned_of(pomona, tables, tmp_path):
    source, validation, _, _ = tables
    assert "nearly alike" in pomona("train", source, "--out", tmp_path / "a.onnx", "--head", "lda").stdout
    assert "nearly alike" not in pomona("train", source, "--val", validation, "--out", tmp_path / "b.onnx", "--head", "lda").stdout
    assert "nearly alike" not in pomona("train", source, "--group", "x", "--out", tmp_path / "c.onnx", "--head", "lda").stdout


def test_labels_of_every_kind(pomona, tmp_path):
    labels = ["a/b", 'say "hi"', "🍎", "tab\there", "line\nbreak", "back\\slash", "comma,", " space "]
    x, _ = made(80)
    y = [labels[i % len(labels)] for i in range(80)]
    source = write_table(tmp_path / "t.parquet", x, y, [f"file:/{i}.jpg" for i in range(80)])
    train(pomona, source, "--out", tmp_path / "m.onnx", "--head", "lda")
    photo = tmp_path / "photos"
    pomona("sample", "--out", photo, "--count", "3", "-q")
    rows = [json.loads(line) for line in pomona("predict", "--model", tmp_path / "m.onnx", photo, "--json", "--top", "8").stdout.splitlines()]
    assert {top["class"] for top in rows[0]["top"]} == set(labels)


def test_bad_input_is_refused_with_a_sentence(pomona, tables, photos, tmp_path):
    source, validation, (x, y), _ = tables
    out = tmp_path / "m.onnx"

    def refused(status, part, *arguments):
        stderr = pomona("train", *arguments, "--out", out, "-q", status=status).stderr
        assert part in stderr and stderr.count("\n") == 1, stderr
        assert not out.exists()

    refused(2, "at least two classes", write_table(tmp_path / "one.parquet", x[:9], ["only"] * 9))
    refused(2, "none of its 9 rows has a label", write_table(tmp_path / "none.parquet", x[:9], [None] * 9, [f"file:/{i}" for i in range(9)]))
    broken = x[:9].copy()
    broken[4, 17] = np.nan
    refused(2, "feature 17 is nan", write_table(tmp_path / "nan.parquet", broken, y[:9]))
    refused(2, "not those of the backbone", write_table(tmp_path / "other.parquet", x, y, space="f" * 64))
    refused(2, "has 12 features", write_table(tmp_path / "narrow.parquet", x[:, :12].copy(), y))
    refused(2, "none of its labels", source, "--val", write_table(tmp_path / "foreign.parquet", x[:5], ["elsewhere"] * 5))
    (tmp_path / "empty").mkdir()
    refused(2, "empty", tmp_path / "empty")
    refused(2, "names none", source, "--hierarchy", write_csv(tmp_path / "h.csv", "class,coarse\nx,y\n"))
    refused(2, "two groups", source, "--hierarchy", write_csv(tmp_path / "i.csv", "class,coarse\nclass 0,y\nclass 0,z\n"))
    refused(1, "none of logistic", source, "--head", "forest")
    refused(1, "choose one", source, "--val", validation, "--folds", "3")
    refused(1, "shrinkage", source, "--head", "lda", "--strength", "2")


def tiny_backbone(path):
    """Eight features: the mean of each colour through a matrix."""
    weight = onnx.numpy_helper.from_array(np.random.default_rng(4).normal(size=(8, 3, 1, 1)).astype(np.float32), "w")
    nodes = [onnx.helper.make_node("Conv", ["x", "w"], ["c"]), onnx.helper.make_node("GlobalAveragePool", ["c"], ["p"]),
             onnx.helper.make_node("Flatten", ["p"], ["f"])]
    graph = onnx.helper.make_graph(nodes, "g", [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 3, 16, 16])],
                                   [onnx.helper.make_tensor_value_info("f", onnx.TensorProto.FLOAT, ["N", 8])], [weight])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def test_a_hundred_thousand_classes(pomona, tmp_path):
    backbone = tiny_backbone(tmp_path / "tiny.onnx")
    count = 100000
    x = np.random.default_rng(5).normal(size=(count, 8)).astype(np.float32)
    labels = [f"class {i:06d}" for i in range(count)]
    many = write_table(tmp_path / "many.parquet", x, labels)
    few = write_table(tmp_path / "few.parquet", x[:500] + 0.001, labels[:500])
    arguments = [many, "--backbone", backbone, "--head", "lda", "--strength", "0.9"]
    stderr = pomona("train", *arguments, "--out", tmp_path / "no.onnx", "-q", status=2).stderr
    assert "100000 photos over 100000 classes" in stderr and "--val" in stderr
    result = train(pomona, *arguments, "--val", few, "--out", tmp_path / "m.onnx", "--head-only")
    assert result["classes"] == count and result["top1"] > 0.9
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    probabilities = session.run(["probabilities"], {"features": x[:500] + 0.001})[0]
    assert (probabilities.argmax(1) == np.arange(500)).mean() > 0.9


def write_csv(path, text):
    path.write_text(text)
    return path


def test_a_class_of_one_photo_and_unseen_labels(pomona, tables, tmp_path):
    _, _, (x, y), (vx, vy) = tables
    source = write_table(tmp_path / "t.parquet", np.vstack([x, vx[:1]]), y + ["rare"])
    validation = write_table(tmp_path / "v.parquet", vx[1:31], vy[1:30] + ["unknown"])
    for head in ("logistic", "ridge", "lda", "knn", "prototype"):
        result = train(pomona, source, "--val", validation, "--out", tmp_path / f"{head}.onnx", "--head", head)
        assert result["classes"] == 5 and result["unseen"] == 1 and result["validation"] == 29
        result = train(pomona, source, "--out", tmp_path / f"{head}-folds.onnx", "--head", head)
        assert result["classes"] == 5 and result["validation"] == 401
    text = pomona("train", source, "--val", validation, "--out", tmp_path / "text.onnx").stdout
    assert "class 'rare' has only 1 photo" in text and "'unknown'" in text


def test_an_old_model_survives(pomona, tables, tmp_path):
    source, _, (x, y), _ = tables
    out = tmp_path / "m.onnx"
    train(pomona, source, "--out", out, "--head", "lda")
    old = out.read_bytes()
    assert "--overwrite" in pomona("train", source, "--out", out, status=2).stderr
    big = write_table(tmp_path / "big.parquet", np.vstack([x] * 12), y * 12, [f"file:/{i}.jpg" for i in range(4800)])
    process = subprocess.Popen([POMONA, "train", big, "--out", out, "--overwrite", "--head", "logistic", "--strength", "1e-9"],
                               stderr=subprocess.PIPE, text=True)
    process.stderr.readline()  # it has begun
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130
    assert out.read_bytes() == old and not list(tmp_path.glob("*.tmp"))


def test_grocery(pomona, shared, tmp_path):
    """The figures of the real photos, on the teacher's features: see bench/results/classifier.csv."""
    model = shared / "data/models/mobilenet_v2_1.0_224_features.onnx"
    for split in ("train", "val"):
        pomona("features", shared / f"data/grocery/{split}", "--out", tmp_path / split, "--model", model, "-q", timeout=600)
    result = train(pomona, tmp_path / "train", "--val", tmp_path / "val", "--backbone", model, "--out", tmp_path / "m.onnx",
                   "--head", "auto", "--hierarchy", shared / "data/grocery/classes.csv")
    assert result["top1"] >= 0.68 and result["classes"] == 81 and result["groups"] == 43
    stderr = pomona("train", tmp_path / "train", "--out", tmp_path / "n.onnx", status=2).stderr
    assert "--backbone names the ONNX file" in stderr
