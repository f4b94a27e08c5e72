"""The loader whose numbers are the reference is one that the entry claims or attempts."""

from __future__ import annotations

from collections.abc import Iterator

from caniload.catalog.rules import Problem, View


def check(view: View) -> Iterator[Problem]:
    """Find native loaders that no source mentions."""
    for file, model in view.models():
        if model.native is None:
            continue
        known = set()
        for source in model.sources:
            known |= {(claim.loader, claim.framework) for claim in source.claims}
            known |= {(attempt.loader, attempt.framework) for attempt in source.attempts}
        if (model.native.loader, model.native.framework) not in known:
            yield Problem(
                file, "native",
                f"no source claims or attempts {model.native.loader} on {model.native.framework}",
                "write the publisher's own loader, or null",
            )  # fmt: skip
