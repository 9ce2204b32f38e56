"""Pages in a browser: what they look like, say to the console and ask the network for.

Needs Debian's chromium (or CHROMIUM=/path/to/it); tests that ask for it are skipped without.
"""
import base64
import http.server
import json
import os
import re
import shutil
import subprocess
import threading

import pytest

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
  const texts = document.querySelectorAll("h1, h2, h3, p, a, dt, dd, th, td, li, small, figcaption, summary, button, select, .path, .flag, .scree text");
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
  const table = document.querySelector("table.sortable");
  if (table) {
    const heads = [...table.tHead.rows[0].cells];
    const column = (i) => [...table.tBodies[0].rows].map((row) => row.cells[i].dataset.v ?? row.cells[i].textContent);
    seen.sorted = heads.map((head, i) => {
      const button = head.querySelector("button");
      if (!button) return null;
      button.click();
      const once = [head.getAttribute("aria-sort"), column(i)];
      button.click();
      return [once, [head.getAttribute("aria-sort"), column(i)]];
    });
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


def run_tool(tool, records, folder):
    """Writes a report with a tool of the build; skips where it was not built."""
    if not tool.exists():
        pytest.skip(f"{tool} is not built (meson option tests)")
    folder.mkdir(exist_ok=True)
    subprocess.run([tool, records.write(folder / "records"), folder], check=True, timeout=120)


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


def assert_readable(seen, width, theme):
    """Both themes have contrast, nothing is wider than the window, pictures have names."""
    assert seen["width"] == width
    assert seen["wide"] <= width, "the page scrolls sideways"
    dark = sum(map(int, re.findall(r"\d+", seen["page"])[:3])) < 200
    assert dark == (theme == "dark")
    assert {name: ratio for name, ratio in seen["contrast"].items() if ratio < 4.5} == {}
    assert seen["unnamed"] == seen["broken"] == seen["small"] == 0


def theme_option(theme):
    return f"--blink-settings=preferredColorScheme={int(theme == 'light')}"


def assert_asks_nothing(page, chromium, tmp_path):
    """No address in it, and no request but for itself."""
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
        _, console = chromium(f"http://127.0.0.1:{server.server_port}/{page.name}", "--dump-dom", f"--log-net-log={netlog}")
    finally:
        server.shutdown()
        server.server_close()
    assert console == []
    assert asked == [f"/{page.name}"]
    urls = set(re.findall(r'"url":"((?:https?|wss?):[^"]*)"', netlog.read_text("utf-8", "replace")))
    assert f"http://127.0.0.1:{server.server_port}/{page.name}" in urls
    # Chromium's own visits to its maker are none of the page's.
    assert {url for url in urls if "google" not in url and not url.startswith("http://127.0.0.1:")} == set()
