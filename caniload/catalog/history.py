"""Since when, until when: what was observed of a model, along the versions of one package.

A series is what stays the same (artefact, loader, framework, device, recipe, Python, platform,
every other decisive package) while one package moves. Its points are tested versions; a span
joins neighbours with one outcome; a gap says what lies between two spans and was not tested.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from caniload.catalog.nearness import canonical
from caniload.catalog.releases import Releases, known_releases
from caniload.catalog.rows import aware
from caniload.catalog.targets import find

if TYPE_CHECKING:
    from packaging.version import Version

    from caniload.catalog.store import Store

NO_ANSWER = "no answer"
"""The result of an attempt that was our own fault: it says nothing of the model."""

_BLOCKED = ("timed_out", "out_of_memory", "unavailable", "refused", "loads_only", "not_installed")

_SQL = """
SELECT
    o.id, o.run_id, o.cell_id, o.handle, o.loader, o.framework, o.device, o.recipe,
    o.recipe_hash, o.kind, o.environment, o.python_minor, o.platform, o.decisive, o.lock,
    o.weights, o.evidence_level, o.outcome, o.stage, o.exception_type, o.exception_message,
    o.message, o.patches, o.started_at, o.whom, d.code, d.title, d.fault, d.cause, v.verdict,
    concat_ws('|', o.stage, o.outcome, o.signal, o.exception_type,
        regexp_replace(left(coalesce(o.exception_message, o.message), 300),
            '0x[0-9a-f]+|[0-9]+', '#', 'g')) AS signature
FROM standing o
JOIN lineage l ON l.observation_id = o.id
LEFT JOIN diagnoses d ON d.observation_id = o.id
LEFT JOIN cell_verdicts v ON v.cell_id = o.cell_id
WHERE o.outcome <> 'harness_error' AND o.kind = 'attempt' AND {where}
ORDER BY o.started_at DESC, o.id DESC
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation: its result in a word, and what tells its failure from another.

    `reason` is None for a pass, else the code of the diagnosis or a signature of what was raised
    (stage, outcome, type and message, numbers left out); `title` says it to a person. `versions`
    are those of the decisive packages.
    """

    observation_id: str
    run_id: str
    cell_id: str
    handle: str
    loader: str
    framework: str
    device: str
    recipe_hash: str
    options: Mapping[str, Any]
    environment: str
    python_minor: str
    platform: str
    versions: Mapping[str, str]
    lock: Mapping[str, str]
    result: str
    reason: str | None
    title: str
    outcome: str
    stage: str
    exception_type: str | None
    exception_message: str | None
    measured_at: datetime
    whom: str

    @property
    def signature(self) -> tuple[str, str | None]:
        """What is compared: works and differs apart, failures by their reason alone."""
        return ("failure", self.reason) if self.reason is not None else (self.result, None)


@dataclass(frozen=True, slots=True)
class Point:
    """All that one version showed: the latest result, and how often it was the same.

    `flaky` results disagree. `prerelease` marks a version as PEP 440 does.
    """

    version: str
    prerelease: bool
    result: str
    reason: str | None
    title: str
    agreeing: int
    disagreeing: int
    first_at: datetime
    last_at: datetime
    observations: tuple[str, ...]

    @property
    def signature(self) -> tuple[str, str | None]:
        """What is compared; see `Seen.signature`."""
        return ("failure", self.reason) if self.reason is not None else (self.result, None)


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring tested versions with one outcome.

    `untested` are the registry's releases between the first and the last that nobody tried, None
    where the registry's list is not known.
    """

    result: str
    reason: str | None
    title: str
    points: tuple[Point, ...]
    untested: tuple[str, ...] | None

    @property
    def first(self) -> str:
        """The oldest version."""
        return self.points[0].version

    @property
    def last(self) -> str:
        """The newest version."""
        return self.points[-1].version


@dataclass(frozen=True, slots=True)
class Gap:
    """What lies between two spans and was not tested.

    `releases` are the registry's between the two, none if it lists nothing there, None where its
    list is not known.
    """

    after: str
    before: str
    releases: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Series:
    """Show one package moving while all else stays: spans and the gaps between them, in order.

    `beside` are the other decisive packages. `package` is None where nothing moved: then there
    is one point a cell.
    """

    handle: str
    loader: str
    framework: str
    device: str
    options: Mapping[str, Any]
    python_minor: str
    platform: str
    package: str | None
    beside: Mapping[str, str]
    spans: tuple[Span, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class History:
    """Give a model's series, those in which something moved first, and what was seen over time.

    `turned` are observations of one cell that ended otherwise than the one before, latest first.
    """

    model: str
    name: str
    package: str | None
    series: tuple[Series, ...]
    still: tuple[Series, ...]
    turned: tuple[tuple[Seen, Seen], ...]
    observations: int
    first_at: datetime | None = None
    last_at: datetime | None = None
    uses: tuple[str, ...] = field(default=())


def history(
    store: Store,
    model: str,
    *,
    loader: str | None = None,
    framework: str | None = None,
    package: str | None = None,
) -> History:
    """Return what was observed of a model over versions and over time.

    Raises `UnknownNameError` for a model that nobody knows.
    """
    target = find(store, model)
    if target.model is not None:
        found = seen(store, "l.model = ?", [target.model])
    else:
        found = seen(store, "l.root_source = ?", [target.source])
    found = tuple(
        one
        for one in found
        if (loader is None or one.loader == loader)
        and (framework is None or one.framework == framework)
        and one.outcome != "not_installed"
        and one.versions
    )
    releases = known_releases(store.settings)
    moving, still = _series(found, package, releases)
    times = [one.measured_at for one in found]
    return History(
        target.model or target.source or model,
        target.name,
        package,
        moving,
        () if package is not None else still,
        _turned(found),
        len(found),
        min(times, default=None),
        max(times, default=None),
        target.uses,
    )


def seen(store: Store, where: str, params: Sequence[Any]) -> tuple[Seen, ...]:
    """Return the observations that count and satisfy a condition, latest first.

    The condition names observations as `o` and their lineage as `l`.
    """
    return tuple(_seen(row) for row in store.rows(_SQL.format(where=where), params))


def of_cell(store: Store, cell_id: str, package: str, version: str) -> tuple[Seen, ...]:
    """Return a cell's observations in which a package had a version, latest first."""
    path = f'$."{canonical(package)}"'
    return seen(store, "o.cell_id = ? AND o.lock ->> ? = ?", [cell_id, path, version])


def point(version: str, found: Sequence[Seen]) -> Point:
    """Sum up the observations of one version, latest first: those that disagree make it flaky."""
    latest = found[0]
    agreeing = sum(one.signature == latest.signature for one in found)
    apart = len(found) - agreeing
    return Point(
        version,
        bool((parsed := _version(version)) and parsed.is_prerelease),
        "flaky" if apart else latest.result,
        None if apart else latest.reason,
        f"{apart} of {len(found)} attempts ended otherwise" if apart else latest.title,
        agreeing,
        apart,
        min(one.measured_at for one in found),
        latest.measured_at,
        tuple(one.observation_id for one in found),
    )


def _seen(row: Mapping[str, Any]) -> Seen:
    """Make one of a row of `_SQL`."""
    result, reason = _result(row)
    raised = (row["exception_message"] or row["message"] or "").strip()
    first = (raised.splitlines() or [""])[0]
    kind = (row["exception_type"] or "").rpartition(".")[2]
    told = ": ".join(part for part in (kind, first or row["outcome"]) if part)
    return Seen(
        row["id"],
        row["run_id"],
        row["cell_id"],
        row["handle"],
        row["loader"],
        row["framework"],
        row["device"],
        row["recipe_hash"],
        json.loads(row["recipe"] or "{}").get("options") or {},
        row["environment"],
        row["python_minor"],
        row["platform"],
        json.loads(row["decisive"] or "{}"),
        json.loads(row["lock"] or "{}"),
        result,
        reason,
        "" if reason is None else row["title"] or f"{told} (at {row['stage']})",
        row["outcome"],
        row["stage"],
        row["exception_type"],
        row["exception_message"],
        aware(row["started_at"]),
        row["whom"],
    )


def _result(row: Mapping[str, Any]) -> tuple[str, str | None]:
    """Say what one observation shows by itself, and why if it is no pass."""
    if row["outcome"] == "passed":
        if row["evidence_level"] != "pretrained":
            return "runs with random weights", None
        return ("differs" if row["verdict"] == "differs" else "works"), None
    reason = row["code"] or row["signature"]
    if row["outcome"] in _BLOCKED:
        return "blocked", row["code"] or row["outcome"]
    if json.loads(row["patches"] or "[]"):
        return "blocked", reason
    if row["fault"] == "harness":
        return NO_ANSWER, reason
    if row["fault"] in (None, "model"):
        # DESIGN's table: a failure without diagnosis is `fails` only where the cell's verdict,
        # which knows of repeats and controls, says so.
        fails = row["fault"] == "model" or row["verdict"] == "fails"
        return ("fails" if fails else "undiagnosed failure"), reason
    return "blocked", reason


def _series(
    found: Iterable[Seen], package: str | None, releases: Releases
) -> tuple[tuple[Series, ...], tuple[Series, ...]]:
    """Return the series in which a package moved, and the cells beside which nothing did."""
    groups: defaultdict[tuple[Any, ...], list[Seen]] = defaultdict(list)
    for one in found:
        for name in one.versions:
            if package is None or canonical(name) == canonical(package):
                rest = tuple(sorted((k, v) for k, v in one.versions.items() if k != name))
                groups[*_same(one), rest, name].append(one)
    moving, moved_cells = [], set()
    for key, members in groups.items():
        if len({one.versions[key[-1]] for one in members}) > 1:
            moving.append(_along(key[-1], dict(key[-2]), members, releases))
            moved_cells |= {one.cell_id for one in members}
    alone: defaultdict[str, list[Seen]] = defaultdict(list)
    for one in found:
        if one.cell_id not in moved_cells:
            alone[one.cell_id].append(one)
    still = [_along(None, members[0].versions, members, releases) for members in alone.values()]
    return tuple(sorted(moving, key=_place)), tuple(sorted(still, key=_place))


def _same(one: Seen) -> tuple[Any, ...]:
    """What must be the same along a series, but for packages."""
    return (one.handle, one.loader, one.framework, one.device, one.recipe_hash,
            one.python_minor, one.platform)  # fmt: skip


def _along(
    package: str | None, beside: Mapping[str, str], found: Sequence[Seen], releases: Releases
) -> Series:
    """Lay observations out along a package's versions."""
    by_version: defaultdict[str, list[Seen]] = defaultdict(list)
    for one in found:
        by_version[one.versions[package] if package else ""].append(one)
    points = [point(v, by_version[v]) for v in sorted(by_version, key=_order)]
    spans: list[Span] = []
    for each in points:
        if spans and spans[-1].points[-1].signature == each.signature:
            spans[-1] = replace(spans[-1], points=(*spans[-1].points, each), title=each.title)
        else:
            spans.append(Span(each.result, each.reason, each.title, (each,), ()))
    if package is not None:
        spans = [replace(span, untested=_untested(package, span, releases)) for span in spans]
    gaps = [
        Gap(one.last, other.first, releases.between(package or "", one.last, other.first))
        for one, other in pairwise(spans)
    ]
    first = found[0]
    return Series(
        first.handle,
        first.loader,
        first.framework,
        first.device,
        first.options,
        first.python_minor,
        first.platform,
        package,
        beside,
        tuple(spans),
        tuple(gaps),
    )


def _untested(package: str, span: Span, releases: Releases) -> tuple[str, ...] | None:
    """Return the releases inside a span that nobody tried, None where they are not known."""
    if span.first == span.last:
        return ()
    listed = releases.between(package, span.first, span.last)
    if listed is None:
        return None
    tested = {each.version for each in span.points}
    return tuple(version for version in listed if version not in tested)


def _turned(found: Iterable[Seen]) -> tuple[tuple[Seen, Seen], ...]:
    """Return (before, after) of each cell whose outcome was another the time before."""
    cells: defaultdict[tuple[str, str], list[Seen]] = defaultdict(list)
    for one in found:
        cells[one.cell_id, one.whom].append(one)
    turned = [
        (before, after)
        for members in cells.values()
        for after, before in pairwise(members)
        if before.signature != after.signature
    ]
    turned.sort(key=lambda pair: pair[1].measured_at, reverse=True)
    return tuple(turned)


def _place(series: Series) -> tuple[str, str, str, str, str]:
    return (series.handle, series.framework, series.loader, json.dumps(dict(series.options)),
            series.package or "")  # fmt: skip


def _order(text: str) -> tuple[bool, Any]:
    """Sort by version; what is none comes first, in the order of letters."""
    parsed = _version(text)
    return (True, parsed) if parsed is not None else (False, text)


@lru_cache(maxsize=4096)
def _version(text: str) -> Version | None:
    """Read a version; packaging costs 20 ms, so it is imported here."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        return None
