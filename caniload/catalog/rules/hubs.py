"""A handle names a hub that caniload or a plug-in reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from caniload.catalog.rules import Problem, View
from caniload.handles import parse


def check(view: View) -> Iterator[Problem]:
    """Find handles of hubs that nobody reads."""
    for file, field, _, source in view.sources():
        for handle in (source.handle, *source.aliases):
            hub = parse(handle).hub
            if hub not in view.hubs:
                close = difflib.get_close_matches(hub, view.hubs, n=1)
                write = f"write {close[0]}:" if close else f"write one of {', '.join(view.hubs)}"
                yield Problem(file, f"{field}.handle", f"no hub is called {hub!r}", write)
