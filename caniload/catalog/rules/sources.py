"""A checkpoint is listed once, and a model says where its weights are, or rules join some."""

from __future__ import annotations

from collections.abc import Iterator

from caniload.catalog.rules import Problem, View


def check(view: View) -> Iterator[Problem]:
    """Find sources that stand twice, and models with neither sources nor another's weights."""
    seen: dict[str, str] = {}
    for file, field, _, source in view.sources():
        for handle in (source.handle, *source.aliases):
            if handle in seen:
                yield Problem(
                    file, f"{field}.handle", f"{handle} is listed by {seen[handle]} already",
                    "keep it where people look for it",
                )  # fmt: skip
            seen.setdefault(handle, file)
    joined = {join.model for join in view.joins.joins}
    for file, model in view.models():
        if not model.sources and not model.uses and model.id not in joined:
            yield Problem(
                file, "sources", "no checkpoint is named",
                "list a source, write a rule that joins some, or name the entry it uses",
            )  # fmt: skip
        if model.uses and not model.sources and not model.code:
            yield Problem(
                file, "code", "code around another's weights, and no page of the code",
                "add code: [{page: https://…, read: YYYY-MM-DD, says: …}]",
            )  # fmt: skip
