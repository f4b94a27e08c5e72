"""The one place where an exception becomes a line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from caniload.errors import CaniloadError

INTERRUPTED = 130
PIPE_CLOSED = 141
USAGE = 2
OWN_FAULT = 4


class Ending:
    """How the process ends once its command has; a command that closed all it opened may say so."""

    quick = False
    """Whether to spare the interpreter's teardown: of what a large plan made, 0.2 s."""


def run(argv: Sequence[str]) -> int:
    """Run one command line and return the exit code; nothing but `SystemExit` passes.

    A `CaniloadError` ends with its own code, a wrong option with 2, Ctrl-C with 130, a reader
    that closed the pipe with 141, anything else with 4. The traceback shows only under
    `CANILOAD_DEBUG=1`.
    """
    try:
        code = _dispatch(list(argv))
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        return _pipe_closed()
    except SystemExit as exit_:
        if isinstance(exit_.__context__, BrokenPipeError):
            return _pipe_closed()
        raise
    except Exception as error:  # noqa: BLE001 - the boundary
        return report(error)
    if code == INTERRUPTED:
        _line("interrupted; what was finished is recorded")
    return code


def report(error: Exception) -> int:
    """Write one exception as an error line on stderr and return its exit code."""
    from caniload.cli.foreign import bug, translate

    if os.environ.get("CANILOAD_DEBUG", "") not in ("", "0"):
        import traceback

        traceback.print_exception(error)
    usage = _usage(error)
    if usage is not None:
        _line(f"error: {usage}")
        return USAGE
    known = error if isinstance(error, CaniloadError) else translate(error)
    if known is None:
        known = bug(error)
    first, *rest = str(known).strip().splitlines() or [type(known).__name__]
    _line(f"error: {first}")
    for line in rest:
        print(f"  {line}", file=sys.stderr)  # noqa: T201 - a tool's own last lines
    return known.exit_code


def _dispatch(argv: list[str]) -> int:
    """Build the app that the arguments need and run it; return the command's exit code."""
    from caniload.cli.app import build
    from caniload.cli.registry import COMMANDS

    if argv[:1] == ["--"]:
        argv = argv[1:]
    name = argv[0] if argv else ""
    entry = COMMANDS.get(name)
    if not argv or (entry is not None and entry.group and len(argv) == 1):
        argv = [*argv, "--help"]
    completing = "_CANILOAD_COMPLETE" in os.environ or name.endswith("-completion")
    app = build(whole=True) if completing else build(only=name if entry else None)
    result = app(argv, prog_name="caniload", standalone_mode=False)
    return result if isinstance(result, int) else 0


def _usage(error: Exception) -> str | None:
    """Return the line for a wrong option or argument, or None for another exception."""
    import typer

    if not isinstance(error, typer.TyperException):
        return None
    context = getattr(error, "ctx", None)
    path = context.command_path if isinstance(context, typer.Context) else None
    path = path or getattr(context, "command_path", "caniload")
    message = " ".join(error.format_message().split()).rstrip(".")
    message = message[:1].lower() + message[1:]
    stop = "" if message.endswith("?") else "."
    return f"{message}{stop} see `{path} --help`"


def _line(text: str) -> None:
    """Write one line to stderr, red where stderr is a terminal that wants colour."""
    try:
        if sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
            text = f"\x1b[31m{text}\x1b[0m"
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - beneath the printer
    except OSError:
        return


def _pipe_closed() -> int:
    """Send what is left for a closed stdout nowhere, so that the exit stays quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return PIPE_CLOSED
