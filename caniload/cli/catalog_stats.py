"""`caniload catalog stats`: entries by source, their freshness, and what was measured of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from caniload.cli.options import Format, Today, day
from caniload.cli.out import Out, width
from caniload.cli.tables import table
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.catalog.stats import Coverage, Stats

COMMIT = 40
"""The digits of a commit."""

EXAMPLES = ("caniload catalog stats", "caniload catalog stats --format json")


def command(today: Today = None, form: Format = "human") -> int:
    """Count entries by source, their age, and of how many of them something was measured.

    Attempted is any observation, ran is one that passed with the published weights. Random
    weights count for an architecture alone.
    """
    from caniload.catalog.stats import stats
    from caniload.catalog.store import open_store

    with open_store(Settings.read()) as store:
        found = stats(store, day(today))
    quiet = [f"{each.catalogue} {each.facts}" for each in found.imports]
    Out(form).show("catalog stats", found, lambda: _told(found), lambda: quiet)
    return 0


def _told(found: Stats) -> str:
    """Write the counts as short tables."""
    entries, evidence = found.entries, found.evidence
    read = ("catalogue", "version", "facts", "joined", "kind", "read")
    imports = [
        (
            each.catalogue,
            _short(each.version),
            each.facts,
            "-" if each.kind == "types" else f"{each.joined} of {each.facts}",
            each.kind,
            f"{each.read} ({_days(each.age_days)})",
        )
        for each in found.imports
    ]
    dated = (
        f", {evidence.oldest} to {evidence.newest}, {evidence.last_30_days} in the last 30 days"
        if evidence.newest
        else ""
    )
    parts = [
        "authored",
        f"  {entries.models} models, {entries.sources} sources, {entries.resolved} of them "
        "resolved by a hub",
        f"  {entries.datasets} datasets, {entries.tools} tools, {entries.tools_known} of them of "
        "known status",
        "",
        "imported: claims, never results",
        _inset(table(read, imports, _room())),
        "",
        "measured",
        f"  {evidence.observations} observations of {evidence.cells} cells{dated}",
        f"  {found.models.attempted} of {found.models.total} authored models attempted, "
        f"{found.models.ran} of {found.models.total} ran with their published weights",
        "",
        "authored models by framework, of those claimed for it or measured in it",
        _covered("framework", found.models_by_framework),
        "",
        "authored sources by hub",
        _covered("hub", found.sources_by_hub),
        "",
        "imported sources by catalogue",
        _covered("catalogue", found.imported_by_catalogue),
    ]
    return "\n".join(parts)


def _covered(title: str, rows: Sequence[Coverage]) -> str:
    """Write shares, each with what it is a share of."""
    if not rows:
        return "  none"
    head: tuple[str, ...] = (title, "attempted", "ran")
    built = any(row.architecture_ran is not None for row in rows)
    cells: list[tuple[str, ...]] = []
    for row in rows:
        line: tuple[str, ...] = (
            row.group,
            f"{row.attempted} of {row.total}",
            f"{row.ran} of {row.total}",
        )
        if built:
            line += (f"{row.architecture_ran} of {row.total}",)
        cells.append(line)
    return _inset(table((*head, "architecture_ran") if built else head, cells, _room()))


def _short(version: str) -> str:
    """Write the beginning of a commit, and any other version whole."""
    commit = len(version) == COMMIT and set(version) <= set("0123456789abcdef")
    return version[:12] if commit else version


def _inset(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _room() -> int | None:
    columns = width()
    return None if columns is None else columns - 2


def _days(count: int) -> str:
    return "today" if count <= 0 else "1 day ago" if count == 1 else f"{count} days ago"
