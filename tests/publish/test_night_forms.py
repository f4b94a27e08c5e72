"""The forms of a night's report, read back by what reads them."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import a_night
import pytest
from markdown_it import MarkdownIt

from caniload.catalog.comparison import (
    KINDS,
    LOUD,
    Change,
    Comparison,
    Coverage,
    NightReport,
)
from caniload.publish.night import annotations, data, junit, markdown, page, said, text
from caniload.words import Outcome


@pytest.fixture
def night() -> NightReport:
    """A night in which things broke."""
    return a_night.report()


@pytest.fixture
def hostile() -> NightReport:
    """The same, with a model whose name is an attack on every form."""
    return a_night.report(a_night.HOSTILE)


@pytest.fixture
def quiet(night: NightReport) -> NightReport:
    """A night in which nothing needed to be tried."""
    kept = Coverage(60_000, {"unchanged since it was measured": 60_000})
    return replace(night, coverage=kept, comparison=Comparison(("r",), None, ()), controls=())


class Page(html.parser.HTMLParser):
    """Collect what a browser would make of a page: tags, attributes, text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_outcome_and_kind_has_a_mark_of_its_own() -> None:
    assert set(said.SIGNS) == {str(each) for each in Outcome}
    assert len({sign.mark for sign in said.SIGNS.values()}) == len(said.SIGNS)
    assert set(said.TITLES) == set(KINDS)


def test_the_page_holds_its_numbers_and_needs_nothing_beside_it(night: NightReport) -> None:
    source = page.write(night)
    seen = Page(source)
    for number in ("264", "224", "40", "38", "33", "212 unchanged since it was measured"):
        assert number in seen.text
    assert "2 broken; 1 unexpected pass; 1 slower" in seen.text
    assert "controls misbehaved in keras-jax" in seen.text.replace("Controls", "controls")
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in seen.tags}
    used = [value for _, attrs in seen.tags for key, value in attrs.items() if key == "src"]
    assert not used
    assert "url(" not in source
    assert "@import" not in source
    assert "prefers-color-scheme: dark" in source


def test_nothing_that_a_model_is_called_becomes_markup(
    night: NightReport, hostile: NightReport
) -> None:
    plain, attacked = Page(page.write(night)), Page(page.write(hostile))
    assert {tag for tag, _ in attacked.tags} == {tag for tag, _ in plain.tags}
    assert a_night.HOSTILE.split("|")[0] in attacked.text
    links = [attrs["href"] for tag, attrs in attacked.tags if tag == "a"]
    assert links == ["https://example.org/issues/7"]
    rendered = Page(MarkdownIt("commonmark").enable("table").render(markdown.write(hostile)))
    assert {tag for tag, _ in rendered.tags} <= {
        "h1", "h2", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "blockquote",
        "strong", "a",
    }  # fmt: skip
    assert [attrs["href"] for tag, attrs in rendered.tags if tag == "a"] == links
    assert "<script>alert('model')</script>" in rendered.text
    assert "\x1b" not in text.write(hostile)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed here")
@pytest.mark.slow
def test_a_browser_runs_nothing_and_shows_the_page(hostile: NightReport, tmp_path: Path) -> None:
    file = tmp_path / "night.html"
    file.write_text(page.write(hostile), encoding="utf-8")
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         f"--user-data-dir={tmp_path / 'profile'}", file.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    shown = Page(done.stdout)
    assert not [tag for tag, _ in shown.tags if tag == "script"]
    assert "3 broken" in shown.text
    assert shown.text.count("✕ failed") >= 2


def test_junit_fails_for_what_the_suite_says_and_for_nothing_else(night: NightReport) -> None:
    root = ElementTree.fromstring(junit.write(night))
    failures = root.findall(".//failure")
    assert [each.get("type") for each in failures] == ["unexpected-pass", "broken", "broken"]
    assert int(root.get("failures", "")) == len(failures) == len(night.failed)
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests", "")) == len(cases)
        for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(kind, "")) == len(suite.findall(f"testcase/{tag}"))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", ""))
    tried = [cell for cell in night.cells if cell.tonight]
    assert int(root.get("tests", "")) == len(tried) + len(night.controls)
    (error,) = root.findall(".//error")
    assert "small.keras" in (error.get("message") or "")
    out = replace(night, failing=())
    assert ElementTree.fromstring(junit.write(out)).get("failures") == "0"


def test_junit_keeps_its_form_whatever_was_printed(hostile: NightReport) -> None:
    """Elements and attributes of Jenkins' junit-10.xsd, in its order; no forbidden characters."""
    attributes = {
        "testsuites": {"name", "time", "tests", "failures", "errors"},
        "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
        "properties": set(),
        "property": {"name", "value"},
        "testcase": {"name", "classname", "time"},
        "failure": {"message", "type"},
        "error": {"message", "type"},
        "skipped": {"message"},
        "system-out": set(),
    }
    source = junit.write(hostile)
    root = ElementTree.fromstring(source)
    for element in root.iter():
        assert set(element.attrib) <= attributes[element.tag], element.tag
    names = {case.get("name") for case in root.iter("testcase")}
    assert any("<script>" in (name or "") for name in names)
    assert "\x1b" not in source
    order = ["error", "skipped", "failure", "system-out"]
    for case in root.iter("testcase"):
        places = [order.index(child.tag) for child in case]
        assert places == sorted(places)


def test_what_was_not_tried_has_its_case(night: NightReport) -> None:
    track = night.cells[0].track
    gone = Change("gone", replace(track, loader="gone"), "passed", None, "no longer listed")
    more = replace(night.comparison, changes=(*night.comparison.changes, gone))
    told = replace(night, comparison=more, failing=("gone",))
    root = ElementTree.fromstring(junit.write(told))
    (failure,) = root.findall(".//failure")
    assert failure.get("message") == "passed → not listed: no longer listed"


def unescaped(value: str) -> str:
    """What GitHub's runner makes of a property or a message."""
    for mark, code in (("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C"), ("%", "%25")):
        value = value.replace(code, mark)
    return value


def test_annotations_are_one_command_a_line(night: NightReport, hostile: NightReport) -> None:
    lines = annotations.write(night, file="suites/caniload.toml").splitlines()
    assert [line.partition(" ")[0] for line in lines] == [
        "::error", "::error", "::error", "::warning", "::warning", "::notice",
    ]  # fmt: skip
    assert all("file=suites/caniload.toml," in line for line in lines)
    nasty = annotations.write(hostile).splitlines()
    pattern = re.compile(r"::(error|warning|notice) title=([^,:\r\n]*)::([^\r\n]*)")
    told = [pattern.fullmatch(line) for line in nasty]
    assert all(told)
    titles = [unescaped(found.group(2)) for found in told if found]
    assert any(a_night.HOSTILE in title for title in titles)


def test_annotations_beyond_what_github_shows_are_counted(night: NightReport) -> None:
    broken = [each for each in night.comparison.changes if each.kind == "broken"]
    many = replace(night.comparison, changes=tuple(broken[:1] * 25))
    lines = annotations.write(replace(night, comparison=many)).splitlines()
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == 10
    assert "title=16 more" in errors[-1]


def test_markdown_stays_within_the_limit_and_says_what_it_left_out(night: NightReport) -> None:
    broken = [each for each in night.comparison.changes if each.kind == "broken"]
    many = replace(night.comparison, changes=tuple(broken[:1] * 5000))
    source = markdown.write(replace(night, comparison=many), limit_bytes=20_000)
    assert len(source.encode()) <= 20_000
    assert "## ✕ Broken (5000)" in source
    assert "and 4980 more" in source


def test_json_is_versioned_and_says_the_same(night: NightReport) -> None:
    found = json.loads(data.write(night))
    assert (found["format"], found["version"]) == ("caniload-night", 1)
    assert found["coverage"]["listed"] == sum(found["coverage"]["omitted"].values()) + 40
    assert found["failed"] == sum(each["fails"] for each in found["changes"]) == 3
    assert len(found["cells"]) == len(night.cells)
    page_of = Path(__file__).parents[2] / "docs" / "nightly-report.md"
    named = set(re.findall(r"`([a-z_]+)`", page_of.read_text(encoding="utf-8")))
    cell, change = found["cells"][0], found["changes"][0]
    used = {*found, *found["coverage"], *cell, *cell["track"], *change, *found["controls"][0]}
    assert used <= named, used - named


def test_json_holds_no_number_that_json_does_not_have(night: NightReport) -> None:
    first = replace(night.comparison.changes[0], numbers={"relative_rms": float("inf")})
    found = data.document(replace(night, comparison=replace(night.comparison, changes=(first,))))
    assert json.loads(json.dumps(found, allow_nan=False))["changes"][0]["numbers"] == {
        "relative_rms": None
    }


def test_a_quiet_night_says_so_in_every_form(quiet: NightReport) -> None:
    for form in (text, markdown, page):
        source = form.write(quiet)
        assert "nothing needed to be tried" in source.replace("Nothing", "nothing")
        assert "60,000" in source
        assert "There was nothing to compare with" in source
    assert ElementTree.fromstring(junit.write(quiet)).get("tests") == "0"
    assert annotations.write(quiet).startswith("::notice")
    assert json.loads(data.write(quiet))["cells"] == []


def test_the_terminal_has_the_answer_first(night: NightReport) -> None:
    lines = text.write(night).splitlines()
    assert lines[0].startswith("our models: 2 broken; 1 unexpected pass; 1 slower; controls")
    assert [kind for kind in KINDS if kind in LOUD] == list(LOUD)
    assert any("also changed: transformers 5.22.0 → 5.23.0" in line for line in lines)
