"""`caniload upgrade`: what an upgrade would break in an environment of yours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caniload.cli.options import Device, Format, Framework, Loader
from caniload.cli.out import Out, paint, width
from caniload.cli.tables import table
from caniload.errors import BadInputError
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.runs.plan import Wish
    from caniload.runs.upgrade import Effected, Upgrade
    from caniload.runs.workflow import Request

EXAMPLES = (
    "caniload upgrade minilm --python .venv --package transformers==5.23.0",
    "caniload upgrade ./my-model --python .venv/bin/python --package torch==2.13.0 -p numpy==2.4.6",
    "caniload upgrade --suite caniload.toml --python .venv --package transformers==5.23.0",
)

_COLOURS = {"breaks": "red", "flaky": "yellow", "fixed": "green", "works": "green"}


def command(
    package: Annotated[
        list[str],
        typer.Option("--package", "-p", metavar="P==V", help="What is upgraded; may be repeated."),
    ],
    python: Annotated[
        Path, typer.Option("--python", help="Your virtual environment; nothing in it is changed.")
    ],
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MODEL...]", help="Models by name, handles, or ./paths."),
    ] = None,
    suite: Annotated[
        Path | None, typer.Option("--suite", metavar="FILE", help="The models of this suite.")
    ] = None,
    framework: Framework = None,
    loader: Loader = None,
    device: Device = None,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Let artefacts' own code run, in the sandbox.")
    ] = False,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, help="How often a breakage is to be seen.")
    ] = 2,
    timeout: Annotated[
        str, typer.Option("--timeout", help="Deadline of each attempt: 600, 90s, 10m.")
    ] = "600",
    memory: Annotated[
        str | None, typer.Option("--memory", help="Memory budget of each attempt: 4GB, 512MiB.")
    ] = None,
    form: Format = "human",
) -> int:
    """Run models in your environment and in a copy with the upgrade; show what would break.

    Exit code 1 if something that works would not; your environment is never written to.
    """
    from caniload.catalog.publishing import maybe_publish
    from caniload.runs.plan import Wish
    from caniload.runs.upgrade import Plan, upgrade
    from caniload.runs.workflow import Request
    from caniload.units import duration, size_bytes

    settings, out = Settings.read(), Out(form)
    _check(package)
    wish = Wish(framework, loader, allow_code=allow_code)
    base = Request(
        tuple(targets or ()),
        wish,
        device or "cpu",
        timeout_seconds=duration(timeout),
        memory_bytes=None if memory is None else size_bytes(memory),
    )
    requests = [base] if targets else []
    if suite is not None:
        requests += _of_suite(suite, base, settings)
    if not requests:
        raise BadInputError("no model is named", "name models, or a suite with --suite")
    with _watching(out) as watcher:
        found = upgrade(
            Plan(python, tuple(package), tuple(requests), repeats=repeats), settings, watcher
        )
    maybe_publish(settings)
    out.show("upgrade", found, lambda: human(found), lambda: _quiet(found))
    return _code(found)


def _code(found: Upgrade) -> int:
    """1 where something breaks, 3 where nothing could be compared, else 0."""
    if found.breaks:
        return 1
    return 0 if any(each.effect != "no answer" for each in found.cells) else 3


def _check(packages: Sequence[str]) -> None:
    """Raise `BadInputError` for what is no requirement by name and version."""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in packages:
        try:
            parsed = Requirement(line)
        except InvalidRequirement as error:
            raise BadInputError(
                f"{line!r} is no requirement", "write --package transformers==5.23.0"
            ) from error
        if parsed.url is not None:
            raise BadInputError(f"{line!r} holds a URL", "name and version are enough")


def _of_suite(path: Path, base: Request, settings: Settings) -> list[Request]:
    """Return one request for each wish of a suite, with the sources that it means."""
    from dataclasses import replace

    from caniload.catalog.store import open_store
    from caniload.runs.suite import find_suite, read_suite
    from caniload.runs.suite_sources import suite_sources

    suite = read_suite(find_suite(path))
    named: dict[int, dict[str, None]] = {}
    with open_store(settings) as store:
        for source in suite_sources(suite, store):
            authored = source.authored and source.model is not None
            name = source.model if authored and source.model else source.handle
            named.setdefault(source.wish, {})[name] = None
    return [
        replace(base, targets=tuple(names), wish=_wish(suite.models[at], base.wish))
        for at, names in named.items()
    ]


def _wish(asked: Any, base: Wish) -> Wish:
    """Return what a suite's wish says of how to try, narrowed by the command line."""
    from caniload.runs.plan import Wish

    return Wish(
        base.framework or asked.framework,
        base.loader or asked.loader,
        weights=asked.weights,
        allow_code=base.allow_code or asked.allow_code,
        options=dict(asked.options),
    )


@contextmanager
def _watching(out: Out) -> Iterator[Any]:
    """Show both runs in lines, with what happens to the copy between them."""
    from caniload.cli.live import Plain

    class Lines(Plain):
        """Say also what happens to the copy."""

        def building(self, name: str, line: str) -> None:
            """Pip's lines are many, and nobody asked for them."""

        def copying(self, root: Path) -> None:
            """Say that a copy is made."""
            out.talk(f"copying {root}; yours stays as it is")

        def upgraded(self, moved: Mapping[str, tuple[str | None, str | None]]) -> None:
            """Say how much moved."""
            out.talk(f"the upgrade stands in the copy: pip moved {len(moved)} packages")

        def place(self, name: str) -> None:
            """Say which of the two is attempted."""
            out.talk(f"attempting {name} the upgrade")

    yield Lines(out)


def human(found: Upgrade) -> str:
    """Return the answer first, then each cell, then what pip moved."""
    count = {
        word: sum(each.effect == word for each in found.cells)
        for word in ("breaks", "flaky", "fixed", "fails", "works", "no answer")
    }
    asked = ", ".join(found.packages)
    compared = len(found.cells) - count["no answer"]
    if found.breaks:
        head = paint(f"would break {count['breaks']} of {compared}", "red") + f": {asked}"
    elif not compared:
        head = f"unknown: nothing could be compared under {asked}"
    else:
        head = paint(f"nothing of {compared} would break", "green") + f": {asked}"
    words = {"flaky": "not certain", "fixed": "fixed", "fails": "fail before and after",
             "works": "work before and after", "no answer": "without an answer"}  # fmt: skip
    told = [f"{count[word]} {text}" for word, text in words.items() if count[word]]
    if told:
        head += "\n" + ", ".join(told)
    if found.silent:
        head += f"\n{found.silent} cells are of libraries that neither environment has"
    return "\n\n".join(part for part in (head, _cells(found), _moved(found)) if part)


def _cells(found: Upgrade) -> str:
    """Return a row a cell, and below it why what breaks does."""
    from caniload.publish import wording

    rows = [
        (
            each.effect,
            wording.artefact(each.cell),
            f"{each.cell.loader}{wording.options(each.cell)}",
            wording.framework(each.cell, version=False),
            _end(each.before),
            _end(each.after),
        )
        for each in found.cells
    ]
    lines = table(("effect", "what", "loader", "framework", "before", "after"), rows, width())
    parts = [lines]
    for each in found.cells:
        if each.effect in ("breaks", "flaky") and each.after is not None:
            parts.append(_why(each))
    return "\n".join(parts) if rows else ""


def _end(cell: Any) -> str:
    """Say one end in a word."""
    if cell is None:
        return "not planned"
    if cell.outcome == "passed":
        return str(cell.verdict)
    return cell.diagnosis.code if cell.diagnosis is not None else str(cell.outcome)


def _why(each: Effected) -> str:
    """Say why one cell breaks, how often it was seen, and what mends it."""
    from caniload.publish import wording

    assert each.after is not None
    seen = f"seen {each.attempts_after} times" if each.attempts_after > 1 else "seen once"
    if each.effect == "flaky":
        seen = "a repeat passed"
    lines = [f"{wording.artefact(each.after)}, {each.after.loader}: {wording.reason(each.after)}"]
    lines.append(f"  {seen}; caniload log {each.after.observation_id}")
    if each.after.diagnosis is not None:
        lines.append(f"  fix    {each.after.diagnosis.fix}")
    return "\n".join(lines)


def _moved(found: Upgrade) -> str:
    """Return what pip moved."""
    rows = [(name, old or "absent", new or "gone") for name, (old, new) in found.moved.items()]
    if not rows:
        return "pip moved nothing: it is what you have"
    return "pip moved\n" + table(("package", "from", "to"), rows, width())


def _quiet(found: Upgrade) -> list[str]:
    return [f"{each.effect} {each.cell.loader} {each.cell.framework}" for each in found.cells]
