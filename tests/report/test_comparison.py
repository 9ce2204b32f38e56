"""The report of a comparison in a browser, see browser.py; and its pictures."""
import re

import compared
import pytest
from browser import HOSTILE, assert_asks_nothing, assert_readable, chromium, probe, run_tool, theme_option  # noqa: F401
from conftest import POMONA

TOOL = POMONA.resolve().parents[2] / "tests/report/comparison_tool"


@pytest.fixture(scope="module")
def tool():
    def run(records, folder):
        run_tool(TOOL, records, folder)
        return folder / "comparison.html"

    return run


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_readable_and_quiet(tool, chromium, tmp_path, width, theme):
    page = tool(compared.comparison("en" if theme == "light" else "fr"), tmp_path / "report")
    seen, _ = probe(page, chromium, theme_option(theme), width=width)
    assert_readable(seen, width, theme)


def test_tables_sort(tool, chromium, tmp_path):
    """The first press puts the best first: the most accurate, the fastest."""
    seen, _ = probe(tool(compared.comparison("en"), tmp_path / "report"), chromium)
    _, top1, _, ms, _, rate, *_ = seen["sorted"]
    assert [state for state, _ in top1] == ["descending", "ascending"]
    assert [state for state, _ in ms] == ["ascending", "descending"]
    assert [state for state, _ in rate] == ["descending", "ascending"]
    for column, reverse in ((top1, True), (ms, False), (rate, True)):
        values = [int(value) for value in column[0][1]]
        assert values == sorted(values, reverse=reverse) and len(values) == 28


@pytest.mark.parametrize("language, texts", [
    ("en", ['lang="en"', "Accuracy against latency", "recommended", "over budget", "on the front", "CPU-s a photo",
            "its graph has a cycle", "median 20\u00a0ms", "loads nothing from the network"]),
    ("fr", ['lang="fr"', "Exactitude et latence", "recommandé", "hors budget", "sur le front", "s CPU par photo",
            "médiane 20\u00a0ms"])])
def test_text_of_both_languages(tool, chromium, tmp_path, language, texts):
    page = tool(compared.comparison(language), tmp_path / "report")
    dom, console = chromium(page.as_uri(), "--dump-dom")
    assert console == []
    assert [text for text in texts if text not in dom.replace("&nbsp;", "\u00a0")] == []


def test_hostile_texts_stay_texts(tool, chromium, tmp_path):
    models = [(text, text, 40 + 10 * i, 2.0) for i, text in enumerate(HOSTILE)]
    records = compared.comparison("en", models)
    for text in HOSTILE:
        records.add("failure", text, text).add("note", text)
    for name in ("title", "source", "tier", "advice"):
        records.add(name, HOSTILE[0])
    page = tool(records, tmp_path / "report")
    seen, dom = probe(page, chromium)
    assert "hacked" not in seen
    for text in ("&lt;/script&gt;&lt;script&gt;document", "line\\x0Abreak\\x09tab", "\\u202Egpj.exe", "latin\\xE9"):
        assert text in dom
    dom, console = chromium(page.with_name("pareto.svg").as_uri(), "--dump-dom")
    assert console == [] and "parsererror" not in dom and "<script" not in dom


def test_is_complete_without_scripts(tool, tmp_path):
    text = tool(compared.comparison("en"), tmp_path / "report").read_text("utf-8")
    markup = text[:text.rindex("<script>")]
    assert [tag for tag in re.findall(r"<(?:select|button)[^>]*>", markup) if "disabled" not in tag] == []


def test_asks_the_network_for_nothing(tool, chromium, tmp_path):
    assert_asks_nothing(tool(compared.comparison("en"), tmp_path / "report"), chromium, tmp_path)


def test_same_input_same_bytes(tool, tmp_path):
    folders = [tool(compared.comparison("fr"), tmp_path / name).parent for name in ("a", "b")]
    for name in ("comparison.html", "pareto.png", "pareto.svg"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


@pytest.mark.parametrize("options", [{"budget": 0}, {"models": compared.MODELS[:1], "sizes": (224,), "precisions": ("fp32",)},
                                     {"sizes": tuple(range(96, 400, 16)), "energy": "joules"}])
def test_few_and_many(tool, chromium, tmp_path, options):
    page = tool(compared.comparison("en", **options), tmp_path / "report")
    seen, _ = probe(page, chromium, width=390)
    assert_readable(seen, 390, "light")
    assert page.with_name("pareto.png").read_bytes()[:4] == b"\x89PNG"
