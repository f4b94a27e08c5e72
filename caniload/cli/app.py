"""The Typer app, built for the command that is asked for and no other."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Annotated

import typer

from caniload.cli.light import LightCommand, LightGroup
from caniload.cli.registry import COMMANDS, Entry

ABOUT = """Can I load this pretrained model, here? caniload answers from real attempts.

\b
  caniload check minilm                          the answer, with its evidence
  caniload check bert --framework tensorflow     for one framework
  caniload run ./my-model --python .venv/bin/python
  caniload docs update README.md                 tables from recorded evidence

Exit codes: 0 works; 1 differs, fails, flaky or drift; 2 bad input; 3 blocked, claimed,
unknown, or a hub did not answer; 4 caniload itself could not answer; 130 interrupted.
"""

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


def build(only: str | None = None, *, whole: bool = False) -> typer.Typer:
    """Return the app; `only` imports that command alone, `whole` imports every one.

    Without either, each command is a name and a line of help, which is all that `--help` and
    the search for a mistyped command need.
    """
    app = typer.Typer(
        name="caniload",
        cls=LightGroup,
        help=ABOUT,
        add_completion=whole,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=HELP_NAMES,
    )
    app.callback()(_top)
    for name, entry in COMMANDS.items():
        if only is None and not whole:
            app.command(name, help=entry.about)(_named)
        elif whole or name == only:
            _add(app, name, entry)
    return app


def group(about: str, *lines: str) -> typer.Typer:
    """Return the Typer that a module of several commands fills, with its examples."""
    return typer.Typer(
        cls=LightGroup,
        help=about,
        epilog=examples(*lines),
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=HELP_NAMES,
    )


def examples(*lines: str) -> str:
    """Return command lines as the end of a help text, each on a line of its own."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def _add(app: typer.Typer, name: str, entry: Entry) -> None:
    """Import one command's module and add what it defines."""
    module = import_module(entry.module)
    if entry.group:
        app.add_typer(module.app, name=name, short_help=entry.about)
    else:
        command: Callable[..., int] = module.command
        lines: tuple[str, ...] = module.EXAMPLES
        text = examples(*lines)
        app.command(name, cls=LightCommand, short_help=entry.about, epilog=text)(command)


def _version(value: bool) -> None:
    """Print the version and end."""
    if value:
        from caniload import __version__

        typer.echo(f"caniload {__version__}")
        raise typer.Exit


def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Hold the options that stand before a command."""


def _named() -> None:
    """Stand for a command that is listed and not imported."""
