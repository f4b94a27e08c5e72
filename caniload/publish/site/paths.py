"""Where a page lies: addresses that stay, made from what a thing is called and nothing else.

Every character that a file system or a web server may take for something else is written as
`~` and two hexadecimal digits, so that different things have different addresses.
"""

from __future__ import annotations

import re

from caniload.handles import parse

INDEX = "index.html"
_PLAIN = re.compile(r"[A-Za-z0-9._-]")
_RESERVED = re.compile(r"(?i:con|prn|aux|nul|com\d|lpt\d)(?:\.|\Z)")
"""Names that Windows keeps for devices, whatever follows the dot."""
_LONGEST = 180
"""Of a segment, in characters; file systems allow 255 bytes."""


def segment(text: str) -> str:
    """Return one segment of an address; never empty, `.`, `..` or hidden."""
    made = "".join(one if _PLAIN.match(one) else _escaped(one) for one in text) or "~"
    if made[0] in ".-" or made == INDEX or _RESERVED.match(made):
        made = _escaped(made[0]) + made[1:]
    if made.endswith("."):
        made = made[:-1] + _escaped(".")
    if len(made) > _LONGEST:
        import hashlib

        made = f"{made[:_LONGEST]}~{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return made


def _escaped(one: str) -> str:
    return "".join(f"~{byte:02x}" for byte in one.encode("utf-8", errors="surrogatepass"))


def model(name: str) -> str:
    """Return the folder of a model's page, with a slash at the end."""
    return f"models/{segment(name)}/"


def source(handle: str) -> str:
    """Return the folder of a source's page: the hub, then the parts of its locator.

    The revision and the format belong to artefacts, which stand on the page of their source.
    """
    found = parse(handle)
    parts = [segment(part) for part in found.locator.split("/")]
    return f"sources/{segment(found.hub)}/{'/'.join(parts)}/"


def dataset(name: str) -> str:
    """Return the folder of a dataset's page."""
    return f"datasets/{segment(name)}/"


def tool(name: str) -> str:
    """Return the folder of a tool's page."""
    return f"tools/{segment(name)}/"


def environment(name: str) -> str:
    """Return the folder of an environment's page."""
    return f"environments/{segment(name)}/"


def run(name: str) -> str:
    """Return the folder of a run's page."""
    return f"runs/{segment(name)}/"


def root(folder: str) -> str:
    """Return the way from a page's folder to the site's root; it ends in a slash."""
    return "../" * folder.count("/") or "./"
