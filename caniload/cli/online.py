"""What hubs say now of the sources that `caniload show --online` asks about; claims, no results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caniload.cli.dates import size
from caniload.errors import CaniloadError, HubError
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.handles import Handle
    from caniload.loaders.facts import Facts
    from caniload.loaders.hub import Claim


@dataclass(frozen=True, slots=True)
class Told:
    """Keep what one hub answered: facts where it tells any, claims, or its refusal."""

    handle: str
    facts: Facts | None
    claims: tuple[Claim, ...]
    refusal: str | None = None
    reason: str | None = None


def is_handle(text: str) -> bool:
    """Tell whether a text names a source on a hub rather than an entry."""
    from caniload.handles import HUBS
    from caniload.loaders.hub import load_hubs

    hub, colon, _ = text.partition(":")
    return bool(colon) and (hub in HUBS or hub in load_hubs())


def ask(handles: list[str], settings: Settings) -> list[Told]:
    """Ask each source's hub; a hub that says no is told as such. Raises for a bad handle."""
    from caniload.handles import parse

    return [_ask(parse(text), settings) for text in handles]


def _ask(handle: Handle, settings: Settings) -> Told:
    from caniload.loaders.facts import TellsFacts
    from caniload.loaders.hub import hub_of

    hub = hub_of(handle)
    try:
        if isinstance(hub, TellsFacts):
            facts = hub.facts(handle, settings)
            return Told(str(facts.handle), facts, facts.claims)
        return Told(str(handle), None, hub.claims(handle, settings))
    except HubError as error:
        return Told(str(handle), None, (), str(error), error.reason)
    except CaniloadError as error:
        return Told(str(handle), None, (), str(error))


def human(told: list[Told]) -> str:
    """The section of `show` that repeats what the hubs said."""
    return "\n\n".join(["said by the hubs, measured by nobody", *(_one(each) for each in told)])


def _one(told: Told) -> str:
    lines = [f"  {told.handle}"]
    rows: list[tuple[str, str]] = []
    if told.refusal is not None:
        rows.append(("no answer", told.refusal))
    if told.facts is not None:
        rows += _facts(told.facts)
    rows += [("claim", claim.says) for claim in told.claims]
    if not rows:
        rows.append(("claims", "none"))
    return "\n".join([*lines, *(f"    {name:<12} {value}" for name, value in rows if value)])


def _facts(facts: Facts) -> list[tuple[str, str]]:
    each = ", ".join(f"{dtype} {count:,}" for dtype, count in facts.dtypes.items())
    counted = (
        f"not known: {facts.counted_from}"
        if facts.parameters is None
        else f"{facts.parameters:,} ({each}; {facts.counted_from})"
    )
    formats = ", ".join(
        f"{one.format}{'' if one.size_bytes is None else f' {size(one.size_bytes)}'}"
        for one in facts.formats
    )
    return [
        ("renamed to", facts.renamed_to or ""),
        ("access", facts.access),
        ("licence", facts.licence or ""),
        ("task", facts.task or ""),
        ("library", facts.library or ""),
        ("modified", facts.last_modified or ""),
        ("formats", formats),
        ("parameters", counted),
    ]
