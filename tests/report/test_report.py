"""The report in a browser: no error, no request, readable at both widths, in both themes and languages.

Needs Debian's chromium (or CHROMIUM=/path/to/it) and report_tool, which the build makes beside the tests; skipped without.
"""
import base64
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest
from conftest import POMONA
from records import Records

TOOL = POMONA.resolve().parents[2] / "tests/report/report_tool"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
HOSTILE = ["</script><script>document.documentElement.dataset.hacked=1</script>", "\"><img src=x onerror=hack()>",
           "line\nbreak\ttab", "\u202egpj.exe", "\u05e9\u05dc\u05d5\u05dd", "\U0001f34e \U0001f468\u200d\U0001f33e", "it's {{title}} \\u0041 &amp;",
           b"latin\xe9".decode("utf-8", "surrogateescape"), "x" * 3000, "<!--", "]]>", "`${1}`"]

# Runs in the page after its own script, and sends what it saw to the page around it (FRAME: a window of Chromium is never
# narrower than 500 pixels, a frame is), where --dump-dom shows it.
PROBE = r"""<script>
"use strict";
addEventListener("load", () => {
  const seen = {width: innerWidth, wide: document.documentElement.scrollWidth, hacked: document.documentElement.dataset.hacked};
  const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => parse(colour).slice(0, 3).map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((parse(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  seen.page = getComputedStyle(document.body).backgroundColor;
  seen.contrast = {};
  const texts = document.querySelectorAll("h1, h2, h3, p, a, dt, dd, th, td, small, figcaption, summary, button, select, .path, .flag, .scree text");
  for (const element of texts) {
    if (!element.checkVisibility() || !element.textContent.trim()) continue;
    const style = getComputedStyle(element);
    const pair = [light(element.closest("svg") ? style.fill : style.color), light(behind(element))].sort((a, b) => b - a);
    const name = element.tagName + "." + element.getAttribute("class");
    seen.contrast[name] = Math.min(seen.contrast[name] ?? 99, (pair[0] + 0.05) / (pair[1] + 0.05));
  }
  seen.small = [...texts].filter((e) => e.checkVisibility() && !e.closest("svg") && parseFloat(getComputedStyle(e).fontSize) < 12).length;
  seen.unnamed = [...document.images].filter((image) => !image.alt).length;
  seen.broken = [...document.images].filter((image) => image.complete && !image.naturalWidth).length;
  const plot = document.getElementById("plot");
  if (plot) {
    const key = (name) => plot.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true}));
    const card = document.getElementById("card");
    const buttons = document.querySelectorAll("#legend [data-label]");
    key("ArrowRight");
    seen.card = [card.hidden, card.textContent, Boolean(card.querySelector("img")?.src.startsWith("data:image/jpeg"))];
    key("Escape");
    seen.closed = card.hidden;
    const before = document.querySelector(".m0").getAttribute("d");
    seen.redrawn = before.replace(/[^MhlzZ]/g, "").length;
    buttons[0].click();
    seen.pressed = [buttons[0].getAttribute("aria-pressed"), document.querySelector("#plot svg").classList.contains("filtered")];
    document.getElementById("all").click();
    seen.released = buttons[0].getAttribute("aria-pressed");
    const axis = document.getElementById("axis-x");
    axis.value = String(axis.length - 1);
    axis.dispatchEvent(new Event("change"));
    seen.moved = before !== document.querySelector(".m0").getAttribute("d");
    const box = document.querySelector("#plot svg").getBoundingClientRect();
    const [, x, y] = document.querySelector(".m0").getAttribute("d").match(/M([\d.]+) ([\d.]+)/).map(Number);
    plot.dispatchEvent(new MouseEvent("click", {clientX: box.left + x * box.width / 1000, clientY: box.top + y * box.width / 1000, bubbles: true}));
    seen.tapped = !card.hidden;
    const room = card.getBoundingClientRect();
    seen.inside = room.left >= 0 && room.right <= innerWidth;
  }
  seen.dom = document.documentElement.outerHTML;
  parent.postMessage(seen, "*");
});
</script></body>"""

FRAME = """<!DOCTYPE html><iframe src="probed.html" style="border:0" width="%d" height="900"></iframe><pre id="probe"></pre><script>
addEventListener("message", (event) => {
  const bytes = new TextEncoder().encode(JSON.stringify(event.data));
  document.getElementById("probe").textContent = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
});
</script>"""


@pytest.fixture(scope="module")
def tool():
    if not TOOL.exists():
        pytest.skip(f"{TOOL} is not built (meson option tests)")

    def run(records, folder):
        folder.mkdir(exist_ok=True)
        subprocess.run([TOOL, records.write(folder / "records"), folder], check=True, timeout=120)
        return folder / "report.html"

    return run


@pytest.fixture
def chromium(tmp_path):
    """Opens a page and returns (standard output, console lines)."""
    if not CHROMIUM:
        pytest.skip("chromium is not installed (apt-get install chromium)")

    def run(url, *options):
        done = subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
             f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", *options, url],
            capture_output=True, text=True, errors="replace", timeout=120)
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    return run


@pytest.fixture(scope="module")
def photo(pomona, tmp_path_factory):
    folder = tmp_path_factory.mktemp("photo")
    pomona("sample", "--out", folder, "--count", "1", "--classes", "1", "-q")
    return next(folder.rglob("*.jpg"))


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


def probe(page, chromium, *options, width=1280):
    """What the page is like once its script has run, and its DOM."""
    text = page.read_text("utf-8")
    assert text.count("</body>") == 1
    page.with_name("probed.html").write_text(text.replace("</body>", PROBE), "utf-8")
    frame = page.with_name("frame.html")
    frame.write_text(FRAME % width)
    dom, console = chromium(frame.as_uri(), "--dump-dom", "--virtual-time-budget=5000", "--window-size=1400,1000", *options)
    assert console == []
    found = re.search(r'<pre id="probe">([\w+/=]+)</pre>', dom)
    assert found, dom[-2000:]
    seen = json.loads(base64.b64decode(found[1]))
    return seen, seen.pop("dom")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_readable_and_quiet(tool, chromium, photo, tmp_path, width, theme):
    page = tool(example("en" if theme == "light" else "fr", photo), tmp_path / "report")
    seen, _ = probe(page, chromium, f"--blink-settings=preferredColorScheme={int(theme == 'light')}",
                    width=width)
    assert seen["width"] == width
    assert seen["wide"] <= width, "the page scrolls sideways"
    dark = sum(map(int, re.findall(r"\d+", seen["page"])[:3])) < 200
    assert dark == (theme == "dark")
    assert {name: ratio for name, ratio in seen["contrast"].items() if ratio < 4.5} == {}
    assert seen["unnamed"] == seen["broken"] == seen["small"] == 0
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
    text = page.read_text("utf-8")
    assert re.search(r"default-src 'none'; img-src data:", text)
    assert re.findall(r"""(?:src|href|action|url\()\s*=?\s*["']?(?!#|data:)[\w:/.]+:""", text) == []
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Handler(*a, directory=page.parent))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    netlog = tmp_path / "net.json"
    try:
        _, console = chromium(f"http://127.0.0.1:{server.server_port}/report.html", "--dump-dom", f"--log-net-log={netlog}")
    finally:
        server.shutdown()
        server.server_close()
    assert console == []
    assert asked == ["/report.html"]
    urls = set(re.findall(r'"url":"((?:https?|wss?):[^"]*)"', netlog.read_text("utf-8", "replace")))
    assert f"http://127.0.0.1:{server.server_port}/report.html" in urls
    # Chromium's own visits to its maker are none of the page's.
    assert {url for url in urls if "google" not in url and not url.startswith("http://127.0.0.1:")} == set()


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
