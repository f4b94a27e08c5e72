"""First bytes tell a web page, an error message or a Git LFS pointer from a model."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

HEAD_BYTES = 512
"""How many first bytes `sniff` wants to see."""

_PAGES = (b"<!doctype html", b"<html", b"<head", b"<body", b"<title", b"<!--", b"<?xml", b"<error")
_TEXTS = (".html", ".htm", ".xml", ".svg", ".md", ".txt", ".py", ".js", ".jinja", ".css")
_JSON = (".json", ".jsonl", ".ipynb", ".webmanifest")
_POINTER = b"version https://git-lfs.github.com/spec/"
_TOLD = ("error", "errors", "message", "detail", "error_description", "errorCode")
_BEFORE = ("code", "status", "success", "type", "title", "timestamp", "path", "requestId")
"""Keys that stand before the message in what APIs answer (RFC 9457, Kaggle, Spring)."""


def sniff(head: bytes, name: str) -> str | None:
    """Say what stands where a model was expected, or None if the first bytes are not telling.

    `head` is the start of the content, `name` the file's own name. The pointer's first line is
    Git LFS's (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(_POINTER):
        return "a Git LFS pointer came, not the file it points to"
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in _TEXTS and start[:64].lower().startswith(_PAGES):
        return "a web page came, not a model"
    if suffix not in _JSON + _TEXTS and start.startswith(b"{") and _is_error(start):
        return "an error message came, not a model"
    return None


def _is_error(start: bytes) -> bool:
    """Tell whether JSON, perhaps cut off, is an object that begins with an error or message."""
    try:
        return any(key in _TOLD for key in json.loads(start))
    except ValueError:
        first = start[1:].lstrip()
        named = tuple(f'"{key}"'.encode() for key in (*_TOLD, *_BEFORE))
        return first.startswith(named)
