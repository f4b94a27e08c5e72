"""A tool's status says when it was read and where; a dead one says since when, and what follows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, timedelta

from caniload.catalog.entries import Cite
from caniload.catalog.rules import Problem, View
from caniload.words import ToolStatus

_DEAD = (ToolStatus.ARCHIVED, ToolStatus.SUPERSEDED)

RECENT = timedelta(days=366)
"""A tool is called active only if something of this long before it was read says so."""

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAY = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_MONTH = re.compile(rf"\b({'|'.join(_MONTHS)}) (\d{{4}})\b")


def check(view: View) -> Iterator[Problem]:
    """Find statuses without day or evidence, dead tools without date, heirs that nobody names."""
    for tool in view.authored.tools:
        file = f"tools/{tool.id}.yaml"
        if tool.status_read is None or tool.status_read > view.today:
            yield Problem(
                file, "status_read", f"{tool.status_read} is no day on which it was read",
                "write the day on which the evidence was opened, YYYY-MM-DD",
            )  # fmt: skip
        pages = {cite.page for cite in tool.cites}
        if tool.evidence is None or tool.evidence not in pages:
            yield Problem(
                file, "evidence", f"{tool.evidence!r} is not among the cites",
                "write the page that shows the status, and cite what it says",
            )  # fmt: skip
        read = tool.status_read
        if tool.status is ToolStatus.ACTIVE and read and not _recent(tool.cites, read):
            yield Problem(
                file, "status", "no cite tells of a release or commit of the last twelve months",
                "cite one with its date, or write unknown",
            )  # fmt: skip
        if tool.status in _DEAD and tool.status_since is None:
            yield Problem(
                file, "status_since", f"{tool.status.value} since when?",
                "write the date that the evidence gives, YYYY-MM-DD",
            )  # fmt: skip
        if tool.status is ToolStatus.SUPERSEDED and not tool.successor:
            yield Problem(file, "successor", "superseded by what?", "name the entry that follows")
        ids = {other.id for other in view.authored.tools}
        named = [(f"successor[{i}]", heir) for i, heir in enumerate(tool.successor)]
        named += [(f"moved_to[{i}].to", move.to) for i, move in enumerate(tool.moved_to)]
        for field, name in named:
            if re.fullmatch(r"[a-z0-9-]+", name) and name not in ids:
                yield Problem(
                    file, field, f"no tool has the id {name!r}",
                    "write the id of an entry, or the name of something that has none",
                )  # fmt: skip
            elif name == tool.id:
                yield Problem(file, field, "a tool does not follow itself", "name another")


def _recent(cites: Iterable[Cite], read: date) -> bool:
    """Tell whether some cite names a day or month of the last twelve months before one."""
    days = [day for cite in cites for day in _dates(cite.says)]
    return any(read - RECENT <= day <= read for day in days)


def _dates(says: str) -> Iterator[date]:
    """Yield the days and months that a text names, a month as its first day."""
    for year, month, day in _DAY.findall(says):
        with suppress(ValueError):  # it looked like a day
            yield date(int(year), int(month), int(day))
    for name, year in _MONTH.findall(says):
        yield date(int(year), _MONTHS.index(name) + 1, 1)
