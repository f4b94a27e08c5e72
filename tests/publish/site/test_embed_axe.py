"""Embeds in a plain page, light and dark: no rule of axe finds anything."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from site_building import serving
from test_site_browser import violations

sys.path.insert(0, str(Path(__file__).parents[1]))

from an_answers_file import answers, put

from caniload.publish.embed import fragments
from caniload.publish.embed.asking import KINDS, ask, find

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Embeds</title>
<meta name="color-scheme" content="light dark"><link rel="stylesheet" href="caniload.css">
<script defer src="caniload-ages.js"></script><script src="can-i-load.js"></script></head>
<body><main><h1>Embeds</h1>{body}</main></body></html>"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_embeds(browser: Browser, tmp_path: Path, scheme: str) -> None:
    folder = tmp_path / "site"
    shutil.copytree(fragments.static(), folder)
    put(folder)
    made = answers()
    body = ""
    for at, kind in enumerate(KINDS):
        found = find(made, ask(kind, "bert", {}))
        body += f"<h2>{at}</h2>{fragments.fragment(found, text='It loads', max_age_days=1)}"
    for model in ("bert", "dream", "hostile", "nobody"):
        body += f'<h2>{model}</h2><can-i-load model="{model}" src="answers.json" open></can-i-load>'
    (folder / "index.html").write_text(PAGE.format(body=body), encoding="utf-8")
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    with serving(folder) as address:
        page.goto(address)
        page.wait_for_function(
            "[...document.querySelectorAll('can-i-load')].every((one) => "
            "one.shadowRoot && !one.hasAttribute('aria-busy'))"
        )
        assert page.locator("can-i-load table").count() == 2
        assert violations(page) == []
    context.close()
