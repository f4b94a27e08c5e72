"""A model has sources of several hubs, or says why those of one hub only are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from caniload.catalog.rules import Problem, View
from caniload.handles import parse

ALIAS_OF = {"timm": "hf"}
"""Hubs whose handles are aliases of another's: timm's weights lie on Hugging Face."""

NO_SOURCES = "transformers"
"""The catalogue whose rows are types of a library, not sources."""


def check(view: View) -> Iterator[Problem]:
    """Find models of one hub without a reason, and reasons that hold no more.

    A model that runs on another's weights and lists none of its own is left alone.
    """
    hubs: dict[str, set[str]] = defaultdict(set)
    for _, _, model, source in view.sources():
        hubs[model.id].add(source.parsed.hub)
    for join in view.joins.joins:
        if join.catalogue != NO_SOURCES:
            hubs[join.model].add(parse(join.handle).hub)
    for file, model in view.models():
        found = {ALIAS_OF.get(hub, hub) for hub in hubs[model.id]}
        if len(found) == 1 and model.one_hub is None:
            yield Problem(
                file, "sources", f"all sources are of the hub {next(iter(found))}",
                "list one of another hub, write a rule that joins some, or say why under one_hub",
            )  # fmt: skip
        elif len(found) > 1 and model.one_hub is not None:
            yield Problem(
                file, "one_hub", f"there are sources of {', '.join(sorted(found))}", "take it out"
            )
