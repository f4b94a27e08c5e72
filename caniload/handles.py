"""Handles: the one textual form that names a source, a revision or an artefact.

Grammar (DESIGN, "The words")::

    hub ":" locator [ "@" revision [ "/" subfolder ] ] [ "#" format [ ":" variant ] ]

`@`, `#` and `%` inside a locator, a revision or a subfolder are percent-encoded, so that
``parse(str(handle)) == handle`` for every handle. A subfolder needs a revision: without one
nothing tells it from the locator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from caniload.errors import MalformedHandleError

HUBS = (
    "hf",
    "tfhub",
    "kaggle",
    "torchhub",
    "keras",
    "timm",
    "torchvision",
    "onnx",
    "garden",
    "pypi",
    "url",
    "file",
)
"""The hubs whose handles caniload reads; a plug-in may add more."""

_HUB = re.compile(r"[a-z][a-z0-9-]*\Z")
_FORMAT = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
_ENCODE = str.maketrans({"%": "%25", "@": "%40", "#": "%23"})
_ESCAPE = re.compile(r"%(25|40|23)")
_BAD_ESCAPE = re.compile(r"%(?!25|40|23)")


@dataclass(frozen=True, slots=True)
class Handle:
    """Name a source (`hub:locator`), a revision of it, or one artefact of a revision.

    `revision` is the hub's immutable name of a state: 40 hex digits (hf, torchhub), a version
    (pypi, tfhub), ``sha256-<64 hex>`` (file, url). Raises `MalformedHandleError` when a part
    cannot be written so that it reads back the same.
    """

    hub: str
    locator: str
    revision: str | None = None
    subfolder: str | None = None
    format: str | None = None
    variant: str | None = None

    def __post_init__(self) -> None:
        """Refuse parts that would not round-trip."""
        text = f"{self.hub}:{self.locator}"
        if not _HUB.match(self.hub):
            raise MalformedHandleError(text, "the hub is a lower-case word before the colon")
        if not self.locator or _control(self.locator):
            raise MalformedHandleError(text, "nothing printable stands after the hub")
        if self.revision is not None and (
            not self.revision or "/" in self.revision or _control(self.revision)
        ):
            raise MalformedHandleError(text, "a revision follows '@' and holds no '/'")
        if self.subfolder is not None:
            if self.revision is None:
                raise MalformedHandleError(text, "a subfolder needs a revision before it")
            parts = self.subfolder.split("/")
            if any(part in ("", ".", "..") for part in parts) or _control(self.subfolder):
                raise MalformedHandleError(text, "a subfolder is a plain relative path")
        if self.format is not None and not _FORMAT.match(self.format):
            raise MalformedHandleError(text, "a format is a lower-case word after '#'")
        if self.variant is not None and (self.format is None or not _FORMAT.match(self.variant)):
            raise MalformedHandleError(text, "a variant is a lower-case word after '#format:'")

    def __str__(self) -> str:
        """Write the handle; `parse` reads it back."""
        out = f"{self.hub}:{self.locator.translate(_ENCODE)}"
        if self.revision is not None:
            out += "@" + self.revision.translate(_ENCODE)
            if self.subfolder is not None:
                out += "/" + self.subfolder.translate(_ENCODE)
        if self.format is not None:
            out += "#" + self.format
            if self.variant is not None:
                out += ":" + self.variant
        return out

    @property
    def source(self) -> str:
        """The stable part, `hub:locator`, without revision or format."""
        return str(Handle(self.hub, self.locator))

    def at(self, revision: str | None) -> Handle:
        """Return this handle at another revision."""
        return replace(self, revision=revision)


def parse(text: str) -> Handle:
    """Read a handle; raise `MalformedHandleError` saying which part is wrong."""
    hub, colon, rest = text.partition(":")
    if not colon:
        raise MalformedHandleError(text, "a handle starts with a hub, as in hf:owner/name")
    rest, _, form = rest.partition("#")
    if "#" in text and not form:
        raise MalformedHandleError(text, "no format follows '#'")
    if rest.count("@") > 1:
        raise MalformedHandleError(text, "more than one '@'; write %40 inside a name")
    locator, at, tail = rest.partition("@")
    revision: str | None = None
    subfolder: str | None = None
    if at:
        revision, slash, sub = tail.partition("/")
        subfolder = sub if slash else None
    name, colon, variant = form.partition(":")
    return Handle(
        hub,
        _decode(locator, text),
        None if revision is None else _decode(revision, text),
        None if subfolder is None else _decode(subfolder, text),
        name or None,
        variant if colon else None,
    )


def _decode(part: str, whole: str) -> str:
    """Undo the percent-encoding of one part; any other escape is not ours and is refused."""
    if _BAD_ESCAPE.search(part):
        raise MalformedHandleError(whole, "'%' is written %25 in a handle")
    return _ESCAPE.sub(lambda m: chr(int(m.group(1), 16)), part)


def _control(text: str) -> bool:
    """Tell whether a text holds control characters or surrounding space."""
    return text != text.strip() or not text.isprintable()
