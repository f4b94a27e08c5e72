"""Every fact names the page or package in which it was read, and the day."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caniload.catalog.entries import Cite, parts
from caniload.catalog.rules import Problem, View

_PAGE = re.compile(r"https://\S+|[a-z0-9][a-z0-9._-]*==[0-9][\w.+!-]*")


def check(view: View) -> Iterator[Problem]:
    """Find claims, facts and cites without page or day, and entries that cite nothing."""
    for file, entry in view.entries():
        cited = [(path, part) for path, part in parts(entry) if isinstance(part, Cite)]
        if not cited:
            yield Problem(
                file, "cites", "nothing here says where it was read",
                "add cites: [{page: https://…, read: YYYY-MM-DD, says: …}]",
            )  # fmt: skip
        for path, cite in cited:
            if cite.page is None or not _PAGE.fullmatch(cite.page):
                yield Problem(
                    file, f"{path}.page", f"{cite.page!r} is not a page",
                    "write the https address or package==version that was opened",
                )  # fmt: skip
            if cite.read is None or cite.read > view.today:
                yield Problem(
                    file, f"{path}.read", f"{cite.read} is no day on which it was read",
                    "write the day on which the page was opened, YYYY-MM-DD",
                )  # fmt: skip
