"""The report in a browser: no error, no request, readable at both widths, in both themes and languages.

Needs Debian's chromium (or CHROMIUM=/path/to/it) and report_tool, which the build makes beside the tests; skipped without.
"""
import pathlib
import re

import pytest
from browser import HOSTILE, assert_asks_nothing, assert_readable, chromium, photo, probe, run_tool, theme_option  # noqa: F401
from conftest import POMONA
from records import Records

TOOL = POMONA.resolve().parents[2] / "tests/report/report_tool"


@pytest.fixture(scope="module")
def tool():
    def run(records, folder):
        run_tool(TOOL, records, folder)
        return folder / "report.html"

    return run


def example(language, photo, labels=None, rows=60):
    """A report with every section."""
    records = Records(language=language, source="file:/data/fruits", photos=rows + 2, rows=rows, errors=2, seconds=12.5,
                      photos_per_second=1234.5, threads=2, model="model.onnx", tier="avx2", features=64, version="0.1.0",
                      synthetic_photos=True, scores_standardised=True, bytes_read=123456789)
    for name, seconds in (("read", 1.25), ("decode", 4), ("net", 20.5)):
        records.add("stage", name, seconds)
    for i in range(64):
        records.add("eigenvalue", 30 * 0.8 ** i)
    labels = labels or [f"fruit {i}" for i in range(15)]
    for i in range(rows):
        label = labels[i % len(labels)]
        records.row(f"file:/data/fruits/{label}/{i}.jpg", label, photo,
                    [(i * 37 % 61) - 30, (i * 17 % 53) - 25, (i * 29 % 47) / 3, i % 5, (i * i) % 7])
    for i, label in enumerate(labels):
        records.add("label", label, rows // len(labels) + i)
    records.add("failure", "file:/data/fruits/broken.jpg", "truncated after 812 bytes")
    records.add("failure", "file:/data/fruits/other.jpg", "not a JPEG: a PNG picture")
    return records


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_readable_and_quiet(tool, chromium, photo, tmp_path, width, theme):
    page = tool(example("en" if theme == "light" else "fr", photo), tmp_path / "report")
    seen, _ = probe(page, chromium, theme_option(theme), width=width)
    assert_readable(seen, width, theme)
    assert seen["card"][0] is False and seen["card"][2] is True and ".jpg" in seen["card"][1]
    assert seen["closed"] and seen["tapped"] and seen["inside"] and seen["moved"]
    assert seen["pressed"] == ["true", True] and seen["released"] == "false"


@pytest.mark.parametrize("language, texts", [
    ("en", ['lang="en"', "Photo report", "Where the time went", "1,235", "Near-duplicates", "95% of the variance",
            "123.5\u00a0MB", "truncated after 812 bytes", "could not be read",
            "loads nothing from the network"]),
    ("fr", ['lang="fr"', "Rapport sur les photos", "Où le temps est passé", "1\u202f235", "Quasi-doublons",
            "95\u202f% de la variance", "123,5\u00a0Mo", "truncated after 812 bytes", "illisibles"])])
def test_text_of_both_languages(tool, chromium, photo, tmp_path, language, texts):
    page = tool(example(language, photo), tmp_path / "report")
    dom, console = chromium(page.as_uri(), "--dump-dom")
    assert console == []
    assert [text for text in texts if text not in dom.replace("&nbsp;", "\u00a0")] == []


def test_hostile_texts_stay_texts(tool, chromium, photo, tmp_path):
    records = example("en", photo, labels=HOSTILE)
    for text in HOSTILE:
        records.add("failure", text, text)
        records.add("stage", text, 1)
    records.add("title", HOSTILE[0]).add("source", HOSTILE[1]).add("model", HOSTILE[2])
    seen, dom = probe(tool(records, tmp_path / "report"), chromium)
    assert "hacked" not in seen
    assert seen["broken"] == 0
    for text in ("&lt;/script&gt;&lt;script&gt;document", "line\\x0Abreak\\x09tab", "\\u202Egpj.exe", "\u05e9\u05dc\u05d5\u05dd",
                 "\U0001f468\u200d\U0001f33e", "latin\\xE9", "it's {{title}} \\u0041 &amp;amp;"):
        assert text in dom


def test_is_complete_without_scripts(tool, photo, tmp_path):
    """Points and lists are in the page itself; controls that need the script are off until it turns them on."""
    text = tool(example("en", photo), tmp_path / "report").read_text("utf-8")
    assert "<noscript>" in text and "Without scripts this is the plane" in text
    assert re.search(r'class="mark m0" d="M[\d.]+ [\d.]+h0', text)
    markup = text[:text.rindex("<script>")]
    assert "<select" in markup and "<button" in markup
    assert [tag for tag in re.findall(r"<(?:select|button)[^>]*>", markup) if "disabled" not in tag and "hidden" not in tag] == []


def test_asks_the_network_for_nothing(tool, chromium, photo, tmp_path):
    page = tool(example("en", photo), tmp_path / "report")
    assert_asks_nothing(page, chromium, tmp_path)


def test_the_console_is_really_watched(chromium, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text("<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; script-src 'unsafe-inline'\">"
                    "<img src=http://127.0.0.1:9/x.png><script>nothing()</script>")
    _, console = chromium(page.as_uri(), "--dump-dom")
    assert any("nothing is not defined" in line for line in console)
    assert any("Content Security Policy" in line for line in console)


def test_same_input_same_bytes(tool, photo, tmp_path):
    folders = [tool(example("fr", photo), tmp_path / name).parent for name in ("a", "b")]
    for name in ("report.html", "scree.png", "scree.svg"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_the_reference_corpus(tool, chromium, shared, tmp_path):
    """Real photos and the scores of the reference pipeline."""
    table = pytest.importorskip("pyarrow.parquet").read_table(shared / "data/expected/val_pca50.parquet").to_pylist()
    shares = [float(line.split(",")[1]) for line in
              (shared / "data/expected/val_pca50_variance.csv").read_text().splitlines()[1:]]
    records = Records(language="en", photos=len(table), rows=len(table), total=1280, features=1280)
    for share in shares:
        records.add("eigenvalue", share * 1280)
    photos = {path.name: path for path in (shared / "data/grocery/val").rglob("*.jpg")}
    for row in table:
        records.row("file:/data/" + row["path"], row["label"], photos[pathlib.PurePosixPath(row["path"]).name], row["pca"])
    page = tool(records, tmp_path / "report")
    assert page.stat().st_size < 4_000_000
    seen, dom = probe(page, chromium)
    assert seen["broken"] == 0 and dom.count('src="data:image/jpeg;base64,') >= 36
    assert "PC1 (11.1%)" in dom and "more than" in dom
