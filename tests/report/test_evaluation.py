"""The report of an evaluation in a browser, see browser.py; and its pictures."""
import pathlib
import re
import struct

import judged
import pytest
from browser import HOSTILE, assert_asks_nothing, assert_readable, chromium, photo, probe, run_tool, theme_option  # noqa: F401
from conftest import POMONA

TOOL = POMONA.resolve().parents[2] / "tests/report/evaluation_tool"
PICTURES = [f"{name}.{kind}" for name in ("confusion", "reliability", "rejection") for kind in ("png", "svg")]


@pytest.fixture(scope="module")
def tool():
    def run(records, folder):
        run_tool(TOOL, records, folder)
        return folder / "report.html"

    return run


def example(language, photo, classes=None, **options):
    return judged.evaluation(language, classes or judged.fruit(), lambda c, n: photo, **options)


def png_size(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_readable_and_quiet(tool, chromium, photo, tmp_path, width, theme):
    page = tool(example("en" if theme == "light" else "fr", photo), tmp_path / "report")
    seen, dom = probe(page, chromium, theme_option(theme), width=width)
    assert_readable(seen, width, theme)
    assert dom.count('src="data:image/jpeg;base64,') > 40


def test_tables_sort(tool, chromium, photo, tmp_path):
    """Numbers go down first, texts up; what is not defined stays last."""
    classes = judged.fruit()
    records = example("en", photo, classes).add("class", "never seen", "0 0 nan nan nan")
    seen, _ = probe(tool(records, tmp_path / "report"), chromium)
    name, _, photos, precision, _, _ = seen["sorted"]
    assert [state for state, _ in name] == ["ascending", "descending"]
    assert [state for state, _ in photos] == ["descending", "ascending"]
    assert set(name[0][1]) == {each for each, _ in classes} | {"never seen"}
    assert name[0][1] == sorted(name[0][1]) == name[1][1][::-1]
    counts = [int(count) for count in photos[0][1]]
    assert counts == sorted(counts, reverse=True) and counts[-1] == 0
    for (_, values), reverse in zip(precision, (True, False)):
        assert values[-1] == "" and [int(v) for v in values[:-1]] == sorted(map(int, values[:-1]), reverse=reverse)


@pytest.mark.parametrize("language, texts", [
    ("en", ['lang="en"', "Confusion matrix", "taken for", "Most confident mistakes", "Leakage", "durian", "the model’s own",
            "truncated after 812 bytes", "loads nothing from the network"]),
    ("fr", ['lang="fr"', "Matrice de confusion", "prise pour", "Erreurs les plus assurées", "Fuites", "durian",
            "celui du modèle", "truncated after 812 bytes"])])
def test_text_of_both_languages(tool, chromium, photo, tmp_path, language, texts):
    page = tool(example(language, photo), tmp_path / "report")
    dom, console = chromium(page.as_uri(), "--dump-dom")
    assert console == []
    assert [text for text in texts if text not in dom] == []


def test_hostile_texts_stay_texts(tool, chromium, photo, tmp_path):
    classes = [(text, HOSTILE[i // 2]) for i, text in enumerate(HOSTILE)]
    records = example("en", photo, classes, path="file:/data/{name}/{n}.jpg")
    for text in HOSTILE:
        records.add("failure", text, text).add("unseen", text, 2).add("shared_group", text).add("note", text)
    for name in ("title", "source", "model", "kind", "backbone", "tier", "model_hash"):
        records.add(name, HOSTILE[0])
    page = tool(records, tmp_path / "report")
    seen, dom = probe(page, chromium)
    assert "hacked" not in seen and seen["broken"] == 0
    for text in ("&lt;/script&gt;&lt;script&gt;document", "line\\x0Abreak\\x09tab", "\\u202Egpj.exe", "\u05e9\u05dc\u05d5\u05dd",
                 "\U0001f468\u200d\U0001f33e", "latin\\xE9", "it's {{title}} \\u0041 &amp;amp;"):
        assert text in dom
    for name in PICTURES:
        if name.endswith(".svg"):
            text = page.with_name(name).read_text("utf-8")
            assert "<script" not in text and "<img" not in text
            dom, console = chromium(page.with_name(name).as_uri(), "--dump-dom")
            assert console == [] and "parsererror" not in dom
        else:
            assert min(png_size(page.with_name(name))) > 300


def test_is_complete_without_scripts(tool, photo, tmp_path):
    """The buttons of the table are off until the script turns them on."""
    text = tool(example("en", photo), tmp_path / "report").read_text("utf-8")
    markup = text[:text.rindex("<script>")]
    assert "<button" in markup and "taken for" in markup and "<svg" in markup
    assert [tag for tag in re.findall(r"<(?:select|button)[^>]*>", markup) if "disabled" not in tag] == []


def test_asks_the_network_for_nothing(tool, chromium, photo, tmp_path):
    assert_asks_nothing(tool(example("en", photo), tmp_path / "report"), chromium, tmp_path)


def test_same_input_same_bytes(tool, photo, tmp_path):
    folders = [tool(example("fr", photo), tmp_path / name).parent for name in ("a", "b")]
    for name in ["report.html", *PICTURES]:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


@pytest.mark.parametrize("classes, lines, said", [
    (judged.fruit(30, 3), 50, None),
    (judged.fruit(66, 7), 66, "Summed over the coarse classes of 198 classes."),
    (judged.fruit(150, 3), 60, "60 classes with the most mistakes, of 250.")])
def test_the_matrix_stays_legible(tool, photo, tmp_path, classes, lines, said):
    page = tool(example("en", photo, classes, photos=3), tmp_path / "report")
    text = page.with_name("confusion.svg").read_text("utf-8")
    for place in (text, page.read_text("utf-8")):
        assert said is None or said in place
    assert text.count('transform="translate') >= lines
    assert max(png_size(page.with_name("confusion.png"))) < 2500
    assert page.stat().st_size < 5_000_000


def test_the_reference_corpus(tool, chromium, shared, tmp_path):
    """81 real classes with real photos."""
    lines = (shared / "data/grocery/classes.csv").read_text().splitlines()[1:]
    classes = [(line.split(",")[0], line.split(",")[2]) for line in lines]
    photos = {}
    for path in sorted((shared / "data/grocery").rglob("*.jpg")):
        photos.setdefault(path.parent.name, []).append(path)
    every = [path for paths in photos.values() for path in paths]

    def photo(c, n):
        paths = photos.get(classes[c][0], every)
        return paths[n % len(paths)]

    page = tool(judged.evaluation("en", classes, photo, photos=12), tmp_path / "report")
    assert page.stat().st_size < 2_000_000
    seen, dom = probe(page, chromium)
    assert_readable(seen, 1280, "light")
    assert "God-Morgon-Orange-Red-Grapefruit-Juice" in dom
    assert pathlib.Path(page.with_name("confusion.png")).stat().st_size < 1_000_000
