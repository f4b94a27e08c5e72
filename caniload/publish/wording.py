"""How a verdict reads in one line, the same on the screen and in a page."""

from __future__ import annotations

from datetime import date

from caniload.catalog.answers import CellAnswer
from caniload.words import FRAMEWORK_NAMES, Verdict

DISTRIBUTIONS = {"pytorch": "torch"}
"""Where a framework's distribution is not called as the framework is."""


def framework(cell: CellAnswer, *, version: bool = True) -> str:
    """Name the framework as its makers do, with its version where that is known."""
    name = FRAMEWORK_NAMES.get(cell.framework, cell.framework)
    found = cell.framework_version if version else None
    return f"{name} {found}" if found else name


def loader(cell: CellAnswer) -> str:
    """Name the loader, with its version where it is a package of its own, and its options."""
    found = cell.versions.get(cell.loader)
    name = f"{cell.loader} {found}" if found else cell.loader
    name = f"{name}{options(cell)}"
    return f"{name} export to {cell.export_format}" if cell.kind == "export" else name


def options(cell: CellAnswer) -> str:
    """Say what a recipe changes of the library's default call: ` compile=False`, or nothing."""
    return "".join(f" {key}={value}" for key, value in cell.options.items())


def artefact(cell: CellAnswer) -> str:
    """Name what was loaded, short: the last part of a path or address, else the source."""
    hub, _, name = cell.source.partition(":")
    exported = f" ({cell.format})" if cell.parent_observation is not None else ""
    return (name.rpartition("/")[2] if hub in ("file", "url") else cell.source) + exported


def versions(cell: CellAnswer) -> str:
    """List the decisive packages with their versions: `torch 2.13.0, transformers 5.23.0`."""
    found = [f"{name} {version}" for name, version in sorted(cell.versions.items())]
    return ", ".join(found)


def number(value: float) -> str:
    """Write a measured number in three digits: `1.13e-03`; nothing at all is `0`."""
    return "0" if value == 0 else f"{value:.2e}"


def distance(cell: CellAnswer) -> str:
    """Say how far a pass lies from its reference, or that there is none; empty without a pass."""
    if cell.outcome != "passed" or cell.kind != "attempt":
        return ""
    if cell.is_reference:
        return "reference"
    if cell.relative_rms is None:
        return "unreferenced"
    against = f" from {cell.reference_loader}" if cell.reference_loader else ""
    return f"relative RMS {number(cell.relative_rms)}{against}"


def reason(cell: CellAnswer) -> str:
    """Say in one line why a cell is not a plain yes; the diagnosis, else what was raised."""
    if cell.verdict is Verdict.CLAIMED:
        page = f" ({cell.note})" if cell.note else ""
        return f"{cell.message or 'metadata says so'}{page}; nobody measured it"
    if cell.diagnosis is not None:
        return f"{cell.diagnosis.title} ({cell.diagnosis.code})"
    if cell.outcome in (None, "passed"):
        return cell.note or ""
    raised = cell.exception_message or cell.message
    if cell.exception_type and not cell.exception_type.startswith("caniload."):
        raised = f"{cell.exception_type.rpartition('.')[2]}: {raised}"
    first = (raised.strip().splitlines() or [""])[0]
    parts = [cell.note or f"undiagnosed {cell.outcome} at {cell.stage}", first]
    return ": ".join(part for part in parts if part)


def result(cell: CellAnswer) -> str:
    """The verdict with what it rests on, as a table shows it."""
    verdict = f"{cell.verdict} (inferred)" if cell.inferred else str(cell.verdict)
    if cell.verdict is Verdict.BLOCKED and cell.fault:
        verdict = f"{verdict} ({cell.fault})"
    if cell.kind == "export" and cell.verdict is Verdict.WORKS:
        return "exported"
    if cell.verdict in (Verdict.WORKS, Verdict.DIFFERS):
        more = distance(cell)
        return f"{verdict}, {more}" if more else verdict
    why = reason(cell)
    return f"{verdict}: {why}" if why else verdict


def told(cell: CellAnswer) -> str:
    """Say by what, in what and how well or why a cell ended, without the verdict's word."""
    place = ", ".join(word for word in (framework(cell), cell.device) if word)
    agreed = cell.verdict in (Verdict.WORKS, Verdict.DIFFERS)
    more = distance(cell) if agreed else reason(cell)
    return f"{loader(cell)} in {place}" + (f": {more}" if more else "")


def measured(cell: CellAnswer, now: date | None = None) -> str:
    """When a cell was measured: `measured 2026-11-21 (2 days ago)`, or that it never was."""
    if cell.measured_at is None:
        return "never measured"
    day = cell.measured_at.date()
    if now is None:
        return f"measured {day.isoformat()}"
    days = (now - day).days
    past = "today" if days <= 0 else "yesterday" if days == 1 else f"{days} days ago"
    return f"measured {day.isoformat()} ({past})"


def observer(cell: CellAnswer) -> str:
    """Who measured; a stranger's evidence is labelled as such."""
    if cell.whom in (None, "me"):
        return "me"
    return "ci" if cell.whom == "ci" else f"another: {cell.observer}"
