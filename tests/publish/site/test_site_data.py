"""What the site's scripts read and make of it: the search index and the lines for choosing."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

import caniload.publish.site as package
from caniload.catalog.choose import choose
from caniload.catalog.choose_words import NEEDS, TARGETS
from caniload.catalog.store import Store, open_store
from caniload.publish import wording
from caniload.publish.site import choosing, paths, search_index
from caniload.publish.site.facts import gather
from caniload.settings import Settings

STATIC = Path(package.__file__).parent / "static"
COMBINATIONS = 30
MOST = 1_000_000
"""Bytes that the search index may have."""

STRANGE = (
    "CON",
    "nul.txt",
    ".hidden",
    "-dash",
    "a b",
    "ä/é",
    "a.",
    "",
    "%40x",
    "日本",
    "~",
    "lpt1",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    home = tmp_path_factory.mktemp("data") / "home"
    with open_store(Settings.read({"CANILOAD_HOME": str(home)})) as opened:
        yield opened


@pytest.fixture(scope="module")
def index(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "search.json"
    path.write_bytes(search_index.index(store))
    return path


@pytest.fixture(scope="module")
def lines(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lines") / "lines.json"
    path.write_bytes(choosing.lines(store))
    return path


def script(page: Page, code: str, given: Any) -> Any:
    """Run our scripts in an empty page: `given` is what the code is given, the answer what it says.

    They are loaded as modules, so that they give their functions and leave the page alone.
    """
    head = ""
    for name in ("find", "choose", "minisearch"):
        source = (STATIC / f"{name}.js").read_text("utf-8")
        head += (
            f"const {name} = (() => {{ const module = {{ exports: {{}} }}; "
            f"const exports = module.exports;\n{source}\nreturn module.exports; }})();\n"
        )
    page.goto("about:blank")
    return page.evaluate(
        f"(given) => new Promise((say, stop) => {{ try {{ {head}\n{code} }}"
        " catch (error) { stop(error); } })",
        given,
    )


SEARCHED = """
const index = new find.Index(JSON.parse(given.index), minisearch);
index.fill(() => new Promise((go) => { setTimeout(go, 0); }), () => {}).then(() => { %s });
"""


def test_the_index_holds_everything_and_is_small(store: Store, index: Path) -> None:
    made = index.read_bytes()
    assert made == search_index.index(store), "the same store gives the same bytes"
    assert len(made) < MOST
    assert len(gzip.compress(made)) < MOST / 5
    raw = json.loads(made)
    facts = gather(store, lambda *_: pytest.fail("nothing measured is packaged"), "me")
    kinds = [row[0] for row in raw["entries"]]
    assert kinds.count("model") == len(facts.models)
    assert kinds.count("dataset") == len(facts.datasets)
    assert kinds.count("tool") == len(facts.tools)
    assert len(raw["sources"]["locator"]) > 5_000


def test_a_script_finds_each_page_where_it_lies(store: Store, index: Path, page: Page) -> None:
    given = {"index": index.read_text("utf-8"), "strange": STRANGE}
    code = SEARCHED % (
        "say([index.things.map((one) => [one.kind, one.id, one.folder]), "
        "given.strange.map(find.segment)])"
    )
    found, strange = script(page, code, given)
    way = {"model": paths.model, "dataset": paths.dataset, "tool": paths.tool}
    for kind, name, folder in found:
        if kind == "source":
            name = name.replace("%", "%25").replace("@", "%40").replace("#", "%23")
        assert folder == way.get(kind, paths.source)(name)
    assert strange == [paths.segment(text) for text in STRANGE]
    from caniload.catalog import questions, shelves

    authored = {paths.source(one.handle) for _, one in questions.sources(store)}
    imported = {paths.source(one.handle) for one in shelves.every(store)}
    assert {folder for kind, _, folder in found if kind == "source"} >= authored | imported


def test_a_segment_that_was_cut_comes_with_its_address() -> None:
    cut = paths.segment("x" * 400)
    assert not search_index.plain(f"sources/hf/{cut}/")
    assert search_index.plain(f"sources/hf/{'x' * search_index.LONGEST}/")


FIRST = {
    "bert": ("model", "bert"),
    "BERT-base": ("model", "bert"),
    "resnet 50": ("model", "resnet-50"),
    "stable difusion": ("model", "stable-diffusion"),
    "mask rcnn": ("model", "mask-r-cnn"),
    "tensorflow lite": ("tool", "tensorflow-lite"),
    "torchserve": ("tool", "torchserve"),
    "imdb": ("dataset", "imdb-reviews"),
    "hf:google-bert/bert-base-uncased": ("source", "hf:google-bert/bert-base-uncased"),
    "hf:google-bert/bert-base-uncased@86b5e0934494bd15c9632b12f734a8a67f723594": (
        "source", "hf:google-bert/bert-base-uncased"),
    "https://huggingface.co/google-bert/bert-base-uncased/tree/main": (
        "source", "hf:google-bert/bert-base-uncased"),
    "google-bert/bert-base-uncased": ("source", "hf:google-bert/bert-base-uncased"),
    "keras:ResNet50": ("source", "keras:ResNet50"),
}  # fmt: skip


BEST = """
const none = Object.fromEntries(find.FACETS.map((facet) => [facet, new Set()]));
say(given.asked.map((text) => {
  const [group] = find.grouped(find.kept(index.find(text), none));
  const first = group?.hits[0]?.thing;
  return first ? [first.kind, first.id] : null;
}));
"""


def test_what_people_type_stands_first(index: Path, page: Page) -> None:
    code = SEARCHED % BEST
    given = {"index": index.read_text("utf-8"), "asked": [*FIRST, "zzzzqqqq", "<script>"]}
    *found, nothing, hostile = script(page, code, given)
    assert dict(zip(FIRST, map(tuple, found), strict=True)) == FIRST
    assert nothing is None
    assert hostile is None or hostile[0] in ("tool", "model", "source", "dataset")


FILTERED = """
const filters = Object.fromEntries(find.FACETS.map((facet) =>
  [facet, new Set(given.filters[facet])]));
const all = index.find(given.text);
const hits = find.kept(all, filters).map(({ thing }) => [thing.kind, thing.id, thing.items]);
const counts = find.FACETS.map((facet) =>
  [facet, Object.fromEntries(find.counted(all, filters, facet))]);
say([hits, Object.fromEntries(counts)]);
"""


def test_filters_hold_for_one_source_of_a_model(index: Path, page: Page) -> None:
    code = SEARCHED % FILTERED
    filters = {"hub": ["kaggle"], "framework": ["jax"], "known": ["claimed"]}
    given = {"index": index.read_text("utf-8"), "text": "bert", "filters": filters}
    hits, counts = script(page, code, given)
    assert ["model", "bert"] in [hit[:2] for hit in hits]
    for _, _, items in hits:
        assert any("kaggle" in one["hub"] and "jax" in one["claimed"] for one in items)
    assert counts["hub"]["kaggle"] == len(hits), "a count is what the filter would leave"
    assert counts["hub"]["hf"] > 0, "a facet's own filter hides none of its values"
    assert sum(counts["kind"].values()) == len(hits)


ANSWERED = """
const data = choose.read(JSON.parse(given.lines));
say(given.asked.map((asked) => {
  const named = Object.fromEntries(Object.entries(asked).map(([topic, names]) =>
    [topic, names.map((name) => choose.resolve(data, topic, name))]));
  const { sides, givenUp } = choose.answer(data, named);
  return [sides.map((side) =>
    [side.framework, side.best.map((line) => line.state), side.lines]), givenUp];
}));
"""


def test_the_page_answers_what_the_command_answers(store: Store, lines: Path, page: Page) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    models, datasets = _names(store, "models"), _names(store, "datasets")
    languages = [
        row[0]
        for row in store.direct("SELECT DISTINCT unnest(languages) l FROM store.tools ORDER BY l")
    ]
    asked = []
    for _ in range(COMBINATIONS):
        one = {
            "model": chance.sample(models, chance.randint(1, 3)),
            "dataset": chance.sample(datasets, chance.randint(0, 2)),
            "deploy": chance.sample([*TARGETS, "AWS", "Google"], chance.randint(0, 2)),
            "language": chance.sample(languages, chance.randint(0, 2)),
            "need": chance.sample([*NEEDS], chance.randint(0, 2)),
        }
        asked.append(one)
    found = script(page, ANSWERED, {"lines": lines.read_text("utf-8"), "asked": asked})
    for one, (sides, given_up) in zip(asked, found, strict=True):
        wanted = choose(
            store, wording.told, models=one["model"], datasets=one["dataset"],
            deploy=one["deploy"], languages=one["language"], needs=one["need"],
        )  # fmt: skip
        assert [side[0] for side in sides] == list(wanted.frameworks), f"seed {seed}"
        for side, (_, best, shown) in zip(wanted.sides, sides, strict=True):
            assert best == [side.best(*subject).state for subject in wanted.subjects()], (
                f"seed {seed}"
            )
            assert [_shown(line) for line in shown] == [_line(line) for line in side.lines], (
                f"seed {seed}"
            )
        assert [_lost(each) for each in given_up] == [
            (each.framework, each.topic, each.subject, each.here.state,
             [(line.framework, line.state, line.via) for line in each.there])
            for each in wanted.given_up
        ]  # fmt: skip


def test_what_is_cited_has_a_page_on_the_site(store: Store, lines: Path) -> None:
    raw = json.loads(lines.read_bytes())
    text = raw["texts"]
    kinds: dict[str, int] = {}
    for kind, name, page, _, to in raw["evidence"]:
        kinds[kind] = kinds.get(kind, 0) + 1
        if kind == "tool":
            assert text[to] == f"{paths.tool(text[name])}index.html"
        elif kind == "catalogue":
            assert to == -1
        assert page >= 0 or kind == "observation"
    assert kinds["tool"] > 50
    assert kinds["claim"] > 50


def _names(store: Store, table: str) -> list[str]:
    """Return ids and names, as people type either."""
    rows = store.direct(f"SELECT id, name FROM store.{table} ORDER BY id")
    return [row[at % 2] for at, row in enumerate(rows)]


def _line(line: Any) -> tuple[Any, ...]:
    cited = [
        (one.kind, one.id, one.page, one.day.isoformat() if one.day else None)
        for one in line.evidence[: choosing.CITED]
    ]
    return (line.topic, line.subject, line.framework, line.state, line.part, line.via,
            line.says, cited, len(line.evidence))  # fmt: skip


def _shown(line: dict[str, Any]) -> tuple[Any, ...]:
    cited = [tuple(one[name] for name in ("kind", "id", "page", "day")) for one in line["cites"]]
    names = ("topic", "subject", "framework", "state", "part", "via", "says")
    return (*(line[name] for name in names), cited, line["many"])


def _lost(each: dict[str, Any]) -> tuple[Any, ...]:
    there = [(line["framework"], line["state"], line["via"]) for line in each["there"]]
    return (each["framework"], each["topic"], each["subject"], each["here"]["state"], there)
