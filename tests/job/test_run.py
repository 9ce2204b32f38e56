"""pomona run: the reference's whole notebook in one command."""
import json
import os
import shutil

import duckdb
import pandas as pd
import pytest

FILES = ["PCA_Results", "PCA_results.csv", "PCA_variance.csv", "Results", "moments.pom", "pca.model", "report.html", "run.json",
         "scree.png", "scree.svg"]


@pytest.fixture(scope="module")
def whole(pomona, photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    done = pomona("run", photos, "--out", out, "--k", "10")
    assert "10 components" in done.stdout and "report.html" in done.stdout
    return out


def test_everything_is_there(whole):
    assert sorted(os.listdir(whole)) == FILES
    scores = pd.read_parquet(whole / "PCA_Results").set_index("path")
    csv = pd.read_csv(whole / "PCA_results.csv").set_index("path")
    assert list(csv.columns) == ["label"] + [f"pc{i}" for i in range(1, 11)] and len(csv) == len(scores) == 120
    for path, row in scores.iterrows():
        assert list(row.pca) == list(csv.loc[path].iloc[1:]) and row.label == csv.label[path]
    (count, width), = duckdb.sql(f"select count(*), min(len(pca)) from '{whole}/PCA_Results/*.parquet'").fetchall()
    assert (count, width) == (120, 10)
    variance = pd.read_csv(whole / "PCA_variance.csv")
    assert list(variance.columns) == ["component", "eigenvalue", "explained", "cumulative"]
    assert variance.explained.is_monotonic_decreasing and abs(variance.cumulative.iloc[-1] - variance.explained.sum()) < 1e-12


def test_the_report_says_that_the_corpus_is_synthetic(whole):
    page = (whole / "report.html").read_text()
    assert "drawings" in page and "120" in page and 'lang="en"' in page


def test_same_as_the_commands_one_by_one(pomona, photos, whole, tmp_path):
    pomona("features", photos, "--out", tmp_path / "o", "-q")
    pomona("pca", tmp_path / "o", "--k", "10", "-q")
    for name in "PCA_results.csv", "PCA_variance.csv", "pca.model", "scree.svg", "moments.pom":
        assert (tmp_path / "o" / name).read_bytes() == (whole / name).read_bytes(), name


def test_french(pomona, photos, tmp_path):
    pomona("run", photos, "--out", tmp_path / "o", "--limit", "20", "--k", "3", "--lang", "fr", "-q")
    assert 'lang="fr"' in (tmp_path / "o/report.html").read_text()
    assert "de: not a language" in pomona("run", photos, "--out", tmp_path / "p", "--limit", "20", "--lang", "de", "-q", status=1).stderr
    assert not (tmp_path / "p").exists()


def test_failed_photos_are_in_the_report(pomona, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "p")
    (tmp_path / "p/<b>bad.jpg").write_bytes(b"")
    pomona("run", tmp_path / "p", "--out", tmp_path / "o", "--k", "3", "-q", status=3)
    page = (tmp_path / "o/report.html").read_text()
    assert "&lt;b&gt;bad.jpg" in page and "<b>bad" not in page


def test_resume_goes_on_to_the_pca(pomona, photos, whole, tmp_path):
    pomona("features", photos, "--out", tmp_path / "o", "-q")
    pomona("run", photos, "--out", tmp_path / "o", "--k", "10", "--resume", "-q")
    assert (tmp_path / "o/pca.model").read_bytes() == (whole / "pca.model").read_bytes()


def test_unreachable_variance(pomona, photos, tmp_path):
    pomona("run", photos, "--out", tmp_path / "o", "--variance", "1.5", status=1)
    assert not (tmp_path / "o").exists()


def test_json(pomona, photos, tmp_path):
    done = pomona("run", photos, "--out", tmp_path / "o", "--limit", "10", "--k", "2", "--json", "-q")
    assert json.loads(done.stdout)["counts"]["rows"] == 10
