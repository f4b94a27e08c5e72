"""The site in a real Chromium: accessible on every kind of page, by keyboard, on a phone, dark."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

KINDS = {
    "front": "",
    "models": "models/",
    "model": "models/all-minilm-l6-v2/",
    "unmeasured": "models/bert/",
    "datasets": "datasets/",
    "dataset": "datasets/imdb-reviews/",
    "tools": "tools/",
    "tool": "tools/torchserve/",
    "sources": "sources/",
    "hub": "sources/keras/",
    "source": "sources/timm/resnet18/",
    "runs": "runs/",
    "run": "runs/20261122T120000Z-000001/",
    "environments": "environments/",
    "environment": "environments/tensorflow/",
    "changes": "changes/",
    "gaps": "gaps/",
    "coverage": "coverage/",
    "choose": "choose/",
    "about": "about/",
    "data": "data/",
}
"""A page of every kind. The list of a hub is that of Keras: axe takes minutes for 3,000 rows."""
DRAWER = "details.evidence"


def violations(page: Page) -> list[str]:
    """Run every rule of axe, best practices included; none is switched off."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:120]}: "
        f"{one['nodes'][0]['failureSummary'][:200]}"
        for one in found
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, address: str, kind: str, scheme: str) -> None:
    width = 1280 if scheme == "light" else 390
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(address + KINDS[kind])
    first = page.locator(DRAWER).first
    if first.count():
        first.evaluate("one => { one.open = true; }")
    assert violations(page) == []
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"the page is {wide} wide in a window of {width}"
    context.close()


def test_a_permalink_opens_its_evidence(page: Page, address: str) -> None:
    page.goto(address + "runs/20261122T120000Z-000001/")
    page.get_by_role("link", name="all-MiniLM-L6-v2").last.click()
    page.wait_for_url("**/models/all-minilm-l6-v2/**#cell-*")
    name = page.url.partition("#")[2]
    drawer = page.locator(f"[id='{name}']")
    assert drawer.evaluate("one => one.open")
    assert drawer.get_by_text("flax 0.12.8, jax 0.10.2").is_visible()
    page.wait_for_function(f"document.activeElement.closest('details')?.id === '{name}'")


def test_evidence_is_reached_by_keyboard_alone(page: Page, address: str) -> None:
    page.goto(address + "models/all-minilm-l6-v2/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('details.evidence > summary')"):
            break
    else:
        pytest.fail("no drawer was reached in 80 steps")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", "where the focus is must be seen"
    page.keyboard.press("Enter")
    drawer = page.locator(DRAWER).first
    assert drawer.evaluate("one => one.open")
    assert drawer.get_by_text("Load it as it was measured").is_visible()


def test_tables_sort_filter_and_go_along(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(address + "runs/20261122T120000Z-000001/")
    with page.expect_download() as download:
        page.locator("caption .get a").first.click()
    target = tmp_path / "table.csv"
    download.value.save_as(target)
    rows = list(csv.reader(io.StringIO(target.read_text("utf-8"))))
    assert rows[0][:2] == ["observation", "what"]
    assert len(rows) == 4
    page.goto(address + "tools/")
    table = page.locator("main table").first
    page.get_by_label("Only rows with").fill("torchserve")
    shown = table.locator("tbody tr:visible")
    assert shown.count() == 1
    assert page.get_by_role("status").inner_text().startswith("1 of ")
    page.get_by_label("Only rows with").fill("")
    head = table.get_by_role("button", name="status")
    head.click()
    column = [row.split("\t")[2] for row in table.locator("tbody tr").all_inner_texts()]
    assert column == sorted(column)
    head.click()
    assert table.locator("th[aria-sort=descending]").inner_text() == "status"


def test_without_javascript_the_essentials_stand(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.get_by_text("Searching needs JavaScript").is_visible()
    page.get_by_role("link", name="all-MiniLM-L6-v2", exact=True).first.click()
    summary = page.locator(f"{DRAWER} > summary").first
    summary.click()
    assert page.get_by_text("Load it as it was measured").first.is_visible()
    context.close()


def test_a_hostile_text_runs_nowhere(page: Page, address: str, site: Path) -> None:
    hostile = list((site / "sources/hf/evil").rglob("index.html"))
    for path in (*hostile, site / "runs/20261122T120000Z-000001/index.html"):
        page.goto(address + path.relative_to(site).as_posix())
        page.wait_for_timeout(200)
        assert page.title() != "stolen"
    assert hostile
    found = json.loads((site / "caniload-site.json").read_text("utf-8"))
    assert len(found["files"]) > 6000
