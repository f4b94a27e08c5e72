"""Say which cells are meant, by patterns over what a cell is called."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Self

from pydantic import model_validator

from caniload.records import Record

KEYS = ("model", "format", "loader", "framework", "environment", "device")


class CellPattern(Record):
    """Match cells: each key is a name or a pattern (`*`, `?`, `[…]`), and all must fit.

    `model` fits a model's id, its source (`hf:owner/name`) or its handle.
    """

    model: str = "*"
    format: str = "*"
    loader: str = "*"
    framework: str = "*"
    environment: str = "*"
    device: str = "*"

    @model_validator(mode="after")
    def _something(self) -> Self:
        if all(getattr(self, key) == "*" for key in KEYS):
            raise ValueError(f"would mean every cell; give one of {', '.join(KEYS)}")
        return self

    @property
    def words(self) -> str:
        """The pattern in a few words."""
        return ", ".join(f"{k} {getattr(self, k)}" for k in KEYS if getattr(self, k) != "*")

    def matches(
        self,
        *,
        model: str | None,
        handle: str,
        format: str | None,  # noqa: A002 - the field is so named
        loader: str,
        framework: str,
        environment: str,
        device: str,
    ) -> bool:
        """Tell whether a cell is meant."""
        return (
            _fits(self.loader, loader)
            and _fits(self.framework, framework)
            and _fits(self.environment, environment)
            and _fits(self.device, device)
            and _fits(self.format, format or "")
            and (
                self.model == "*"
                or _fits(self.model, model or "")
                or _fits(self.model, handle.partition("#")[0].partition("@")[0])
                or _fits(self.model, handle)
            )
        )


def _fits(pattern: str, text: str) -> bool:
    """Match one name; most patterns are plain names, which need no matching."""
    return pattern in ("*", text) or (
        any(mark in pattern for mark in "*?[") and fnmatchcase(text, pattern)
    )
