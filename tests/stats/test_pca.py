"""pomona pca and pomona moments: what a user sees, end to end."""
import hashlib
import json
import os
import shutil

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

OUTPUTS = ["PCA_Results", "PCA_results.csv", "PCA_variance.csv", "pca.model"]
REPORT = ["report.html", "scree.png", "scree.svg"]


def write_features(path, features, labels=None, space=None, layout="list", kind=np.float32, paths=None):
    """A Parquet file of features as Arrow writes it."""
    rows = len(features)
    table = pa.table({"path": pa.array(paths or [f"file:/photos/{i:06d}.jpg" for i in range(rows)], pa.string()),
                      "label": pa.array(labels if labels is not None else [f"l{i % 3}" for i in range(rows)], pa.string()),
                      "features": pa.array([np.asarray(row, kind) for row in features], pa.list_(pa.from_numpy_dtype(kind)))})
    if space:
        table = table.replace_schema_metadata({"pomona.feature_space": space})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, use_compliant_nested_type=layout == "list")
    return path


def made_up(rows, columns, seed=1, rank=20):
    """Features like a network's: a few directions matter, nothing is negative, one column never moves."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, rank)) @ random.normal(size=(rank, columns)) / 3 + random.normal(size=(rows, columns)) / 5
    values = np.clip(values, 0, 6).astype(np.float32)
    values[:, columns // 2] = 1.25
    return values


def read(out):
    scores = pd.read_parquet(out / "PCA_Results").set_index("path")
    return np.array(scores.pca.tolist()), scores, pd.read_csv(out / "PCA_variance.csv")


def reference(features, standardise=True):
    """Scores and explained variance by definition, in double."""
    x = features.astype(np.float64) - features.mean(0, dtype=np.float64)
    if standardise:
        deviation = x.std(0, ddof=1)
        constant = np.ptp(features, axis=0) == 0
        x = np.where(constant, 0, x / np.where(constant, 1, deviation))
    _, singular, vectors = np.linalg.svd(x, full_matrices=False)
    variance = singular**2 / (len(x) - 1)
    return x @ vectors.T, variance / variance.sum(), vectors


def difference_up_to_sign(a, b):
    signs = np.sign((a * b).sum(0))
    return np.abs(a * signs - b).max()


def tree(folder):
    return {os.path.relpath(os.path.join(base, name), folder): open(os.path.join(base, name), "rb").read()
            for base, _, names in os.walk(folder) for name in names if name != "report.html"}  # which names the tier


# --- results --------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def features(tmp_path_factory):
    path = tmp_path_factory.mktemp("features") / "f.parquet"
    values = made_up(700, 90)
    return write_features(path, values, space="a" * 64), values


@pytest.fixture(scope="module")
def result(pomona, features, tmp_path_factory):
    out = tmp_path_factory.mktemp("pca") / "out"
    pomona("pca", features[0], "--k", "12", "--out", out)
    return out


def test_writes_what_the_manual_says(result):
    assert sorted(os.listdir(result)) == OUTPUTS + REPORT
    success = json.loads((result / "PCA_Results/_SUCCESS").read_text())
    part, = success["parts"]
    content = (result / "PCA_Results" / part["name"]).read_bytes()
    assert sorted(os.listdir(result / "PCA_Results")) == ["_SUCCESS", part["name"]]
    assert (part["rows"], part["bytes"], part["sha256"]) == (700, len(content), hashlib.sha256(content).hexdigest())
    assert success["pca"] == (result / "pca.model").read_bytes()[-32:].hex()


def test_equal_to_the_definition(result, features):
    scores, table, variance = read(result)
    expected, explained, _ = reference(features[1])
    assert difference_up_to_sign(scores, expected[:, :12]) < 1e-4
    assert np.abs(variance.explained - explained[:12]).max() < 1e-7
    assert np.abs(variance.cumulative - np.cumsum(explained)[:12]).max() < 1e-7
    assert list(variance.component) == list(range(1, 13)) and abs(variance.eigenvalue.sum() / 89 - variance.cumulative.iloc[-1]) < 1e-9
    assert list(table.index) == [f"file:/photos/{i:06d}.jpg" for i in range(700)] and list(table.label[:4]) == ["l0", "l1", "l2", "l0"]


def test_agrees_with_scikit_learn(pomona, features, tmp_path):
    decomposition = pytest.importorskip("sklearn.decomposition")
    pomona("pca", features[0], "--k", "10", "--no-standardise", "--out", tmp_path / "o")
    scores, _, variance = read(tmp_path / "o")
    peer = decomposition.PCA(10, svd_solver="full").fit(features[1].astype(np.float64))
    assert np.abs(variance.explained - peer.explained_variance_ratio_).max() < 1e-7
    assert np.abs(variance.eigenvalue / peer.explained_variance_ - 1).max() < 1e-6
    assert difference_up_to_sign(scores, peer.transform(features[1].astype(np.float64))) < 1e-4


def test_csv_is_the_parquet_in_full_precision(result):
    scores, table, _ = read(result)
    csv = pd.read_csv(result / "PCA_results.csv")
    assert list(csv.columns) == ["path", "label"] + [f"pc{i}" for i in range(1, 13)]
    assert (csv.iloc[:, 2:].to_numpy() == scores).all() and list(csv.path) == list(table.index)


def test_duckdb_reads_it(result):
    (count, width), = duckdb.sql(f"select count(*), min(len(pca)) from '{result}/PCA_Results/*.parquet'").fetchall()
    assert (count, width) == (700, 12)


def test_largest_loading_is_positive(pomona, features, tmp_path):
    """Of each component; the loadings follow from scores of unit vectors."""
    pomona("pca", features[0], "--k", "6", "--no-standardise", "--out", tmp_path / "o")
    write_features(tmp_path / "unit.parquet", np.vstack([np.eye(90, dtype=np.float32), np.zeros((1, 90), np.float32)]))
    pomona("pca", "apply", tmp_path / "o/pca.model", tmp_path / "unit.parquet", "--out", tmp_path / "u")
    scores = read(tmp_path / "u")[0]
    loadings = scores[:-1] - scores[-1]
    assert all(loadings[np.abs(loadings[:, c]).argmax(), c] > 0 for c in range(6))


def test_spark_scores_and_vectors(pomona, features, tmp_path):
    _, _, vectors = reference(features[1], standardise=False)
    pomona("pca", features[0], "--k", "4", "--no-standardise", "--scores", "spark", "--vector", "spark", "--out", tmp_path / "o")
    part, = (tmp_path / "o/PCA_Results").glob("*.parquet")
    table = pq.read_table(part).to_pandas()
    assert sorted(table.pca[0]) == ["indices", "size", "type", "values"]
    assert table.pca[0]["type"] == 1 and table.pca[0]["size"] is None
    values = np.array([row["values"] for row in table.pca])
    assert difference_up_to_sign(values, features[1].astype(np.float64) @ vectors[:4].T) < 1e-4  # not centred
    assert b"VectorUDT" in part.read_bytes()


def test_apply_gives_the_same_scores_to_the_same_rows(pomona, features, result, tmp_path):
    write_features(tmp_path / "some.parquet", features[1][100:130], space="a" * 64)
    pomona("pca", "apply", result / "pca.model", tmp_path / "some.parquet", "--out", tmp_path / "o")
    assert (read(tmp_path / "o")[0] == read(result)[0][100:130]).all()
    assert (tmp_path / "o/pca.model").read_bytes() == (result / "pca.model").read_bytes()


def test_variance_chooses_the_fewest(pomona, features, tmp_path):
    _, explained, _ = reference(features[1])
    for share in 0.3, 0.9, 1.0:
        done = pomona("pca", features[0], "--variance", str(share), "--out", tmp_path / str(share), "--json")
        k = json.loads(done.stdout)["k"]
        assert k == (89 if share == 1.0 else int(np.searchsorted(np.cumsum(explained), share)) + 1)


def test_same_bytes_again_and_on_every_tier(pomona, features, result, tmp_path):
    for tier in ["scalar"] + (["avx2", "avx512"] if os.uname().machine == "x86_64" else ["neon"]):
        if pomona("cpu", "--tier", tier, status=None).returncode == 0:
            pomona("pca", features[0], "--k", "12", "--out", tmp_path / tier, "--tier", tier)
            assert tree(tmp_path / tier) == tree(result)


# --- moments --------------------------------------------------------------------------------------------------------

def test_moments_do_not_depend_on_partitions_or_order(pomona, features, tmp_path):
    values = features[1]
    labels = np.array([f"l{i % 5}" for i in range(len(values))])
    random = np.random.default_rng(3)
    expected, model = None, None
    for parts in 1, 2, 8, 20:
        order = random.permutation(len(values))
        for number, rows in enumerate(np.array_split(order, parts)):
            write_features(tmp_path / f"{parts}/part-{number:05d}.parquet", values[rows], labels[rows])
        pomona("moments", "compute", tmp_path / str(parts), "--out", tmp_path / f"{parts}.pom")
        for number in range(parts):
            pomona("moments", "compute", tmp_path / f"{parts}/part-{number:05d}.parquet", "--out", tmp_path / f"{parts}.{number}.pom")
        if parts > 1:
            pieces = [tmp_path / f"{parts}.{number}.pom" for number in random.permutation(parts)]
            pomona("moments", "merge", *pieces, "--out", tmp_path / f"{parts}.merged.pom")
            assert (tmp_path / f"{parts}.merged.pom").read_bytes() == expected
            pomona("moments", "subtract", tmp_path / f"{parts}.pom", *pieces[1:], "--out", tmp_path / f"{parts}.one.pom")
            assert (tmp_path / f"{parts}.one.pom").read_bytes() == pieces[0].read_bytes()
        content = (tmp_path / f"{parts}.pom").read_bytes()
        pomona("pca", tmp_path / str(parts), "--out", tmp_path / f"{parts}.pca", "-q")
        fitted = (tmp_path / f"{parts}.pca/pca.model").read_bytes()
        expected, model = expected or content, model or fitted
        assert content == expected and fitted == model


def test_moments_are_the_integers_that_python_computes(pomona, features, tmp_path):
    pomona("moments", "compute", features[0], "--out", tmp_path / "m.pom")
    content = (tmp_path / "m.pom").read_bytes()
    assert content[:8] == b"POMMOM\r\n" and content[-32:] == hashlib.sha256(content[:-32]).digest()
    fixed = [[round(float(value) * 2**20) for value in row] for row in features[1][:, :7]]  # round() takes ties to even
    sum_bytes, product_bytes = content[29], content[30]

    def integer(at, size):
        return int.from_bytes(content[at:at + size], "little", signed=True)
    products = 96 + 90 * sum_bytes
    for i in range(7):
        assert integer(96 + i * sum_bytes, sum_bytes) == sum(row[i] for row in fixed)
        for j in range(i + 1):
            at = products + (i * (i + 1) // 2 + j) * product_bytes
            assert integer(at, product_bytes) == sum(row[i] * row[j] for row in fixed)
    info = json.loads(pomona("moments", "info", tmp_path / "m.pom", "--json").stdout)
    assert info["rows"] == 700 and info["features"] == 90 and info["feature_space"] == "a" * 64
    assert [(label["label"], label["rows"]) for label in info["labels"]] == [("l0", 234), ("l1", 233), ("l2", 233)]


def test_a_job_leaves_the_moments_of_its_rows(pomona, photos, tmp_path):
    pomona("features", photos, "--out", tmp_path / "o", "--partitions", "3", "-q")
    pomona("moments", "compute", tmp_path / "o/Results", "--out", tmp_path / "m.pom")
    assert (tmp_path / "o/moments.pom").read_bytes() == (tmp_path / "m.pom").read_bytes()
    run = json.loads((tmp_path / "o/run.json").read_text())
    assert run["moments"]["hash"] == (tmp_path / "m.pom").read_bytes()[-32:].hex()
    done = json.loads(pomona("pca", tmp_path / "o", "--json", "--k", "5").stdout)
    assert done["from_moments"] and done["rows"] == 120 and set(OUTPUTS) < set(os.listdir(tmp_path / "o"))
    # without moments.pom: from the features, to the same bytes
    shutil.copytree(tmp_path / "o/Results", tmp_path / "p/Results")
    done = json.loads(pomona("pca", tmp_path / "p", "--json", "--k", "5").stdout)
    assert not done["from_moments"]
    assert all(tree(tmp_path / "p")[name] == tree(tmp_path / "o")[name] for name in OUTPUTS[1:])


def test_stale_moments_are_not_used_and_damaged_ones_are_refused(pomona, photos, tmp_path):
    pomona("features", photos, "--out", tmp_path / "a", "--limit", "30", "-q")
    pomona("features", photos, "--out", tmp_path / "b", "--limit", "40", "-q")
    shutil.copy(tmp_path / "b/moments.pom", tmp_path / "a/moments.pom")
    assert not json.loads(pomona("pca", tmp_path / "a", "--json").stdout)["from_moments"]
    content = bytearray((tmp_path / "b/moments.pom").read_bytes())
    content[5000] ^= 1
    (tmp_path / "b/moments.pom").write_bytes(content)
    done = pomona("pca", tmp_path / "b", status=2)
    assert "moments.pom: damaged" in done.stderr and not (tmp_path / "b/PCA_Results").exists()


# --- bad input ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("options, words", [
    (["--k", "91"], "91 is not in 1..90"), (["--k", "90"], "rank is 89"), (["--variance", "0"], "(0, 1]"),
    (["--variance", "1.5"], "(0, 1]"), (["--variance", "-1"], "(0, 1]"), (["--variance", "x"], "variance"), (["--k", "0"], "k"),
    (["--variance", "0.9", "--k", "3"], "choose one"), (["--variance", "0.99", "--max-k", "3"], "3 components explain"),
    (["--scores", "odd"], "centred"), (["--vector", "odd"], "array"), (["--compression", "lzma"], "snappy"), (["--nonsense"], "nonsense")])
def test_bad_usage(pomona, features, tmp_path, options, words):
    done = pomona("pca", features[0], "--out", tmp_path / "o", *options, status=1)
    assert words in done.stderr and done.stderr.count("\n") == 1 and not (tmp_path / "o").exists()


@pytest.mark.parametrize("values, words", [
    (np.ones((1, 8)), "at least two rows, here are 1"), (np.full((9, 8), 2.5), "rows are equal"), (np.zeros((0, 8)), "no rows"),
    (np.full((3, 8), np.nan), "finite"), (np.array([[1.0, np.inf], [0, 1]]), "000000.jpg"), (np.array([[1.0, 2], [0, 5000]]), "000001.jpg")])
def test_bad_features(pomona, tmp_path, values, words):
    write_features(tmp_path / "f.parquet", values)
    done = pomona("pca", tmp_path / "f.parquet", "--out", tmp_path / "o", status=2)
    assert words in done.stderr and done.stderr.count("\n") == 1 and not (tmp_path / "o").exists()


def test_too_wide_for_moments(pomona, tmp_path):
    write_features(tmp_path / "f.parquet", np.ones((2, 4097)))
    assert "4096" in pomona("pca", tmp_path / "f.parquet", "--out", tmp_path / "o", status=2).stderr


def test_fewer_rows_than_features(pomona, tmp_path):
    values = made_up(20, 60, seed=4)
    write_features(tmp_path / "f.parquet", values)
    done = json.loads(pomona("pca", tmp_path / "f.parquet", "--out", tmp_path / "o", "--json").stdout)
    assert (done["k"], done["rank"]) == (19, 19) and abs(done["explained"] - 1) < 1e-9
    assert difference_up_to_sign(read(tmp_path / "o")[0], reference(values)[0][:, :19]) < 1e-3


def test_refuses_to_overwrite(pomona, features, result, tmp_path):
    shutil.copytree(result, tmp_path / "o")
    before = tree(tmp_path / "o")
    done = pomona("pca", features[0], "--out", tmp_path / "o", "--k", "3", status=2)
    assert "--overwrite" in done.stderr and tree(tmp_path / "o") == before
    pomona("pca", features[0], "--out", tmp_path / "o", "--k", "3", "--overwrite")
    assert read(tmp_path / "o")[0].shape == (700, 3) and sorted(os.listdir(tmp_path / "o")) == OUTPUTS + REPORT
    pomona("moments", "compute", features[0], "--out", tmp_path / "m.pom")
    assert "exists" in pomona("moments", "compute", features[0], "--out", tmp_path / "m.pom", status=2).stderr
    assert "exists" in pomona("moments", "merge", tmp_path / "m.pom", tmp_path / "m.pom", "--out", tmp_path / "m.pom", status=2).stderr


def test_refuses_other_feature_spaces(pomona, features, result, tmp_path):
    write_features(tmp_path / "other.parquet", features[1], space="b" * 64)
    done = pomona("pca", "apply", result / "pca.model", tmp_path / "other.parquet", "--out", tmp_path / "o", status=2)
    assert "another space" in done.stderr and "other.parquet" in done.stderr
    write_features(tmp_path / "narrow.parquet", features[1][:, :50], space="a" * 64)
    assert "50 features" in pomona("pca", "apply", result / "pca.model", tmp_path / "narrow.parquet", "--out", tmp_path / "o", status=2).stderr
    pomona("moments", "compute", tmp_path / "other.parquet", "--out", tmp_path / "other.pom")
    pomona("moments", "compute", features[0], "--out", tmp_path / "m.pom")
    done = pomona("moments", "merge", tmp_path / "m.pom", tmp_path / "other.pom", "--out", tmp_path / "c.pom", status=2)
    assert "other.pom" in done.stderr and "feature spaces" in done.stderr and not (tmp_path / "c.pom").exists()


@pytest.mark.parametrize("arguments, words", [
    (["apply", "m"], "apply needs"), (["apply", "m", "f"], "--out"), (["apply", "m", "f", "--out", "o", "--k", "3"], "for fitting"),
    (["a", "b"], "one folder"), ([], "")])
def test_bad_commands(pomona, arguments, words):
    assert words in pomona("pca", *arguments, status=1).stderr


@pytest.mark.parametrize("arguments", [["info"], ["merge", "a", "--out", "c"], ["merge", "a", "b"], ["nonsense", "a"], ["compute", "a"]])
def test_bad_moments_commands(pomona, arguments):
    assert pomona("moments", *arguments, status=1).stderr.startswith("pomona moments: ")


def test_missing_and_foreign_files(pomona, features, tmp_path):
    (tmp_path / "text").write_text("hello")
    for arguments in (["pca", tmp_path / "none", "--out", tmp_path / "o"], ["pca", tmp_path / "text", "--out", tmp_path / "o"],
                      ["pca", "apply", tmp_path / "text", features[0], "--out", tmp_path / "o"],
                      ["moments", "info", tmp_path / "text"], ["moments", "info", tmp_path], ["moments", "info", "/dev/null"]):
        done = pomona(*arguments, status=2)
        assert done.stderr.count("\n") == 1 and not (tmp_path / "o").exists()


# --- parity with the reference --------------------------------------------------------------------------------------

def against_reference(out, shared, variance_bound, score_bound):
    _, table, variance = read(out)
    expected = pd.read_parquet(shared / "data/expected/val_pca50.parquet").set_index("path")
    explained = pd.read_csv(shared / "data/expected/val_pca50_variance.csv").explained_variance
    table.index = [path[path.index("val/Fruit") if "val/Fruit" in path else path.index("val/"):] for path in table.index]
    assert set(table.index) == set(expected.index) and len(table) == 296
    theirs = np.array(expected.pca.loc[table.index].tolist())
    assert np.abs(variance.explained - explained).max() <= variance_bound
    assert difference_up_to_sign(np.array(table.pca.tolist()), theirs) <= score_bound


def test_equal_to_the_reference_from_its_features(pomona, shared, tmp_path):
    pomona("pca", shared / "data/expected/val_features.parquet", "--out", tmp_path / "o", "-q")
    against_reference(tmp_path / "o", shared, 1e-6, 1e-3)


def test_equal_to_the_reference_from_own_features(pomona, shared, tmp_path):
    pomona("features", shared / "data/grocery/val", "--out", tmp_path / "o", "-q",
           "--model", shared / "data/models/mobilenet_v2_1.0_224_features.onnx")
    pomona("pca", tmp_path / "o", "-q")
    against_reference(tmp_path / "o", shared, 1e-5, 1e-2)


def test_reads_a_part_of_spark(pomona, shared, tmp_path):
    done = pomona("pca", shared / "data/expected/spark_part", "--out", tmp_path / "o", "--json")
    assert json.loads(done.stdout)["features"] == 1280
