"""Every error that caniload raises on purpose.

Each class says in one sentence when it is raised and carries its fields. `exit_code` is what
the command line ends with (DESIGN, "Verdict"): 2 bad input, 3 a hub could not answer, 4
caniload itself could not answer.
"""

from __future__ import annotations

from typing import ClassVar


class CaniloadError(Exception):
    """Raised for anything that caniload can explain in one line."""

    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep the one-line message and the next step to take."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """The message and the next step, on one line."""
        return f"{self.message}. {self.hint}" if self.hint else self.message


class BadInputError(CaniloadError, ValueError):
    """Raised when what the user gave cannot be used."""

    exit_code = 2


class MalformedHandleError(BadInputError):
    """Raised when a text is not a handle."""

    def __init__(self, text: str, why: str) -> None:
        """Keep the text and which part of it is wrong."""
        super().__init__(
            f"{text!r} is not a handle: {why}",
            "write hub:locator[@revision[/sub]][#format[:variant]]",
        )
        self.text = text
        self.why = why


class UnknownNameError(BadInputError, LookupError):
    """Raised when a model, framework, device, environment, … of that name is not known."""

    def __init__(self, kind: str, name: str, near: tuple[str, ...] = (), hint: str = "") -> None:
        """Keep what kind of thing was asked for, its name and the names close to it."""
        if near:
            hint = f"did you mean {' or '.join(near)}? {hint}".strip()
        super().__init__(f"no {kind} named {name!r}", hint)
        self.kind = kind
        self.name = name
        self.near = near


class UnreadableFileError(BadInputError):
    """Raised when a file or directory that the user named cannot be read or recognised."""

    def __init__(self, path: str, why: str, hint: str = "") -> None:
        """Keep the path and the cause."""
        super().__init__(f"cannot read {path}: {why}", hint)
        self.path = path
        self.why = why


class InterpreterError(BadInputError):
    """Raised when a Python interpreter cannot be started or is too old for the worker."""


class CatalogueError(BadInputError):
    """Raised when an authored catalogue file does not satisfy its schema."""


class QueryError(BadInputError):
    """Raised when the SQL that a user wrote cannot be run, or reaches outside the store."""


class HubError(CaniloadError):
    """Raised when a hub says no or does not answer; `reason` is one of `REASONS`."""

    exit_code = 3
    REASONS: ClassVar[tuple[str, ...]] = (
        "missing",
        "gated",
        "throttled",
        "unreachable",
        "offline",
        "disabled",
        "server",
        "unresolved",
    )

    def __init__(self, hub: str, reason: str, message: str, hint: str = "") -> None:
        """Keep the hub and the reason."""
        super().__init__(message, hint)
        self.hub = hub
        self.reason = reason


class ArtefactError(HubError):
    """Raised when what arrived is not what was published: wrong hash or size, an HTML page, …."""

    def __init__(self, hub: str, message: str, hint: str = "") -> None:
        """Keep the hub; the reason is always `artefact`."""
        super().__init__(hub, "artefact", message, hint)


class RefusedError(CaniloadError):
    """Raised when policy forbids an attempt, as code without `--allow-code`."""

    exit_code = 3


class EnvironmentBuildError(CaniloadError):
    """Raised when pip cannot build an environment; carries the package and pip's last lines."""

    exit_code = 3

    def __init__(self, name: str, package: str | None, tail: str) -> None:
        """Keep the environment, the package that failed and pip's own last lines."""
        what = f" at {package}" if package else ""
        super().__init__(f"environment {name!r} could not be built{what}: {tail.strip()}")
        self.name = name
        self.package = package
        self.tail = tail


class RegistryError(CaniloadError):
    """Raised when the package registry cannot be asked; what it would say stays unknown."""

    exit_code = 3


class SharedFileError(CaniloadError):
    """Raised when something wrote into a file that a copy shares with its original."""


class StoreError(CaniloadError):
    """Raised when the store cannot be read or written."""


class CorruptStoreError(StoreError):
    """Raised when a store file is damaged; it can be rebuilt from segments."""


class NewerStoreError(StoreError):
    """Raised when the store was written by a newer caniload than this one."""


class CorruptSegmentError(BadInputError):
    """Raised when a segment handed to `ingest` is not one, or is damaged."""


class DiskFullError(StoreError):
    """Raised when a write fails for lack of space, or a download would not fit."""


class PermissionDeniedError(StoreError):
    """Raised when a directory of caniload's own cannot be written or read."""


class BusyError(StoreError):
    """Raised when another process holds a lock for longer than we wait."""
