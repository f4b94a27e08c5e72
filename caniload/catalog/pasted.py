"""Take off what terminals, containers, launchers, loggers and test runners print around a text.

Whoever pastes a traceback pastes what stood before each of its lines as well. That is told from
the line that heads the traceback, so that no list of programs is needed.
"""

from __future__ import annotations

import json
import re

NEXT = "\x1d"
"""Stands for the line between two exceptions of a group."""

HEAD = re.compile(r"(?:Exception Group )?Traceback \(most recent call last\):$")

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
"""Colours, cursor movements and links (ECMA-48, sections 5.3 and 5.4; OSC 8)."""

_LAUNCHER = re.compile(r"^(?:\[rank\d+\]:|\((?:[\w. ]*\w )?pid=\d+(?:, ip=[\d.]+)?\)) ?")
_GROUP = re.compile(r"^\s*(?:\||\+(?= Exception Group)) ?")
_SEPARATOR = re.compile(r"^\s*(?:\+-)?\+-{8,}(?: (?:\d+|\.\.\.) -{8,})?$")


def lines(text: str) -> list[str]:
    """Return the lines of a pasted text as the program that failed printed them."""
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    if "last):\\n" in text:
        text = "\n".join(_unescaped(line) for line in text.split("\n"))
    found = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    found = [_LAUNCHER.sub("", line) if line.startswith(("[", "(")) else line for line in found]
    if "Traceback (most recent call last)" not in text:
        return [_asserted(line) for line in found]
    found = _without_prefix(found)
    if "Exception Group Traceback" not in text:
        return found
    return [NEXT if _SEPARATOR.match(line) else _GROUP.sub("", line) for line in found]


def _unescaped(line: str) -> str:
    """Return the traceback that a record in JSON, or another escaped line, holds."""
    if "last):\\n" not in line:
        return line
    try:
        record = json.loads(line)
        texts = record.values() if isinstance(record, dict) else ()
        return "\n".join(text for text in texts if isinstance(text, str) and "last):\n" in text)
    except ValueError:
        return line.replace("\\n", "\n").replace('\\"', '"').replace("\\'", "'")


def _asserted(line: str) -> str:
    """Take off the E that pytest prints before what was raised."""
    return line[3:].lstrip(" ") if line.startswith("E  ") else line


def _without_prefix(found: list[str]) -> list[str]:
    """Take the prefix of each head off from it and from the lines that begin alike."""
    prefixes: dict[str, re.Pattern[str]] = {}
    for line, after in zip(found, [*found[1:], ""], strict=True):
        head = HEAD.search(line)
        if not head or not head.start() or "Exception Group" in line:
            continue
        if any(HEAD.match(alike.sub("", line, count=1)) for alike in prefixes.values()):
            continue
        cuts = [head.start(), *(m.end() for m in re.finditer(r"\s+", line[: head.start()]))]
        for cut in sorted(set(cuts), reverse=True):
            alike = _alike(line[:cut])
            frame = alike.sub("", after, count=1)
            if frame != after and frame.startswith((" ", "\t")):
                prefixes.setdefault(alike.pattern, alike)
                break
    for alike in prefixes.values():
        found = [alike.sub("", line, count=1) for line in found]
    return found


def _alike(prefix: str) -> re.Pattern[str]:
    """Match a prefix whose numbers and spaces may differ, as time stamps do."""
    parts = re.split(r"(\d+|\s+)", prefix)
    shape = "".join(
        r"\d+" if part.isdigit() else r"\s+" if part.isspace() else re.escape(part)
        for part in parts[:-1] if part
    )  # fmt: skip
    blank = prefix[len(prefix.rstrip()) :]
    if blank:
        shape = shape.removesuffix(r"\s+")
        return (
            re.compile(rf"^{shape}(?:{re.escape(blank)}|$)") if shape else re.compile(f"^{blank}")
        )
    return re.compile(f"^{shape}{re.escape(parts[-1])}")
