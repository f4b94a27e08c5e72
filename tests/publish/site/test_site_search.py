"""Searching and choosing in the page, as a reader does both, in a real Chromium."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page
from site_building import environ_of
from test_site_browser import violations


def search(page: Page, text: str) -> None:
    """Write into the field and wait until the whole catalogue was searched for it."""
    page.locator("#q").fill(text)
    ready(page, text)


def ready(page: Page, text: str) -> None:
    """Wait until the page shows what the whole catalogue has for a text."""
    page.wait_for_function(
        "(text) => { const found = document.querySelector('#found');"
        " return found.dataset.query === text && found.hasAttribute('data-whole'); }",
        arg=text,
    )


def names(page: Page) -> list[str]:
    """Return the links of what was found, in order."""
    return page.locator("#found a").all_inner_texts()


def test_the_index_is_fetched_when_somebody_searches(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    assert not any("search.json" in url or "minisearch" in url for url in asked)
    search(page, "bert")
    assert any(url.endswith("search.json") for url in asked)
    assert names(page)[0] == "BERT"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("mobilnet", "MobileNetV2"),
        ("whisper", "Whisper"),
        ("torchserve", "TorchServe"),
        ("imdb", "IMDb reviews"),
        ("hf:google-bert/bert-base-uncased", "hf:google-bert/bert-base-uncased"),
        (
            "https://huggingface.co/google-bert/bert-base-uncased",
            "hf:google-bert/bert-base-uncased",
        ),
    ],
)
def test_what_people_write_is_found_first(page: Page, address: str, text: str, first: str) -> None:
    page.goto(address)
    search(page, text)
    assert names(page)[0] == first
    page.locator("#found a").first.click()
    page.wait_for_load_state()
    assert page.locator("h1").inner_text() == first


def test_a_search_by_keyboard_alone_and_its_permalink(page: Page, address: str) -> None:
    page.goto(address)
    page.keyboard.press("/")
    page.keyboard.type("resnet")
    ready(page, "resnet")
    assert page.url.endswith("?q=resnet")
    page.keyboard.press("ArrowDown")
    focused = page.evaluate("document.activeElement.textContent")
    assert focused in names(page)
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    assert page.locator("h1").inner_text() == focused
    page.goto(address + "?q=resnet")
    ready(page, "resnet")
    assert page.locator("#q").input_value() == "resnet"
    assert focused in names(page)
    page.locator("#q").press("Escape")
    assert page.locator("#q").input_value() == ""


def test_filters_narrow_and_stay_in_the_address(page: Page, address: str) -> None:
    page.goto(address)
    search(page, "serving")
    chip = page.locator("#found button[aria-pressed]", has_text="tools").first
    chip.click()
    pressed = page.locator("#found button[aria-pressed=true]")
    assert "tools" in pressed.first.inner_text()
    kinds = page.locator("#found li a").evaluate_all("all => all.map((one) => one.href)")
    assert kinds
    assert all("/tools/" in href for href in kinds)
    narrowed = page.url
    assert narrowed != address + "?q=serving"
    page.goto(narrowed)
    ready(page, "serving")
    assert page.locator("#found button[aria-pressed=true]").count() == 1


def test_a_word_that_nothing_is_called_says_so(page: Page, address: str) -> None:
    page.goto(address)
    search(page, "zzzzqqqqxx")
    assert names(page) == []
    page.get_by_text("Nothing was found.").wait_for()
    search(page, "<img src=x onerror=document.title='stolen'>")
    assert page.title() != "stolen"


def test_axe_finds_nothing_in_what_was_found(page: Page, address: str) -> None:
    page.goto(address)
    search(page, "mobilenet")
    assert violations(page) == []
    page.goto(address + "choose/?model=bert&deploy=mobile&language=swift")
    page.wait_for_selector("#answer:not([hidden]) h2, #answer:not([hidden]) h3")
    assert violations(page) == []


def test_the_page_chooses_as_the_command_does(page: Page, address: str, home: Path) -> None:
    """The best state of every subject in every framework is the command's own."""
    done = subprocess.run(
        [sys.executable, "-m", "caniload", "choose", "-m", "bert", "-m", "minilm", "--dataset",
         "imdb_reviews", "--deploy", "mobile", "--language", "swift", "--need", "training",
         "--format", "quiet"],
        env=environ_of(home), capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    wanted = sorted(line.split()[-1] for line in done.stdout.splitlines())
    page.goto(
        address + "choose/?model=bert&model=all-minilm-l6-v2&dataset=imdb-reviews&deploy=mobile"
        "&language=Swift&need=training"
    )
    page.wait_for_selector("#answer:not([hidden]) table")
    table = page.locator("#answer table").first
    told = [text.split()[-1] for text in table.locator("tbody td").all_inner_texts()]
    assert sorted(told) == wanted
    assert len(wanted) == 18
    assert "There is no score" not in page.content()


def test_a_choice_is_made_by_hand_and_kept_in_the_address(page: Page, address: str) -> None:
    page.goto(address + "choose/")
    page.locator("#choose-model").fill("bert")
    page.locator("#choose-model").press("Enter")
    page.get_by_label("mobile", exact=True).check()
    page.wait_for_selector("#answer:not([hidden]) table")
    assert "model=bert" in page.url
    assert "deploy=mobile" in page.url
    assert json.dumps("BERT")[1:-1] in page.locator("#answer").inner_text()
    page.get_by_role("button", name="Clear all").click()
    assert "model=" not in page.url
