"""What a hub can say of a model without its files: access, sizes, parameters.

A hub that can says it in a method `facts`; the others have claims alone. Facts are the hub's
word and, where they are read from a file's own header, that file's; no evidence that it loads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from caniload.handles import Handle

if TYPE_CHECKING:
    from caniload.loaders.hub import Claim
    from caniload.settings import Settings


@dataclass(frozen=True, slots=True)
class FormatFacts:
    """Count the weight files of one format, and their bytes; None where the hub states no size."""

    format: str
    files: int
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Repeat what a hub answered about one revision of a source.

    `parameters` and `dtypes` (elements by dtype) come from where `counted_from` says; where
    they could not be had, it says why. `access` is "open", "private" or how it is gated.
    """

    handle: Handle
    access: str
    licence: str | None = None
    task: str | None = None
    library: str | None = None
    renamed_to: str | None = None
    last_modified: str | None = None
    formats: tuple[FormatFacts, ...] = ()
    parameters: int | None = None
    dtypes: dict[str, int] = field(default_factory=dict)
    counted_from: str = ""
    claims: tuple[Claim, ...] = ()


@runtime_checkable
class TellsFacts(Protocol):
    """What a hub has that knows more of a source than claims."""

    def facts(self, handle: Handle, settings: Settings) -> Facts:
        """Ask the hub; download nothing but headers. Raises `HubError` with a reason."""
        ...
