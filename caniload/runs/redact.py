"""Take out of texts what must not be stored: paths, host and user names, tokens.

Applied to logs and to every free text of an observation before it is written anywhere.
"""

from __future__ import annotations

import getpass
import os
import platform
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(hf|ghp|gho|ghs|ghu|glpat|sk|xox[bap])([_-])[A-Za-z0-9_-]{12,}"), r"\1\2***"),
    (re.compile(r"\b(github_pat_)[A-Za-z0-9_]{12,}"), r"\1***"),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), "AKIA***"),
    (re.compile(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{8,}"), r"\1\2***"),
    (re.compile(r"(://)[^/\s:@'\"]*:[^/\s@'\"]+@"), r"\1***@"),
    (
        re.compile(
            r"(?i)\b([a-z0-9_]*(?:token|api[_-]?key|secret|password|passwd|signature))"
            r"(['\"]?\s*[=:]\s*['\"]?)(?=[^\s'\"&,;]*[0-9])[^\s'\"&,;]{8,}"
        ),
        r"\1\2***",
    ),
)
"""What tokens look like: hub and forge prefixes, authorisation headers, URL credentials."""

_OTHERS_HOME = re.compile(r"(?<![\w.-])/(?:home|Users)/[^/\s:'\"<>]+")
_WORDS = frozenset({"root", "user", "runner", "localhost", "nobody", "model", "python", "host"})
"""Names that tell nothing of anybody, and that texts are full of."""
_SYSTEM = frozenset({"/", "/usr", "/usr/local", "/opt", "/tmp", "/etc", "/var", "/lib", "/bin"})
"""Folders that are the same everywhere; replacing them would only make texts unreadable."""


class Redactor:
    """Replace known paths and names by placeholders, and mask whatever looks like a token."""

    def __init__(
        self,
        paths: Mapping[str, Iterable[Path | str]] | None = None,
        *,
        host: str | None = None,
        user: str | None = None,
        home: Path | None = None,
    ) -> None:
        """Take paths by placeholder word, as ``{"artefact": [root]}``; names default to ours."""
        pairs = [
            (text, f"<{word}>")
            for word, folders in {**(paths or {}), "home": [home or Path.home()]}.items()
            for folder in folders
            for text in _spellings(folder)
        ]
        pairs.sort(key=lambda pair: len(pair[0]), reverse=True)
        self._paths = [(re.compile(re.escape(text) + r"(?![\w-])"), word) for text, word in pairs]
        host = platform.node() if host is None else host
        user = _user() if user is None else user
        names = [(host, "<host>"), (host.partition(".")[0], "<host>"), (user, "<user>")]
        self._names = [
            (re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-])"), word)
            for name, word in names
            if len(name) > 2 and name.lower() not in _WORDS
        ]

    def text(self, text: str) -> str:
        """Return a text with placeholders in place of what must not be stored."""
        for pattern, word in self._paths:
            text = pattern.sub(word, text)
        text = _OTHERS_HOME.sub("<home>", text)
        for pattern, mask in _SECRETS:
            text = pattern.sub(mask, text)
        for pattern, word in self._names:
            text = pattern.sub(word, text)
        return text


def clip(text: str, characters: int = 8000) -> str:
    """Cut the middle out of a long text, saying how much is gone."""
    if len(text) <= characters:
        return text
    half = characters // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters …]\n{text[-half:]}"


def _spellings(folder: Path | str) -> set[str]:
    """Return a path as given and with its links followed; none for folders of every system."""
    texts = {str(folder), os.path.realpath(folder)}
    return {text.rstrip("/") for text in texts if text not in _SYSTEM and text.startswith("/")}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
