"""A choice says nothing that it has no evidence for: take that away, and the line is unknown."""

from __future__ import annotations

import json

import duckdb
import pytest

from caniload.catalog.choose import choose
from caniload.catalog.choose_lines import PARTS, Choice, Evidence, Line
from caniload.catalog.store import Store, open_store
from caniload.errors import BadInputError, UnknownNameError
from caniload.publish.wording import told
from caniload.settings import Settings

ASKED = {
    "models": ["minilm", "bert", "deepdream"],
    "datasets": ["imdb_reviews", "cifar-10"],
    "deploy": ["server", "mobile", "browser", "cloud"],
    "languages": ["swift", "javascript"],
    "needs": ["training", "high-level-api", "kaggle", "research-code"],
}


def ask(settings: Settings) -> Choice:
    with open_store(settings) as store:
        return choose(store, told, **ASKED)


def lines(choice: Choice) -> list[Line]:
    return [line for side in choice.sides for line in side.lines]


def key(line: Line) -> tuple[str, str, str, str | None]:
    return line.topic, line.subject, line.framework, line.via


def forget(database: duckdb.DuckDBPyConnection, evidence: Evidence) -> None:
    """Take one piece of evidence out of a store; entries and tools themselves stay."""
    kind, id_ = evidence.kind, evidence.id
    if kind == "observation":
        database.execute("DELETE FROM store.observations WHERE id = ?", [id_])
        for table in ("cell_verdicts", "diagnoses", "lineage", "prints"):
            database.execute(f"DELETE FROM store.{table} WHERE observation_id = ?", [id_])
    elif kind == "claim":
        database.execute(
            "UPDATE store.claims SET page = NULL WHERE handle = ? AND page = ?",
            [id_, evidence.page],
        )
    elif kind == "catalogue":
        database.execute("DELETE FROM store.imports WHERE catalogue = ?", [id_])
    elif kind == "import":
        catalogue, _, name = id_.partition(":")
        database.execute("DELETE FROM store.imported_sources WHERE handle = ?", [id_])
        database.execute(
            "DELETE FROM store.imported_datasets WHERE catalogue = ? AND name = ?",
            [catalogue, name],
        )
    else:
        query = f"SELECT entry FROM store.{kind}s WHERE id = ?"
        ((text,),) = database.execute(query, [id_]).fetchall()
        cleaned = json.dumps(_without(json.loads(text), evidence.page))
        database.execute(f"UPDATE store.{kind}s SET entry = ? WHERE id = ?", [cleaned, id_])


def _without(value: object, page: str | None) -> object:
    """Return an entry in which nothing cites the page any more."""
    if isinstance(value, dict):
        return {k: None if v == page else _without(v, page) for k, v in value.items()}
    return [_without(each, page) for each in value] if isinstance(value, list) else value


@pytest.mark.slow
def test_a_line_without_its_evidence_is_unknown(spoiled: Store) -> None:
    asked = {**ASKED, "frameworks": ["pytorch", "tensorflow"]}
    choice = choose(spoiled, told, **asked)
    rested = [line for line in lines(choice) if line.evidence]
    kinds = {each.kind for line in rested for each in line.evidence}
    assert kinds == {*("observation", "claim", "import", "catalogue", "tool", "dataset", "model")}
    gone: set[Evidence] = set()
    rounds = 0
    while rested:
        rounds += 1
        taken = rested[0]
        for evidence in taken.evidence:
            forget(spoiled.database, evidence)
        gone |= set(taken.evidence)
        choice = choose(spoiled, told, **asked)
        found = lines(choice)
        assert not [line for line in found if gone & set(line.evidence)], taken
        for line in found:
            if key(line) == key(taken) and line.says == taken.says:
                assert line.state == "unknown"
        rested = [line for line in found if line.evidence]
    assert rounds > 40
    subjects = [name for names in ASKED.values() for name in names]
    for side in choice.sides:
        assert {line.state for line in side.lines} == {"unknown"}
        assert len({(line.topic, line.subject) for line in side.lines}) == len(subjects)
    assert not choice.given_up


def test_what_is_given_up_follows_from_the_lines_alone(packaged: Settings) -> None:
    choice = ask(packaged)
    there = PARTS["there"]
    for side in choice.sides:
        lost = {
            (each.topic, each.subject)
            for each in choice.given_up
            if each.framework == side.framework
        }
        for topic, subject in choice.subjects():
            mine = side.best(topic, subject).state
            others = {o.best(topic, subject).state for o in choice.sides if o is not side}
            less = mine not in there and any(state in there for state in others)
            other_numbers = mine in ("differs", "flaky") and "works" in others
            assert ((topic, subject) in lost) == (less or other_numbers), (side.framework, subject)


def test_the_classic_questions_have_the_known_answers(packaged: Settings) -> None:
    choice = ask(packaged)
    by = {side.framework: side for side in choice.sides}
    fails = [line for line in by["tensorflow"].of("missing") if line.subject == "all-minilm-l6-v2"]
    assert any("hf.tf-class-removed" in line.says for line in fails)
    assert by["pytorch"].best("model", "all-minilm-l6-v2").state == "works"
    swift = [line for line in by["tensorflow"].of("archived") if line.subject == "Swift"]
    assert [line.via for line in swift] == ["swift-for-tensorflow"]
    assert "torchserve" in [line.via for line in by["pytorch"].of("archived")]
    own = [line for line in by["tensorflow"].lines if line.via == "tensorflow-datasets"]
    assert any("built in" in line.says for line in own)
    random = [line for line in lines(choice) if "no weights measured" in line.says]
    assert random
    assert {line.state for line in random} == {"unknown"}


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ({"deploy": ["mobil"]}, ("mobile",)),
        ({"needs": ["fine tunning"]}, ("fine-tuning",)),
        ({"languages": ["swfit"]}, ("Swift",)),
        ({"models": ["deepdreem"]}, ("deepdream",)),
        ({"frameworks": ["tensorflw"], "deploy": ["mobile"]}, ("tensorflow",)),
    ],
)
def test_a_misspelled_word_is_an_error_with_the_near_ones(
    packaged: Settings, asked: dict[str, list[str]], near: tuple[str, ...]
) -> None:
    with open_store(packaged) as store, pytest.raises(UnknownNameError) as caught:
        choose(store, told, **asked)
    assert caught.value.near == near


def test_an_empty_question_and_an_unheard_language(packaged: Settings) -> None:
    with open_store(packaged) as store:
        with pytest.raises(BadInputError, match="nothing was asked"):
            choose(store, told, frameworks=["jax"])
        found = choose(store, told, languages=["COBOL"])
    assert {line.state for line in lines(found)} == {"unknown"}
