"""The web component and the script that counts ages, in a real headless Chromium."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from an_answers_file import RUN, answers, put

from caniload.publish.embed import fragments
from caniload.publish.embed.asking import ask, find
from caniload.publish.embed.signs import LABEL, SIGNS, STALE

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title>
<link rel="stylesheet" href="caniload.css"><script defer src="caniload-ages.js"></script>
<script src="can-i-load.js"></script></head><body>{body}
<script>
window.alert = () => {{ document.body.dataset.alerted = "yes"; }};
setTimeout(() => {{
  const all = [...document.querySelectorAll("can-i-load")].map((one) => ({{
    text: one.shadowRoot.textContent.replace(one.shadowRoot.querySelector("style").textContent, ""),
    scripts: one.shadowRoot.querySelectorAll("script").length,
    colour: getComputedStyle(one.shadowRoot.querySelector(".pill") ?? one).backgroundColor,
    rows: one.shadowRoot.querySelectorAll("tbody tr").length,
    heads: one.shadowRoot.querySelectorAll("th[scope]").length,
    slots: one.shadowRoot.querySelectorAll("slot").length,
    busy: one.hasAttribute("aria-busy"),
  }}));
  const seen = document.createElement("pre");
  seen.id = "seen";
  seen.textContent = JSON.stringify(all);
  document.body.append(seen);
}}, 1500);
</script></body></html>"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "site"
    shutil.copytree(fragments.static(), made)
    put(made)
    return made


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def dom(url: str, profile: Path) -> str:
    """Return the page as Chromium has it after its scripts ran."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("chromium is missing; `make test` installs it as root")
    done = subprocess.run(
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            f"--user-data-dir={profile}",
            "--virtual-time-budget=8000",
            "--dump-dom",
            url,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_component_answers_from_the_file(folder: Path, address: str, tmp_path: Path) -> None:
    (folder / "index.html").write_text(
        PAGE.format(
            body='<can-i-load model="bert" src="answers.json"></can-i-load>'
            '<can-i-load model="BERT" framework="tensorflow" src="answers.json"></can-i-load>'
            '<can-i-load model="bert" src="answers.json" max-age="1"></can-i-load>'
            '<can-i-load model="dream" src="answers.json" open></can-i-load>'
            '<can-i-load model="hostile" src="answers.json"></can-i-load>'
            '<can-i-load model="nobody" src="answers.json">See the table.</can-i-load>'
            '<can-i-load model="bert" src="gone.json">See the table.</can-i-load>'
        ),
        encoding="utf-8",
    )
    html = dom(f"{address}/index.html", tmp_path / "profile")
    seen: list[dict[str, Any]] = json.loads(
        unescape(html.split('<pre id="seen">')[1].split("</pre>")[0])
    )
    works, fails, old, claimed, hostile, nobody, gone = seen
    assert "✓ works BERT with transformers in PyTorch 2.13.0, cpu" in works["text"]
    assert "torch 2.13.0, transformers 5.23.0; measured 2026-11-21 (" in works["text"]
    assert RUN in works["text"]
    assert (works["rows"], works["heads"], works["busy"]) == (2, 9, False)
    assert works["colour"] == "rgb(26, 116, 64)"
    assert "✕ fails BERT with transformers in TensorFlow 2.21.0" in fails["text"]
    assert "too old" in old["text"]
    assert old["colour"] == "rgb(102, 107, 115)"
    assert "“ claimed DeepDream with transformers in JAX" in claimed["text"]
    assert "nobody measured it" in claimed["text"]
    assert "No cell has been measured." in claimed["text"]
    assert "<script>alert(1)</script>" in hostile["text"]
    assert hostile["scripts"] == 0
    assert "data-alerted" not in html
    assert (nobody["slots"], gone["slots"]) == (1, 1)
    assert "No answer: no model named nobody" in nobody["text"]
    assert "answers 404" in gone["text"]


def test_ages_are_counted_in_the_page(folder: Path, address: str, tmp_path: Path) -> None:
    made = answers()
    body = fragments.fragment(find(made, ask("matrix", "bert", {})), max_age_days=1)
    body += fragments.fragment(find(made, ask("badge", "hostile", {})))
    (folder / "index.html").write_text(PAGE.format(body=body), encoding="utf-8")
    html = dom(f"{address}/index.html", tmp_path / "profile")
    assert html.count("days ago, too old)</span>") == 2
    assert html.count('<tr class="caniload-too-old">') == 2
    assert html.count("days ago)</span>") == 1
    assert "data-alerted" not in html


def test_colours_are_the_same_everywhere_and_white_reads_on_them() -> None:
    style = (fragments.static() / fragments.STYLE).read_text()
    script = (fragments.static() / fragments.COMPONENT).read_text()
    for verdict, sign in SIGNS.items():
        assert f'{verdict}: ["{sign.mark}", "{sign.colour}"]' in script
        rule = next(line for line in style.splitlines() if f".caniload-{verdict}" in line)
        assert sign.colour in rule
    assert len({sign.mark for sign in SIGNS.values()}) == len(SIGNS)
    assert STALE in style
    assert f'STALE = "{STALE}"' in script
    for colour in {*(sign.colour for sign in SIGNS.values()), STALE, LABEL}:
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5, colour


def luminance(colour: str) -> float:
    """Relative luminance as https://www.w3.org/TR/WCAG22/#dfn-relative-luminance defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
