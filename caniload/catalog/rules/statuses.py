"""A tool's status says when it was read and where; a dead one says since when, and what follows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caniload.catalog.rules import Problem, View
from caniload.words import ToolStatus

_DEAD = (ToolStatus.ARCHIVED, ToolStatus.SUPERSEDED)


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
