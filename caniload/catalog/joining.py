"""Join imported sources to the models that people name, by rules that are written down.

`data/joins/<catalogue>.yaml` holds the rules of one catalogue: which model, patterns over one
field of the imported row, and why. A pattern is a regular expression that must match the whole
text. A source that an authored entry lists belongs to that entry without a rule. A source that
rules would hang under two models hangs under none, and lint says so, as of a rule that matches
nothing; a type of transformers, which is a class and no source, may serve several.
Nothing here imports pydantic, since publishing reads rules.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caniload import yaml_text
from caniload.errors import CatalogueError

if TYPE_CHECKING:
    import duckdb

    from caniload.catalog.entries import Authored

FOLDER = "joins"
REVIEWED = "reviewed.yaml"
"""The file of joins that were looked at one by one."""

OTHERS = (REVIEWED, "datasets.yaml")
"""Files of the folder that hold no rules for models."""

NO_RULES = (REVIEWED, "datasets.yaml")
"""Files beside the rules: what was reviewed, and the joins of datasets (`dataset_joining`)."""

AUTHORED = "authored"
"""What stands in the place of a rule where an entry lists the source itself."""

FIELDS = ("handle", "name", "architecture", "model_type")
"""What a rule may look at: a handle without revision, or a type of transformers, no source."""

_KEYS = {"catalogue", "field", "page", "read", "rules"}
_RULE_KEYS = {"model", "field", "like", "except", "why", "page", "read"}


@dataclass(frozen=True, slots=True)
class Rule:
    """Say which rows of a catalogue belong to a model: those like this, except those like that.

    `page` is where it was read that they do, and `why` what was read there.
    """

    model: str
    catalogue: str
    field: str
    like: tuple[str, ...]
    but: tuple[str, ...]
    page: str
    read: str
    why: str

    @property
    def name(self) -> str:
        """The rule's name in the store: its file, model and field."""
        return f"{self.catalogue}/{self.model}:{self.field}"


@dataclass(frozen=True, slots=True)
class Row:
    """Hold what rules look at of one imported source, or of one type of transformers."""

    catalogue: str
    handle: str
    name: str | None = None
    architecture: str | None = None
    model_type: str | None = None

    @property
    def source(self) -> str:
        """The handle without revision and format; inside a locator both are percent-encoded."""
        return self.handle.partition("#")[0].partition("@")[0]


@dataclass(frozen=True, slots=True)
class Join:
    """Hang one row under one model, by a rule or by what the entry itself lists."""

    model: str
    handle: str
    catalogue: str
    rule: str


@dataclass(frozen=True, slots=True)
class Joins:
    """Hold the joins in order, the rules that match nothing, and the rows that two models claim.

    `claimed_twice` maps a row's handle to the rules that claim it.
    """

    joins: tuple[Join, ...] = ()
    idle: tuple[Rule, ...] = ()
    claimed_twice: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_rules(data: Path) -> tuple[Rule, ...]:
    """Read the rules of all catalogues; raise `CatalogueError` naming file and rule."""
    rules: list[Rule] = []
    for path in sorted((data / FOLDER).glob("*.yaml")):
        if path.name not in NO_RULES:
            rules += _read_file(path)
    return tuple(rules)


def apply(rules: Iterable[Rule], rows: Iterable[Row], listed: Mapping[str, str]) -> Joins:
    """Join rows to models; `listed` maps the handles that entries list to their models."""
    tables: dict[tuple[str, str], _Table] = {}
    rows = tuple(rows)
    claims: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    idle = []
    for rule in rules:
        key = (rule.catalogue, rule.field)
        if key not in tables:
            tables[key] = _Table(rule.field, (r for r in rows if r.catalogue == rule.catalogue))
        found = tables[key].find(rule)
        if not found:
            idle.append(rule)
        for row in found:
            claims[row.catalogue, row.handle].setdefault(rule.model, rule.name)
    for row in rows:
        if row.source in listed and row.model_type is None:
            claims[row.catalogue, row.handle][listed[row.source]] = AUTHORED
    types = {(row.catalogue, row.handle) for row in rows if row.model_type is not None}
    joins = [
        Join(model, handle, catalogue, rule)
        for (catalogue, handle), owners in claims.items()
        if len(owners) == 1 or (catalogue, handle) in types
        for model, rule in owners.items()
    ]
    twice = {
        handle: tuple(
            f"models/{model}.yaml" if rule == AUTHORED else rule
            for model, rule in sorted(owners.items())
        )
        for (catalogue, handle), owners in claims.items()
        if len(owners) > 1 and (catalogue, handle) not in types
    }
    joins.sort(key=lambda join: (join.model, join.catalogue, join.handle))
    return Joins(tuple(joins), tuple(idle), twice)


def listed(authored: Authored) -> dict[str, str]:
    """Map every source that an entry lists, aliases too and without revision, to its model."""
    from caniload.handles import parse

    return {
        parse(handle).source: model.id
        for model in authored.models
        for source in model.sources
        for handle in (source.handle, *source.aliases)
    }


def of(data: Path, authored: Authored, rules: Iterable[Rule]) -> Joins:
    """Apply rules to the snapshots that come with the data directory."""
    import duckdb

    from caniload.catalog.upstream import snapshots

    paths = snapshots.files(data / snapshots.FOLDER)
    with duckdb.connect(":memory:") as database:
        heads = snapshots.heads(database, paths)
        tables = {
            kind: [str(path).replace("'", "''") for path in paths if heads[path].kind == kind]
            for kind in ("source", "type")
        }
        rows = tuple(_rows(database, *(_parquet(files) for files in tables.values())))
    return apply(rules, rows, listed(authored))


def write(
    database: duckdb.DuckDBPyConnection, catalog: str, data: Path, authored: Authored
) -> None:
    """Fill `joins`. A type of transformers stands there by its name in place of a handle."""
    from caniload.catalog.verdicts import insert

    ids = {model.id for model in authored.models}
    rules = [rule for rule in read_rules(data) if rule.model in ids]
    rows = _rows(database, f"{catalog}.imported_sources", f"{catalog}.imported_types")
    found = apply(rules, rows, listed(authored))
    columns = tuple((name, "VARCHAR") for name in ("model", "handle", "catalogue", "rule"))
    joins = [
        {"model": j.model, "handle": j.handle, "catalogue": j.catalogue, "rule": j.rule}
        for j in found.joins
    ]
    insert(database, f"{catalog}.joins", columns, joins)


def _rows(
    database: duckdb.DuckDBPyConnection, sources: str | None, types: str | None
) -> Iterator[Row]:
    """Read what rules look at from two tables, of which either may be missing."""
    if sources:
        found = database.execute(
            f"SELECT DISTINCT catalogue, handle, name, architecture FROM {sources}"
        )
        for row in found.fetchall():
            yield Row(*row)
    if types:
        found = database.execute(f"SELECT DISTINCT catalogue, model_type FROM {types}")
        for catalogue, model_type in found.fetchall():
            yield Row(catalogue, model_type, model_type=model_type)


def _parquet(files: list[str]) -> str | None:
    listed = ", ".join(f"'{path}'" for path in files)
    return f"read_parquet([{listed}])" if files else None


class _Table:
    """Hold the texts of one field in order, so that a pattern is tried where its beginning is."""

    def __init__(self, field: str, rows: Iterable[Row]) -> None:
        self.rows: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            text = row.source if field == "handle" else getattr(row, field)
            if text is not None:
                self.rows[text].append(row)
        self.texts = sorted(self.rows)

    def find(self, rule: Rule) -> list[Row]:
        """Return the rows that a rule is about."""
        texts = {text for like in rule.like for text in self._like(like)}
        for but in map(re.compile, rule.but):
            texts = {text for text in texts if not but.fullmatch(text)}
        return [row for text in sorted(texts) for row in self.rows[text]]

    def _like(self, pattern: str) -> Iterator[str]:
        start = _beginning(pattern)
        if start == pattern:
            return iter([start] if start in self.rows else [])
        low, high = bisect_left(self.texts, start), bisect_left(self.texts, start + LAST)
        return filter(re.compile(pattern).fullmatch, self.texts[low:high])


LAST = "\U0010ffff"
"""The character that sorts behind all others."""


def _beginning(pattern: str) -> str:
    """Return what every match begins with: the plain characters that no quantifier follows."""
    if "|" in re.sub(r"\([^()]*\)", "", pattern):
        return ""
    plain = re.match(r"[A-Za-z0-9_:/-]*", pattern)
    start = plain.group() if plain else ""
    return start[:-1] if pattern[len(start) : len(start) + 1] in tuple("?*+{") else start


def _read_file(path: Path) -> Iterator[Rule]:
    import yaml

    where = f"{FOLDER}/{path.name}"
    try:
        content = yaml_text.parse(path.read_bytes())
    except (OSError, yaml.YAMLError) as error:
        raise CatalogueError(f"{where} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or set(content) - _KEYS or "rules" not in content:
        raise CatalogueError(f"{where} holds no rules", f"write {', '.join(sorted(_KEYS))}")
    if content.get("catalogue") != path.stem:
        raise CatalogueError(f"{where}: catalogue is not the file's name", f"write {path.stem}")
    names: set[str] = set()
    for index, said in enumerate(content["rules"]):
        rule = _rule(said, content, f"{where}: rules[{index}]")
        if rule.name in names:
            raise CatalogueError(
                f"{where}: rules[{index}]: {rule.name} stands twice", "make one rule of the two"
            )
        names.add(rule.name)
        yield rule


def _rule(said: Any, head: dict[str, Any], where: str) -> Rule:
    """Check one rule's fields; what it does not say of page, day and field the file says."""
    if not isinstance(said, dict) or set(said) - _RULE_KEYS:
        raise CatalogueError(f"{where} is no rule", f"write {', '.join(sorted(_RULE_KEYS))}")
    both = head | said
    texts = {key: both.get(key) for key in ("model", "page", "why")}
    for key, text in texts.items():
        if not isinstance(text, str) or not text:
            raise CatalogueError(f"{where}.{key} is missing", "every join names its evidence")
    field = both.get("field")
    if field not in FIELDS:
        raise CatalogueError(f"{where}.field: {field!r}", f"write one of {', '.join(FIELDS)}")
    like, but = _patterns(said.get("like")), _patterns(said.get("except", ()))
    if not like:
        raise CatalogueError(f"{where}.like is missing", "write a pattern for the whole text")
    for pattern in (*like, *but):
        try:
            re.compile(pattern)
        except re.error as error:
            raise CatalogueError(f"{where}: {pattern!r} is no pattern: {error}") from error
    return Rule(
        str(texts["model"]), str(head["catalogue"]), field, like, but,
        str(texts["page"]), str(both.get("read", "")), str(texts["why"]),
    )  # fmt: skip


def _patterns(said: Any) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(str(each) for each in said or ())
