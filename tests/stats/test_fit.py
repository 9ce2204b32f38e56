"""Closed-form fits, measures and calibration against scikit-learn and SciPy, called through tests/stats/fit_tool.c."""
import os
import subprocess

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import logsumexp, softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.metrics import classification_report, confusion_matrix, log_loss, roc_auc_score, top_k_accuracy_score

from conftest import POMONA, ROOT

BUILDS = [POMONA.resolve().parents[2], ROOT / "build/release", ROOT / "build"]


@pytest.fixture(scope="module")
def tool():
    """tool("auroc", array, ...) runs fit_tool with the arrays' bytes as input and gives the numbers of each line."""
    found = [path for build in BUILDS if (path := build / "tests/stats/fit_tool").exists()]
    if not found:
        pytest.skip("fit_tool is not built (-Dtests=true)")

    def run(*arguments):
        words = [str(a) for a in arguments if not isinstance(a, np.ndarray)]
        data = b"".join(a.tobytes() for a in arguments if isinstance(a, np.ndarray))
        done = subprocess.run([os.fspath(found[0]), *words], input=data, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr.decode()
        return [np.array(line.split(), float) for line in done.stdout.decode().splitlines()]

    return run


def counts(*values):
    return np.array(values, np.int32)


def made_up(rows, width, classes, seed=1):
    """Uneven classes, correlated features in multiples of 2^-20 (as moments keep them), one that never moves."""
    random = np.random.default_rng(seed)
    leaf = np.concatenate([np.arange(classes), np.minimum(random.geometric(0.3, rows - classes) - 1, classes - 1)])
    mixing = random.normal(size=(8, width))
    x = random.normal(size=(rows, 8)) @ mixing + random.normal(size=(classes, width))[leaf] + random.normal(size=(rows, width))
    x[:, width // 2] = 1.5
    return (np.round(x * 2**14) / 2**14).astype(np.float32), leaf.astype(np.int32)


def standardise(x):
    x = x.astype(np.float64)
    deviation = x.std(0, ddof=1)
    varying = deviation > 0
    return ((x - x.mean(0)) / np.where(varying, deviation, 1))[:, varying], x.mean(0), deviation, varying


def closed(tool, kind, strength, x, leaf):
    classes = leaf.max() + 1
    weight, bias = tool("closed", kind, strength, counts(*x.shape, classes), x, leaf)
    return x.astype(np.float64) @ weight.reshape(classes, -1).T + bias


@pytest.mark.parametrize("shrinkage", [0.01, 0.2, 0.9, 1])
@pytest.mark.parametrize("rows,width,classes", [(500, 30, 7), (60, 80, 9), (40, 5, 2)])
def test_lda(tool, shrinkage, rows, width, classes):
    """Equal to scikit-learn's where its covariance (divided by rows, not rows - classes) and priors are made ours."""
    x, leaf = made_up(rows, width, classes)
    z, *_ = standardise(x)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage).fit(z, leaf)
    coef, intercept = model.coef_, model.intercept_
    if classes == 2:  # it keeps the difference alone
        coef = intercept = None
    factor = (rows - classes) / rows
    for kind in ("lda", "shares"):
        logits = closed(tool, kind, shrinkage, x, leaf)
        prior = np.log(np.bincount(leaf) / rows)
        if coef is None:
            theirs = z @ model.coef_[0] + model.intercept_[0] - prior[1] + prior[0]
            theirs = theirs * factor + (prior[1] - prior[0] if kind == "shares" else 0)
            np.testing.assert_allclose(logits[:, 1] - logits[:, 0], theirs, rtol=1e-6, atol=1e-6)
            continue
        theirs = (z @ coef.T + intercept - prior) * factor + (prior if kind == "shares" else 0)
        np.testing.assert_allclose(logits, theirs, rtol=1e-6, atol=1e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("l2", [0.001, 0.1, 10])
@pytest.mark.parametrize("rows,width,classes", [(500, 30, 7), (60, 80, 9), (40, 5, 2)])
def test_ridge(tool, l2, rows, width, classes):
    x, leaf = made_up(rows, width, classes)
    z, *_ = standardise(x)
    share = np.bincount(leaf) / rows
    for kind, target in (("ridge", np.ones(classes)), ("balanced", 1 / np.sqrt(share))):
        model = Ridge(alpha=l2 * rows, solver="cholesky").fit(z, np.eye(classes)[leaf] * target)
        np.testing.assert_allclose(closed(tool, kind, l2, x, leaf), model.predict(z), rtol=1e-7, atol=1e-7)


def test_real_features(tool, shared):
    """Teacher's features of the grocery photos: the same classes as scikit-learn's LDA."""
    pq = pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(shared / "data/expected/val_features.parquet")
    x = np.array(table["features"].to_pylist(), np.float32)
    names, leaf = np.unique(np.array(table["label"].to_pylist()), return_inverse=True)
    z, *_ = standardise(np.round(x.astype(np.float64) * 2**20) / 2**20)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.4).fit(z, leaf)
    logits = closed(tool, "shares", 0.4, x, leaf.astype(np.int32))
    prior = np.log(np.bincount(leaf) / len(leaf))
    theirs = (z @ model.coef_.T + model.intercept_ - prior) * (len(x) - len(names)) / len(x) + prior
    np.testing.assert_allclose(logits, theirs, rtol=1e-6, atol=1e-6 * np.abs(theirs).max())
    assert (logits.argmax(1) == theirs.argmax(1)).all()


def answers_of(rows, classes, seed):
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes - 1, rows).astype(np.int32)  # the last class has no photos
    logits = 2 * random.normal(size=(rows, classes))
    logits[np.arange(rows), truth] += 2
    return softmax(logits, axis=1), truth


@pytest.mark.parametrize("rows,classes", [(1, 3), (14, 3), (500, 12), (5000, 131)])
def test_answers(tool, rows, classes):
    p, truth = answers_of(rows, classes, rows)
    best, labels = p.argmax(1), np.unique(truth)
    top = min(5, classes - 1)
    lines = tool("answers", top, counts(rows, classes), p, truth)
    top1, topk, precision, recall, f1, loss, brier, width, mass, low, high = lines[0]
    assert top1 == pytest.approx((best == truth).mean())
    assert topk == pytest.approx(top_k_accuracy_score(truth, p, k=top, labels=range(classes)))
    report = classification_report(truth, best, labels=labels, output_dict=True, zero_division=0)
    for mine, name in ((precision, "precision"), (recall, "recall"), (f1, "f1-score")):
        assert mine == pytest.approx(report["macro avg"][name])
    assert loss == pytest.approx(log_loss(truth, p, labels=range(classes)), rel=1e-9)
    assert brier == pytest.approx(((p - np.eye(classes)[truth]) ** 2).sum(1).mean())
    interval = stats.binomtest(int((best == truth).sum()), rows).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((interval.low, interval.high))
    confidence, right = p.max(1), best == truth
    bins = np.minimum((confidence * 15).astype(int), 14)
    ece = sum(abs(confidence[bins == b].sum() - right[bins == b].sum()) for b in range(15)) / rows
    assert width == pytest.approx(ece)
    order = np.lexsort((right, confidence))
    parts = [order[b * rows // 15:(b + 1) * rows // 15] for b in range(15)]
    assert mass == pytest.approx(sum(abs(confidence[s].sum() - right[s].sum()) for s in parts) / rows)
    per_class = np.array(lines[1:1 + classes])
    for c in labels:
        row = report[str(c)]
        assert per_class[c] == pytest.approx([row["precision"], row["recall"], row["f1-score"], row["support"]])
    matrix = np.zeros((classes, classes), int)
    for t, b, n in lines[1 + classes:]:
        matrix[int(t), int(b)] = n
    assert (matrix == confusion_matrix(truth, best, labels=range(classes))).all()


def test_auroc(tool):
    random = np.random.default_rng(3)
    known, unknown = random.normal(1, 1, 300).round(1), random.normal(0, 2, 120).round(1)
    (area, low, high), = tool("auroc", counts(300, 120), known, unknown)
    assert area == pytest.approx(roc_auc_score([1] * 300 + [0] * 120, np.concatenate([known, unknown])), abs=1e-12)
    assert low < area < high


@pytest.mark.parametrize("shift", [0.5, 1.5, 3])
@pytest.mark.parametrize("known,unknown", [(20, 20), (60, 20), (40, 100)])
def test_auroc_interval_covers(tool, shift, known, unknown):
    """Over 2,000 samples of known normal scores, the true area lies in about 95 % of the intervals."""
    random = np.random.default_rng(4)
    truth = stats.norm.cdf(shift / np.sqrt(2))
    blocks = []
    for _ in range(2000):
        blocks += [counts(known, unknown), random.normal(shift, 1, known), random.normal(0, 1, unknown)]
    result = np.array(tool("auroc", np.frombuffer(b"".join(b.tobytes() for b in blocks), np.uint8)))
    covered = ((result[:, 1] <= truth) & (truth <= result[:, 2])).mean()
    assert 0.93 < covered < 0.99


@pytest.mark.parametrize("scale", [0.2, 1, 8])
def test_temperature(tool, scale):
    p, truth = answers_of(700, 9, 5)
    logits = scale * np.log(p)
    n, classes = logits.shape
    soft = np.full((n, classes), 1 / (n + 2) / (classes - 1))
    soft[np.arange(n), truth] = (n + 1) / (n + 2)

    def loss(u, target):
        z = logits * np.exp(-u)
        return (logsumexp(z, axis=1) - (target * z).sum(1)).mean()

    best = optimize.minimize_scalar(loss, args=(soft,), bracket=(-1, 1), tol=1e-12)
    (temperature, hard), = tool("temperature", counts(n, classes), logits, truth)
    assert temperature == pytest.approx(np.exp(best.x), rel=1e-5)
    assert hard == pytest.approx(loss(np.log(temperature), np.eye(classes)[truth]), rel=1e-12)


def test_beta(tool):
    """The interval of a false-reject rate, for 1 to 10 million photos."""
    triples = np.array([(p, rank, n + 1 - rank) for n in (1, 2, 19, 300, 20000, 1000000, 10000000)
                        for rank in {1, max(1, n // 100), max(1, n // 20), n // 2 + 1, n}
                        for p in (0.001, 0.025, 0.5, 0.975, 0.999)], float)
    result = np.array(tool("beta", counts(len(triples)), triples))
    want = stats.beta.ppf(*triples.T)
    deviation = stats.beta.std(triples[:, 1], triples[:, 2])
    assert (np.abs(result[:, 0] - want) <= 1e-6 * deviation + 1e-15).all()
    np.testing.assert_allclose(result[:, 1], stats.beta.cdf(*triples.T), atol=1e-7)
