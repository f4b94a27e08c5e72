"""Joining rules name models, match something, and never claim one source for two models."""

from __future__ import annotations

from collections.abc import Iterator

from caniload.catalog.rules import Problem, View


def check(view: View) -> Iterator[Problem]:
    """Find rules of unknown models, rules that match nothing, and sources claimed twice."""
    ids = {model.id for model in view.authored.models}
    for rule in view.join_rules:
        if rule.model not in ids:
            yield Problem(
                f"joins/{rule.catalogue}.yaml", rule.model, "no model has this id",
                "write the id of a model, or take the rule out",
            )  # fmt: skip
    for rule in view.joins.idle:
        yield Problem(
            f"joins/{rule.catalogue}.yaml", f"{rule.model}.like",
            f"{' and '.join(rule.like)} match no {rule.field}",
            "mend the pattern, or take the rule out",
        )  # fmt: skip
    for handle, rules in view.joins.claimed_twice.items():
        yield Problem(
            "joins", handle, f"claimed by {' and '.join(rules)}",
            "leave it out of one of them, with except",
        )  # fmt: skip
