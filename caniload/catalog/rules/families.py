"""A family is an entry's id or a family that is listed here; what an entry uses exists."""

from __future__ import annotations

from collections.abc import Iterator

from caniload.catalog.rules import Problem, View

FAMILIES = frozenset(
    {"gpt", "inception", "llama", "mobilenet", "qwen", "resnet", "vision-transformer"}
)
"""Families without an entry of their own name."""


def check(view: View) -> Iterator[Problem]:
    """Find families and used models that no entry has."""
    ids = {model.id for model in view.authored.models}
    for file, model in view.models():
        if model.family not in ids | FAMILIES:
            yield Problem(
                file, "family", f"no entry or family is called {model.family!r}",
                f"write an entry's id or one of {', '.join(sorted(FAMILIES))}",
            )  # fmt: skip
        for index, used in enumerate(model.uses):
            if used not in ids or used == model.id:
                yield Problem(
                    file, f"uses[{index}]", f"no other entry has the id {used!r}",
                    "write the id of the entry whose weights it runs on",
                )  # fmt: skip
