"""Say whether a model fits into memory: by peaks that were measured, else by its parameters.

A measured peak is the most that an attempt held: on the cpu the whole process with its framework
and its page cache, on an accelerator what PyTorch held there. One with random weights never makes
a `fits`: loading published ones holds their file besides. A count of parameters times the width of
their number format is the least that the weights take, and says nothing of what runs beside them.
Neither says anything of training.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from caniload.catalog.choose_lines import Evidence
from caniload.catalog.dtypes import dtype as known_dtype
from caniload.catalog.dtypes import weights_bytes
from caniload.catalog.rows import aware
from caniload.catalog.targets import Target, find
from caniload.errors import BadInputError, UnknownNameError
from caniload.handles import parse
from caniload.words import DEVICES

if TYPE_CHECKING:
    from caniload.catalog.store import Store

Answer = Literal["fits", "weights fit", "too large", "unknown"]
ANSWERS: tuple[Answer, ...] = ("fits", "weights fit", "too large", "unknown")
"""Best first, as verdicts are ranked. `fits` was measured; `weights fit` is counted, and is no
yes; `too large` says that the weights alone take more."""

ASSUMED = "float32"
"""The number format of weights where the question names none."""


@dataclass(frozen=True, slots=True)
class Peak:
    """Hold the most memory that one passing attempt held, in bytes, and how it was tried."""

    bytes: int
    loader: str
    framework: str
    device: str
    dtype: str | None
    weights: str
    observation_id: str
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class Count:
    """Hold a number of parameters and where it stands: counted in an attempt, or stated."""

    parameters: int
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class SourceFit:
    """Say whether one source fits, and by which of the two.

    `weights_bytes` is what the parameters take in the number format of the question; `peak` the
    smallest that was measured, with the published weights if it ever was. `basis` is None where
    neither says anything.
    """

    source: str
    answer: Answer
    basis: Literal["measured peak", "parameter count"] | None
    says: str
    count: Count | None
    weights_bytes: int | None
    peak: Peak | None
    peaks: tuple[Peak, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """Answer whether a model fits: `best` is the source that decides, None without any source."""

    model: str
    name: str
    memory_bytes: int
    dtype: str
    device: str
    answer: Answer
    best: SourceFit | None
    sources: tuple[SourceFit, ...]


def fit(
    store: Store,
    model: str,
    memory_bytes: int,
    *,
    dtype: str | None = None,
    device: str = "cpu",
) -> Fit:
    """Answer whether a model, or the source of a handle, fits into so many bytes.

    With `dtype` only peaks measured in that number format count, and weights are counted in it;
    without, any peak counts and weights are counted in float32. Raises `UnknownNameError`.
    """
    if memory_bytes <= 0:
        raise BadInputError(f"{memory_bytes} is no amount of memory", "write a size as 16GB")
    kind = device.partition(":")[0]
    if kind not in DEVICES:
        raise UnknownNameError("device", device, (), f"known: {', '.join(DEVICES)}")
    counted = known_dtype(dtype) if dtype is not None else ASSUMED
    target = _target(store, model)
    peaks = _peaks(store, target, kind, counted if dtype is not None else None)
    counts = _counts(store, target)
    names = dict.fromkeys([*_named(store, target), *counts, *peaks])
    sources = tuple(
        _judged(name, memory_bytes, counted, counts.get(name), tuple(peaks.get(name, ())))
        for name in names
    )
    ordered = tuple(sorted(sources, key=_order))
    best = ordered[0] if ordered else None
    answer: Answer = best.answer if best else "unknown"
    called = target.model or target.source or model
    return Fit(called, target.name, memory_bytes, counted, device, answer, best, ordered)


def _order(one: SourceFit) -> tuple[int, bool, int, str]:
    """Order sources by their answer, the measured before the counted, then the smallest first."""
    size = one.peak.bytes if one.peak else one.weights_bytes or 0
    return ANSWERS.index(one.answer), one.peak is None, size, one.source


def _judged(
    name: str, memory: int, dtype: str, count: Count | None, peaks: tuple[Peak, ...]
) -> SourceFit:
    """Weigh one source's smallest peak, then its parameters, against the memory."""
    peak = min(peaks, key=lambda one: (one.weights != "pretrained", one.bytes), default=None)
    weights = weights_bytes(count.parameters, dtype) if count else None
    made = SourceFit(name, "unknown", None, "", count, weights, peak, peaks)
    if peak is not None and peak.weights == "pretrained" and peak.bytes <= memory:
        says = "an attempt held no more than that"
        return replace(made, answer="fits", basis="measured peak", says=says)
    beside = _beside(peak, memory)
    if weights is None:
        says = f"how many parameters it has is not known; {beside}"
        return replace(made, says=says)
    if weights > memory:
        says = "the weights alone take more"
        return replace(made, answer="too large", basis="parameter count", says=says)
    says = f"the weights alone take less; {beside}"
    return replace(made, answer="weights fit", basis="parameter count", says=says)


def _beside(peak: Peak | None, memory: int) -> str:
    """Say what was measured where that is no yes."""
    if peak is None:
        return "what runs beside them was not measured"
    if peak.weights == "pretrained":
        return "every attempt held more than there is"
    more = "no more" if peak.bytes <= memory else "more"
    return f"an attempt with random weights held {more} than there is"


def _target(store: Store, text: str) -> Target:
    """Find a model, or a source that was attempted or that an upstream catalogue lists."""
    try:
        return find(store, text)
    except UnknownNameError:
        listed = store.direct(
            "SELECT j.model FROM store.imported_sources s LEFT JOIN store.joins j USING (handle) "
            "WHERE s.handle = ? LIMIT 1",
            [text],
        )
        if not listed:
            raise
        return Target(text, model=None, source=text)


def _named(store: Store, target: Target) -> Iterable[str]:
    """Return the sources that the entry lists, in its order."""
    if target.source is not None:
        return [target.source]
    found = store.direct(
        "SELECT source FROM store.sources WHERE model = ? ORDER BY position", [target.model]
    )
    return [source for (source,) in found]


def _where(target: Target) -> tuple[str, str]:
    """Return the condition that picks a target's rows, and its parameter."""
    if target.source is not None:
        return "source = ?", target.source
    return "model = ?", str(target.model)


_PEAKS = "o.id, o.loader, o.framework, o.device, o.weights, o.peak_memory_bytes, o.numbers, o.facts"
_BUILT_BY_NAME = {"timm": "timm:", "torchvision": "torchvision:", "keras-applications": "keras:"}
"""The catalogues whose architectures a sweep builds by name, and how it names their sources."""


def _peaks(store: Store, target: Target, device: str, dtype: str | None) -> dict[str, list[Peak]]:
    """Return the peaks of passing attempts by source.

    What was measured of an architecture with random weights counts for each of its sources.
    """
    table = store.relation("observations")
    where, value = _where(target)
    found = store.direct(
        f"SELECT o.source, {_PEAKS}, o.started_at FROM {table} o "
        f"WHERE o.{where} AND outcome = 'passed' AND kind = 'attempt' ORDER BY o.id",
        [value],
    )
    hubs = " ".join(f"WHEN '{name}' THEN '{hub}'" for name, hub in _BUILT_BY_NAME.items())
    listed = "s.handle = ?" if target.source is not None else "j.model = ?"
    found += store.direct(
        f"SELECT s.handle, {_PEAKS}, o.started_at FROM store.imported_sources s "
        "LEFT JOIN store.joins j ON j.handle = s.handle AND j.catalogue = s.catalogue "
        f"JOIN {table} o ON o.source = (CASE s.catalogue {hubs} END) || s.architecture "
        f"WHERE {listed} AND o.weights = 'random' AND o.outcome = 'passed' "
        "AND o.kind = 'attempt' ORDER BY s.handle, o.id",
        [value],
    )
    peaks: dict[str, list[Peak]] = {}
    for handle, id_, loader, framework, on, weights, held, numbers, facts, at in found:
        seen: str | None = _json(facts).get("dtype")
        if on.partition(":")[0] != device or (dtype is not None and seen != dtype):
            continue
        size = held if device == "cpu" else _json(numbers).get("peak_device_bytes")
        if size:
            peak = Peak(int(size), loader, framework, on, seen, weights, id_, aware(at))
            known = peaks.setdefault(parse(handle).source, [])
            if peak not in known:
                known.append(peak)
    for each in peaks.values():
        each.sort(key=lambda peak: (peak.bytes, peak.observation_id))
    return peaks


def _counts(store: Store, target: Target) -> dict[str, Count]:
    """Return the parameters of each source: counted in an attempt, else stated, else imported."""
    counts: dict[str, Count] = {}
    where, value = _where(target)
    for source, id_, numbers, at in store.direct(
        f"SELECT source, id, numbers, started_at FROM {store.relation('observations')} "
        f"WHERE {where} AND outcome = 'passed' AND kind = 'attempt' ORDER BY id DESC",
        [value],
    ):
        if parameters := _json(numbers).get("parameters"):
            evidence = Evidence("observation", id_, None, aware(at).date())
            counts.setdefault(source, Count(int(parameters), evidence))
    for source, handle, entry in store.direct(
        f"SELECT source, handle, entry FROM store.sources WHERE {where} ORDER BY position", [value]
    ):
        for fact in _json(entry).get("facts") or ():
            if fact["name"] == "parameters":
                evidence = Evidence("claim", handle, fact.get("page"), _day(fact.get("read")))
                counts.setdefault(source, Count(int(fact["value"]), evidence))
    join = "s.handle = ?" if target.source is not None else "j.model = ?"
    for handle, parameters, url, upstream, version, read in store.direct(
        "SELECT s.handle, s.parameters, s.url, i.upstream, i.version, i.read "
        "FROM store.imported_sources s JOIN store.imports i USING (catalogue) "
        "LEFT JOIN store.joins j ON j.handle = s.handle AND j.catalogue = s.catalogue "
        f"WHERE {join} AND s.parameters IS NOT NULL ORDER BY s.catalogue, s.handle",
        [value],
    ):
        evidence = Evidence("import", handle, url or f"{upstream} {version}", read)
        counts.setdefault(parse(handle).source, Count(parameters, evidence))
    return counts


def _json(text: str | None) -> dict[str, Any]:
    """Read a JSON object of the store; none is empty."""
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def _day(text: object) -> Any:
    from caniload.catalog.choose_models import day_of

    return day_of(text)
