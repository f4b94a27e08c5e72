"""What an attempt can end with, and how an exception is told to the parent."""

from __future__ import annotations

from typing import Any

MAX_MESSAGE = 16_000
MAX_CHAIN = 20

_OUT_OF_MEMORY = ("OutOfMemoryError", "ResourceExhaustedError", "XlaRuntimeError")


class CheckFailed(Exception):  # noqa: N818
    """Raised when a check does not hold; `code` names how, as in `weights_missing`."""

    def __init__(self, code: str, text: str) -> None:
        """Keep the code and what was seen."""
        super().__init__(f"{code}: {text}")
        self.code = code


class Refused(Exception):  # noqa: N818
    """Raised when policy forbids what the artefact needs, as running its own code."""


class LoadsOnly(Exception):  # noqa: N818
    """Raised when an artefact loads and holds nothing that can be run."""


class NeedsInputs(Exception):  # noqa: N818
    """Raised when nothing says what a model takes; the attempt's lack, never the model's "no"."""


class NeedsNetwork(Exception):  # noqa: N818
    """Raised when loading downloads what was not fetched before; models run without a network."""


_OURS = (CheckFailed, Refused, LoadsOnly, NeedsInputs, NeedsNetwork)


def type_name(exc: BaseException) -> str:
    """Name an exception's type with its module; built-in ones stand alone."""
    kind = type(exc)
    if isinstance(exc, _OURS):
        return f"caniload.{kind.__name__}"
    if kind.__module__ in ("builtins", "__main__"):
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def chain(exc: BaseException) -> list[dict[str, str]]:
    """List an exception and what it came from, outermost first."""
    facts: list[dict[str, str]] = []
    seen: set[int] = set()
    relation = "raised"
    now: BaseException | None = exc
    while now is not None and id(now) not in seen and len(facts) < MAX_CHAIN:
        seen.add(id(now))
        message = text(now)[:MAX_MESSAGE]
        facts.append({"type": type_name(now), "message": message, "relation": relation})
        if now.__cause__ is not None:
            now, relation = now.__cause__, "cause"
        elif now.__context__ is not None and not now.__suppress_context__:
            now, relation = now.__context__, "context"
        else:
            now = None
    return facts


def text(exc: BaseException) -> str:
    """Return an exception's message, even where its own `__str__` raises."""
    try:
        return str(exc)
    except Exception as why:  # noqa: BLE001 (foreign code: any message is better than none)
        return f"<message unreadable: {type(why).__name__}>"


def one_line(exc: BaseException) -> str:
    """Return an exception as one line: type and the first line of its message."""
    lines = text(exc).strip().splitlines() or [""]
    first = " ".join(lines[0].split())
    if isinstance(exc, _OURS):
        return first[:1000]
    return f"{type_name(exc)}: {first}"[:1000]


def outcome(exc: BaseException, roots: tuple[str, ...], stage: str) -> str:
    """Say which outcome an exception stands for; `roots` are the modules that must be there."""
    if isinstance(exc, Refused):
        return "refused"
    if isinstance(exc, LoadsOnly):
        return "loads_only"
    if isinstance(exc, ModuleNotFoundError) and stage == "import":
        return "not_installed" if _absent(exc, roots) else "failed"
    if isinstance(exc, MemoryError) or _device_memory(exc):
        return "out_of_memory"
    return "failed"


def _absent(exc: ModuleNotFoundError, roots: tuple[str, ...]) -> bool:
    """Tell whether the module that is missing is one the loader stands on, whole."""
    return exc.name in roots


def _device_memory(exc: Any) -> bool:
    """Tell whether a framework says that its device's memory ran out."""
    said = text(exc).lower()
    words = "out of memory" in said or "resource_exhausted" in said or "oom when" in said
    return words and any(kind.__name__ in _OUT_OF_MEMORY for kind in type(exc).__mro__)
