"""From the models that a suite asks for to sources: names, handles, paths and queries.

One SQL question over the store answers all wishes at once: a catalogue may list ten thousand
sources, and nothing here reads a file or makes a record for each of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from importlib import resources
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from caniload.catalog.store import Store
from caniload.errors import BadInputError
from caniload.handles import HUBS, Handle, parse
from caniload.loaders.hub import load_hubs
from caniload.loaders.specs import load_specs
from caniload.runs.suite import ModelWish, Suite

if TYPE_CHECKING:
    from caniload.catalog.entries import ModelEntry


@dataclass(frozen=True, slots=True)
class SuiteSource:
    """One source that a suite means: `wish` is the place of what asked for it among its models.

    `resolved` says that its revision is immutable. `authored` says that the model's entry names
    the cells in which it is tried; for others `formats` and the hub tell. `parameters` and
    `size_bytes` are None where the catalogue does not say.
    """

    wish: int
    handle: str
    model: str | None = None
    formats: tuple[str, ...] = ()
    resolved: bool = False
    authored: bool = False
    parameters: int | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Expansion:
    """Say what a suite's models mean: the sources, and what was left out for which reason.

    `listed` counts all sources that fit a name or query, before limits. `faults` are complaints
    about names that nothing has and paths that lead nowhere. `by_wish` counts per wish.
    """

    sources: tuple[SuiteSource, ...]
    listed: int
    omitted: dict[str, int]
    faults: tuple[str, ...] = ()
    by_wish: dict[int, Counter[str]] = field(default_factory=dict)


def suite_sources(suite: Suite, store: Store) -> tuple[SuiteSource, ...]:
    """Return the sources of a suite, each once, in the order of its models.

    Raises `BadInputError` for names that no entry has and paths that lead nowhere.
    """
    return expand(suite, store, strict=True).sources


def expand(suite: Suite, store: Store, *, strict: bool = False) -> Expansion:
    """Return what a suite's models mean; with `strict`, faults are raised as `BadInputError`."""
    questions: list[dict[str, Any]] = []
    names: dict[tuple[int, int], _Name] = {}
    faults = _unknown_words(suite)
    for index, wish in enumerate(suite.models):
        asked: list[dict[str, Any]] = []
        for position, text in enumerate(wish.model):
            try:
                name = _named(suite, text)
            except BadInputError as error:
                faults.append(suite.told(("models", index, "model", position), str(error)))
                continue
            names[index, position] = name
            source = None if name.handle is None else name.handle.source
            asked.append({"position": position, "called": text.lower(), "source": source})
        if asked or not wish.model:
            questions.append(_question(index, wish, asked))
    rows = store.direct(_SQL, {"wishes": json.dumps(questions)}) if questions else []
    found = {(row[0], row[1]) for row in rows}
    unread = {place: name for place, name in names.items() if place not in found}
    faults += _unknown_names(suite, store, unread)
    if faults and strict:
        raise BadInputError("\n".join(faults))
    return _gather(suite, _read(rows, names, suite), faults)


def entries(store: Store, models: Collection[str]) -> dict[str, ModelEntry]:
    """Return whole entries by id, for the models whose sources are `authored`."""
    from caniload.catalog.entries import ModelEntry

    rows = store.direct(
        "SELECT id, entry FROM store.models WHERE list_contains($ids, id)", {"ids": list(models)}
    )
    return {row[0]: ModelEntry.model_validate_json(row[1]) for row in rows}


def canonical(suite: Suite, store: Store) -> Suite:
    """Return the suite with the entries' ids where expectations and skips use other names."""
    wanted = {each.model.lower() for each in (*suite.expect, *suite.skip)}
    rows = store.direct(
        "SELECT called, id FROM (SELECT unnest(called) AS called, id FROM store.models) "
        "WHERE list_contains($names, called)",
        {"names": sorted(wanted)},
    )
    ids = dict(rows)
    changed = {
        key: tuple(
            each.model_copy(update={"model": ids.get(each.model.lower(), each.model)})
            for each in getattr(suite, key)
        )
        for key in ("expect", "skip")
    }
    return suite.model_copy(update=changed)


@dataclass(frozen=True, slots=True)
class _Name:
    """One text of a wish's `model`: a handle where it is one or a path, else an entry's name."""

    text: str
    handle: Handle | None


def _named(suite: Suite, text: str) -> _Name:
    """Read one name, handle or path; raises `BadInputError` for a path that leads nowhere."""
    hub, colon, _ = text.partition(":")
    if colon and (hub in HUBS or hub in load_hubs()):
        return _Name(text, parse(text))
    if not text.startswith((".", "/", "~")):
        return _Name(text, None)
    path = suite.beside(text)
    if not path.exists():
        raise BadInputError(f"there is nothing at {text}", "paths begin where the suite lies")
    return _Name(text, Handle("file", str(path)))


def _question(index: int, wish: ModelWish, asked: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one wish as the SQL reads it."""
    readable: list[str] | None = None
    if wish.loader is not None or wish.framework is not None:
        specs = load_specs().values()
        able = [s for s in specs if wish.loader in (None, s.name)]
        able = [s for s in able if wish.framework is None or wish.framework in s.frameworks]
        readable = sorted({each for spec in able for each in spec.formats})
    return {
        "wish": index,
        "all_sources": not wish.model,
        "names": asked,
        "readable": readable,
        **wish.model_dump(
            include={"task", "family", "hub", "format", "framework", "loader"}, mode="json"
        ),
        "max_bytes": wish.max_bytes,
        "max_params": wish.max_params,
        "builders": _builders() if wish.weights == "random" else [],
    }


@cache
def _builders() -> list[str]:
    """Return the hubs whose libraries build an architecture by its name."""
    return sorted({s.architectures for s in load_specs().values() if s.architectures is not None})


_Found = tuple[tuple[int, int, str, int, str], SuiteSource, str | None]
"""Where it stands among all that was found, the source, and why it is left out."""


def _read(
    rows: Iterable[tuple[Any, ...]], names: Mapping[tuple[int, int], _Name], suite: Suite
) -> list[_Found]:
    """Make sources of the rows, and of the handles that no entry has, in order."""
    found: list[_Found] = []
    read: set[tuple[int, int]] = set()
    forms: dict[str, tuple[str, ...]] = {}
    for wish, at, model, position, text, formats, fixed, authored, params, size, why in rows:
        handle = text
        formed = forms.setdefault(formats or "", tuple((formats or "").split()))
        asked = names.get((wish, at))
        if asked is not None and asked.handle is not None:
            read.add((wish, at))
            handle, fixed, formed = _asked(asked.handle, text, fixed, formed)
        source = SuiteSource(wish, handle, model, formed, bool(fixed), authored, params, size)
        found.append(((wish, at, model, position, text), source, why))
    for (wish, at), name in names.items():
        if name.handle is not None and (wish, at) not in read:
            handle = str(name.handle)
            form = name.handle.format
            fixed = name.handle.revision is not None or name.handle.hub == "file"
            source = SuiteSource(wish, handle, formats=(form,) if form else (), resolved=fixed)
            found.append(((wish, at, "", 0, handle), source, _unsized(suite.models[wish])))
    found.sort(key=itemgetter(0))
    return found


def _asked(
    asked: Handle, text: str, fixed: bool, formats: tuple[str, ...]
) -> tuple[str, bool, tuple[str, ...]]:
    """Let what the suite says of a source stand: its revision, its format."""
    if asked.revision is not None:
        text, fixed = str(asked), True
    elif asked.format is not None:
        text = str(replace(parse(text), format=asked.format, variant=asked.variant))
    return text, fixed, formats if asked.format is None else (asked.format,)


def _gather(suite: Suite, found: Iterable[_Found], faults: Iterable[str]) -> Expansion:
    """Keep each source once, up to its wish's limit, and count what is left out."""
    kept: dict[tuple[str, int], SuiteSource] = {}
    by_wish: dict[int, Counter[str]] = {index: Counter() for index in range(len(suite.models))}
    tried = [_alike(wish) for wish in suite.models]
    alike = [tried.index(each) for each in tried]
    for _, source, why in found:
        wish = source.wish
        key = (source.handle, alike[wish])
        if why is None and key in kept:
            why = "listed before"
        limit = suite.models[wish].limit
        if why is None and limit is not None and by_wish[wish][""] >= limit:
            why = "past the limit"
        if why is None:
            kept[key] = source
        by_wish[wish][why or ""] += 1
    omitted: Counter[str] = Counter()
    for counts in by_wish.values():
        omitted.update({why: number for why, number in counts.items() if why})
    listed = len(kept) + omitted.total()
    return Expansion(tuple(kept.values()), listed, dict(omitted), tuple(faults), by_wish)


def _alike(wish: ModelWish) -> str:
    """Return what tells two wishes for one source apart: how it is tried."""
    return wish.model_dump_json(include={"framework", "loader", "weights", "allow_code", "options"})


def _unsized(wish: ModelWish) -> str | None:
    """Return why a handle that no entry has is left out, if it is."""
    if wish.task is not None or wish.family is not None:
        return "not in the catalogue, which alone knows tasks and families"
    if wish.max_params is not None:
        return "number of parameters unknown"
    return None if wish.max_bytes is None else "size unknown"


def _unknown_words(suite: Suite) -> list[str]:
    """Complain about loaders and formats that nobody knows, and tasks that are no pipeline tag."""
    from caniload.catalog.rules.tasks import PIPELINE_TAGS

    specs = load_specs()
    formats = {each for spec in specs.values() for each in spec.formats}
    known = {"loader": set(specs), "format": formats, "task": set(PIPELINE_TAGS)}
    faults: list[str] = []
    for index, wish in enumerate(suite.models):
        for key, words in known.items():
            word = getattr(wish, key)
            if word is not None and word not in words:
                near = get_close_matches(word, words)
                hint = f"did you mean {' or '.join(near)}?" if near else "`caniload doctor`"
                message = f"no {key} named {word!r}; {hint}"
                faults.append(suite.told(("models", index, key), message))
    return faults


def _unknown_names(
    suite: Suite, store: Store, unread: Mapping[tuple[int, int], _Name]
) -> list[str]:
    """Complain about names that no entry has, and about entries with nothing to try."""
    missing = {place: name.text for place, name in unread.items() if name.handle is None}
    if not missing:
        return []
    rows = store.direct("SELECT DISTINCT unnest(called), id FROM store.models")
    known: dict[str, str] = dict(rows)
    faults: list[str] = []
    for (index, position), text in missing.items():
        if text.lower() in known:
            message = f"{known[text.lower()]} has no source that fits"
        else:
            near = get_close_matches(text.lower(), known, n=3)
            message = f"no model named {text!r}"
            message += f"; did you mean {' or '.join(near)}?" if near else ""
            message += " (a handle, hf:owner/name, or ./path needs no entry)"
        faults.append(suite.told(("models", index, "model", position), message))
    return faults


_SQL = resources.files("caniload.runs").joinpath("suite_sources.sql").read_text(encoding="utf-8")
