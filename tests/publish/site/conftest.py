"""The real site: `caniload site build` over the whole catalogue, packaged and made-up evidence."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2] / "cli"))  # its made-up attempts stand here too

from evidence import NO_CLASS, attempt, keras, record
from site_building import HOSTILE, HOSTILE_HANDLE, build, serving


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with evidence of two days: all verdicts, and texts that would like to be scripts."""
    made = tmp_path_factory.mktemp("site") / "caniload-home"
    versions = {"tensorflow": "2.21.0", "transformers": "5.99.0"}
    failing = attempt(
        "transformers", "tensorflow", "tensorflow", versions, "failed", raised=NO_CLASS
    )
    record(made, attempt(), keras(), failing)
    record(
        made,
        attempt(),
        attempt("transformers", "jax", "transformers-4", {"jax": "0.10.2", "flax": "0.12.8"}),
        attempt(model=None, handle=HOSTILE_HANDLE, outcome="failed", raised=(HOSTILE, HOSTILE * 3)),
        day=1,
    )
    return made


@pytest.fixture(scope="session")
def site(home: Path) -> Path:
    """The folder of a built site."""
    target = home.parent / "public"
    done = build(home, target)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """The address of the site on loopback."""
    with serving(site) as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("chromium is missing; `make test` installs it as root")
    with sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page; an error of a script, or a request beyond loopback, fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on(
        "request",
        lambda asked: (
            None
            if asked.url.startswith(("http://127.0.0.1:", "blob:", "data:"))
            else wrong.append(asked.url)
        ),
    )
    yield opened
    context.close()
    assert not wrong
