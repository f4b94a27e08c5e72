"""The pictures in README and docs: of the packaged evidence alone, made here and nowhere else.

`CANILOAD_WRITE_PICTURES=1 pytest tests/publish/site/test_site_pictures.py` writes them.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from site_building import build, serving

FOLDER = Path(__file__).parents[3] / "docs" / "images"
LIGHT, DARK = (1200, 900), (390, 844)


def front(page: Page) -> None:
    """The front page while somebody searches."""
    page.locator("#q").fill("minilm")
    page.wait_for_selector("#found[data-whole] a")


def drawer(page: Page) -> None:
    """The first evidence of a model, open."""
    page.locator("details.evidence").first.evaluate("one => { one.open = true; }")
    page.locator("#evidence").evaluate("one => one.scrollIntoView()")


def top(page: Page) -> None:
    """A page as it opens."""
    page.wait_for_load_state("networkidle")


PICTURES = {
    "site-search": ("", LIGHT, "light", front),
    "site-model": ("models/all-minilm-l6-v2/", LIGHT, "light", top),
    "site-evidence": ("models/all-minilm-l6-v2/", LIGHT, "light", drawer),
    "site-phone": ("models/all-minilm-l6-v2/", DARK, "dark", top),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_show_the_site(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    path, (width, height), scheme, act = PICTURES[name]
    place = tmp_path_factory.getbasetemp() / "pictured"
    if not (place / "public" / "caniload-site.json").exists():
        place.mkdir(exist_ok=True)
        done = build(place / "caniload-home", place / "public")
        assert done.returncode == 0, done.stderr
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    )
    page = context.new_page()
    with serving(place / "public") as address:
        page.goto(address + path)
        act(page)
        page.mouse.move(0, 0)
        made = page.screenshot(animations="disabled")
    context.close()
    assert struct.unpack(">II", made[16:24]) == (width, height)
    assert len(made) > 20_000, "an empty page is a small picture"
    target = FOLDER / f"{name}.png"
    if os.environ.get("CANILOAD_WRITE_PICTURES"):
        target.write_bytes(made)
    known = target.read_bytes()
    assert struct.unpack(">II", known[16:24]) == (width, height)
    pages = [FOLDER.parents[1] / "README.md", *sorted(FOLDER.parent.glob("*.md"))]
    assert any(target.name in each.read_text("utf-8") for each in pages), "no page shows it"
