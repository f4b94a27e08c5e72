"""What is said to hold the same weights is listed as a source somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from caniload.catalog.rules import Problem, View
from caniload.handles import parse


def check(view: View) -> Iterator[Problem]:
    """Find groups of same weights with one member, or with a member that no entry lists."""
    known = {
        parse(handle).source
        for _, _, _, source in view.sources()
        for handle in (source.handle, *source.aliases)
    }
    for file, model in view.models():
        for index, group in enumerate(model.same_weights):
            if len(set(group)) < 2:
                yield Problem(
                    file, f"same_weights[{index}]", "a group of one", "name two sources or none"
                )
            for handle in group:
                if parse(handle).source not in known:
                    yield Problem(
                        file, f"same_weights[{index}]", f"{handle} is no source of any entry",
                        "list it under sources",
                    )  # fmt: skip
