"""A revision stands only beside the record of who answered with it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caniload.catalog.rules import Problem, View

_WRITERS = re.compile(r"caniload catalog (pin|import .+)")


def check(view: View) -> Iterator[Problem]:
    """Find revisions without a pin record, pins without revision, pins that people wrote."""
    for file, field, _, source in view.sources():
        revision = source.parsed.revision
        command = f"run `caniload catalog pin {source.parsed.source}`"
        if revision is not None and source.pin is None:
            yield Problem(
                file, f"{field}.handle", f"the revision {revision} has no pin record",
                f"take it out and {command}",
            )  # fmt: skip
        elif revision is None and source.pin is not None:
            yield Problem(
                file, f"{field}.pin", "a pin without a revision in the handle",
                f"write pin: null and {command}",
            )  # fmt: skip
        elif source.pin is not None and not _WRITERS.fullmatch(source.pin.by):
            yield Problem(
                file, f"{field}.pin.by", f"{source.pin.by!r} is not what writes pins",
                f"{command}; a person never writes a revision",
            )  # fmt: skip
        elif source.pin is not None and source.pin.at.date() > view.today:
            yield Problem(file, f"{field}.pin.at", "lies in the future", command)
