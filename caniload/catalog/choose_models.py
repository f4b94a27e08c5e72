"""What a choice says of models: per framework and loader what was measured, else what is claimed.

Results and claims are apart: a loader that was measured shows its results, and its claims only
where nothing was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from caniload.catalog import questions
from caniload.catalog.choose_lines import VERDICT_STATES, Evidence, Line
from caniload.catalog.choose_words import fold
from caniload.words import FRAMEWORK_NAMES, Verdict

if TYPE_CHECKING:
    from caniload.catalog.answers import CellAnswer
    from caniload.catalog.store import Store

TYPES = "transformers"
"""The catalogue of model types, which is the loader's name too."""

_FAILURES = 2
"""So many different failures of one loader are shown beside what works."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Hold one thing that metadata says: by which loader a handle loads, and where that stands."""

    loader: str
    handle: str
    says: str
    evidence: Evidence


Tell = Callable[["CellAnswer"], str]
"""Says in one line how a cell ended."""


def lines(store: Store, model: str, framework: str, tell: Tell, *, whom: str = "all") -> list[Line]:
    """Return what is known of one model in one framework, a line or two a loader.

    Raises `UnknownNameError`.
    """
    subject = model
    answer = questions.check(store, model, framework=framework, whom=whom)
    measured: dict[str, list[CellAnswer]] = {}
    for cell in answer.cells:
        if cell.observation_id is not None:
            measured.setdefault(cell.loader, []).append(cell)
    found: list[Line] = []
    for cells in measured.values():
        found += _results(subject, framework, cells, tell)
    claims = [*_claims(store, answer.model, framework), *_imported(store, answer.model, framework)]
    by_loader: dict[str, list[Claimed]] = {}
    for claim in claims:
        if claim.loader not in measured:
            by_loader.setdefault(claim.loader, []).append(claim)
    found += [_claim(subject, framework, loader, each) for loader, each in by_loader.items()]
    if TYPES not in measured:
        found += _types(store, answer.model, subject, framework)
    found += _code(store, answer.model, subject, framework)
    found += _hubs(store, subject, framework, claims)
    if not any(line.topic == "model" for line in found):
        says = f"nothing is claimed and nothing was measured in {FRAMEWORK_NAMES[framework]}"
        found.append(Line("model", subject, framework, None, "unknown", says))
    return found


def observed(cell: CellAnswer) -> Evidence:
    """Return the evidence of a cell that was measured."""
    assert cell.observation_id is not None
    day = cell.measured_at.date() if cell.measured_at else None
    return Evidence("observation", cell.observation_id, None, day)


def day_of(text: object) -> date | None:
    """Read a day of the catalogue, which may be missing."""
    return date.fromisoformat(str(text)[:10]) if text else None


def _results(
    subject: str, framework: str, cells: Sequence[CellAnswer], tell: Tell
) -> Iterable[Line]:
    """Say how one loader did: its best cell, and each way in which others fail."""
    best = cells[0]
    yield _result(subject, framework, best, tell)
    seen = {best.diagnosis.code if best.diagnosis else best.message}
    for cell in cells[1:]:
        reason = cell.diagnosis.code if cell.diagnosis else cell.message
        if cell.verdict is Verdict.FAILS and reason not in seen and len(seen) <= _FAILURES:
            seen.add(reason)
            yield _result(subject, framework, cell, tell)


def _result(subject: str, framework: str, cell: CellAnswer, tell: Tell) -> Line:
    """Say what was measured in one cell."""
    state = VERDICT_STATES[cell.verdict]
    return Line("model", subject, framework, cell.loader, state, tell(cell), (observed(cell),))


def _claims(store: Store, model: str, framework: str) -> list[Claimed]:
    """Return what the entries' claims say, in the order of the entry."""
    found = store.direct(
        "SELECT c.loader, c.handle, c.says, c.page, c.read FROM store.claims c "
        "JOIN store.sources s ON s.model = c.model AND s.handle = c.handle "
        "WHERE c.model = ? AND c.framework = ? ORDER BY s.position, c.loader",
        [model, framework],
    )
    return [
        Claimed(loader, handle, says, Evidence("claim", handle, page, day_of(read)))
        for loader, handle, says, page, read in found
    ]


def _imported(store: Store, model: str, framework: str) -> list[Claimed]:
    """Return what upstream catalogues list under the model, for this framework."""
    found = store.direct(
        "SELECT s.loaders, s.handle, s.url, i.catalogue, i.upstream, i.version, i.read "
        "FROM store.joins j JOIN store.imported_sources s USING (handle, catalogue) "
        "JOIN store.imports i USING (catalogue) "
        "WHERE j.model = ? AND list_contains(s.frameworks, ?) ORDER BY i.catalogue, s.handle",
        [model, framework],
    )
    made: dict[tuple[str, str], Claimed] = {}
    for loaders, handle, url, catalogue, upstream, version, read in found:
        where = f"{upstream} {version}"
        evidence = Evidence("import", handle, url or where, read)
        for loader in loaders or (catalogue,):
            claim = Claimed(loader, handle, f"Listed by {where}.", evidence)
            made.setdefault((loader, handle), claim)
    return list(made.values())


def _claim(subject: str, framework: str, loader: str, claims: Sequence[Claimed]) -> Line:
    """Say what metadata says of one loader: the first source's words, and how many there are."""
    first = claims[0]
    handles = {claim.handle: None for claim in claims}
    count = "1 source" if len(handles) == 1 else f"{len(handles)} sources"
    says = f"{loader}, for {count}, as {first.handle}: {first.says}"
    evidence = tuple(dict.fromkeys(claim.evidence for claim in claims))
    return Line("model", subject, framework, loader, "claimed", says, evidence)


def _types(store: Store, model: str, subject: str, framework: str) -> Iterable[Line]:
    """Say which versions of transformers list classes for the model's type, and which list none."""
    for version, upstream, read, classes in store.direct(
        "SELECT i.version, i.upstream, i.read, list(DISTINCT t.class ORDER BY t.class) "
        "FILTER (t.framework = ?) FROM store.joins j "
        "JOIN store.imports i ON i.catalogue = j.catalogue "
        "LEFT JOIN store.imported_types t ON t.catalogue = i.catalogue "
        "AND t.version = i.version AND t.model_type = j.handle "
        "WHERE j.model = ? AND j.catalogue = ? GROUP BY ALL ORDER BY i.version",
        [framework, model, TYPES],
    ):
        cited = (Evidence("catalogue", TYPES, f"{upstream} {version}", read),)
        via, name = f"{TYPES} {version}", FRAMEWORK_NAMES[framework]
        if classes:
            what = "1 class" if len(classes) == 1 else f"{len(classes)} classes"
            says = f"{via} lists {what} for its type, as {classes[0]}"
            yield Line("model", subject, framework, via, "claimed", says, cited)
        else:
            says = f"{via} lists no {name} class for its type"
            yield Line("model", subject, framework, via, "missing", says, cited)


def _code(store: Store, model: str, subject: str, framework: str) -> Iterable[Line]:
    """Say which published code of a model names the framework."""
    found = store.direct("SELECT entry FROM store.models WHERE id = ?", [model])
    cites = json.loads(found[0][0]).get("code") or () if found else ()
    named = [
        cite for cite in cites if FRAMEWORK_NAMES[framework].casefold() in cite["says"].casefold()
    ]
    for cite in named:
        evidence = Evidence("model", model, cite.get("page"), day_of(cite.get("read")))
        says = f"code: {cite['says']}"
        yield Line("model", subject, framework, "code", "claimed", says, (evidence,))


def _hubs(store: Store, subject: str, framework: str, claims: Sequence[Claimed]) -> Iterable[Line]:
    """Say which hubs and loaders that the model is claimed for are at their end."""
    names: dict[str, set[str]] = {}
    for claim in claims:
        for word in (claim.loader, claim.handle.partition(":")[0]):
            names.setdefault(fold(word), set()).add(claim.handle)
    if not names:
        return
    for tool, name, aliases, status, since, entry in store.direct(
        "SELECT id, name, aliases, status, status_since, entry FROM store.tools "
        "WHERE status IN ('archived', 'superseded') ORDER BY id"
    ):
        called = {fold(each) for each in (tool, name, *aliases)}
        handles = set().union(*(names[word] for word in called & names.keys()), set())
        if handles:
            raw = json.loads(entry)
            count = "1 source is" if len(handles) == 1 else f"{len(handles)} sources are"
            says = f"{name}, by which {count} reached: {dead(since, raw)}"
            evidence = Evidence("tool", tool, raw.get("evidence"), day_of(raw.get("status_read")))
            yield Line("model", subject, framework, tool, status, says, (evidence,))


def dead(since: object, entry: dict[str, Any]) -> str:
    """Say since when a tool is at its end, and what its owner and its users name instead."""
    names = [str(each) for each in entry.get("successor") or ()]
    moves = dict.fromkeys(str(each["to"]) for each in entry.get("moved_to") or ())
    when = f"since {since}" if since else "since when is not known"
    to = f"its successor is {', '.join(names)}" if names else "no successor is named"
    users = f"; users move to {', '.join(moves)}" if moves else ""
    return f"{when}; {to}{users}"
