"""`caniload suite`: write and check `caniload.toml`, what a night attempts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caniload.cli.app import examples, group
from caniload.cli.options import Format, Today, day
from caniload.cli.out import Out, width
from caniload.cli.tables import table
from caniload.errors import BadInputError
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.runs.suite import Suite
    from caniload.runs.suite_check import Checked, PatternLine

app = group(
    "Write and check a suite, `caniload.toml`: the models and environments that are attempted "
    "night after night, what is expected of them, and what fails the build.",
    "caniload suite init",
    "caniload suite check",
)


@app.command("init", epilog=examples("caniload suite init", "caniload suite init --force"))
def init(
    folder: Annotated[Path, typer.Argument(help="Where the suite belongs.")] = Path(),
    force: Annotated[
        bool, typer.Option("--force", help="Write over a suite that is there.")
    ] = False,
    form: Format = "human",
) -> int:
    """Write a first suite, from the models that are loaded or lie in a folder."""
    from caniload.runs.suite import NAME
    from caniload.runs.suite_text import look, template

    if not folder.is_dir():
        raise BadInputError(f"{folder} is not a folder", "name the one that the suite belongs in")
    path = folder / NAME
    if path.exists() and not force:
        raise BadInputError(f"{path} is there already", "--force writes over it")
    found = look(folder)
    path.write_text(template(found), encoding="utf-8")
    data = {
        "file": path,
        "models": [name for name, _ in found.models],
        "environments": list(found.environments),
        "python": found.python,
    }

    def human() -> str:
        lines = [f"wrote {path}"]
        lines += [f"  {name}, seen in {where}" for name, where in found.models]
        if not found.models:
            lines.append("  no model was found here; it begins with minilm as an example")
        if found.python:
            lines.append(f"  {found.python}, the environment of this folder")
        lines += ["", "read it, then: caniload suite check"]
        return "\n".join(lines)

    Out(form).show("suite init", data, human, lambda: [str(path)])
    return 0


@app.command(
    "check",
    epilog=examples("caniload suite check", "caniload suite check caniload.toml --format json"),
)
def check(
    file: Annotated[
        Path | None, typer.Argument(help="The suite; else caniload.toml in this folder.")
    ] = None,
    today: Today = None,
    form: Format = "human",
) -> int:
    """Validate a suite and say what each line means. Exits 2 if it cannot be used.

    Names and queries are looked up in the store; no hub, registry or interpreter is asked.
    """
    from caniload.catalog.store import open_store
    from caniload.runs.suite import find_suite, read_suite
    from caniload.runs.suite_check import check as look_up

    settings = Settings.read()
    suite = read_suite(find_suite(file))
    with open_store(settings) as store:
        found = look_up(suite, settings, store, day(today))
    data = {
        "file": suite.path,
        "name": suite.title,
        "devices": suite.devices,
        "budget": suite.budget.model_dump(),
        "max_age_days": suite.max_age_days,
        "fail_on": suite.fail_on,
        **{key: getattr(found, key) for key in found.__dataclass_fields__},
    }
    out = Out(form)
    out.show("suite check", data, lambda: _human(suite, found), lambda: [str(found.sources)])
    for line in found.warnings:
        out.warn(line)
    if found.faults:
        raise BadInputError("\n".join(found.faults))
    return 0


def _human(suite: Suite, found: Checked) -> str:
    """Write what each line means."""
    parts = [
        f"{suite.path.name}: {suite.title}: {_number(found.sources, 'source')} in "
        f"{_number(len(found.environments), 'environment')} on {', '.join(suite.devices)}"
    ]
    rows: list[list[object]] = [
        [each.line, each.words, each.weights, each.sources, each.resolved, _counts(each.omitted)]
        for each in found.models
    ]
    head = ("line", "models", "weights", "sources", "fixed", "left out")
    parts.append(table(head, rows, width()))
    rows = [
        [each.line, each.name, each.kind, each.state, each.detail] for each in found.environments
    ]
    parts.append(table(("line", "environment", "whose", "state", "holds"), rows, width()))
    if found.expect:
        rows = [[e.line, e.words, e.outcome, _review(e), e.reason] for e in found.expect]
        parts.append(table(("line", "expected of", "outcome", "review", "why"), rows, width()))
    if found.skip:
        rows = [[e.line, e.words, _review(e), e.reason] for e in found.skip]
        parts.append(table(("line", "skipped", "review", "why"), rows, width()))
    parts.append("\n".join(_limits(suite)))
    return "\n\n".join(parts)


def _limits(suite: Suite) -> Iterable[str]:
    """Write budget, age and what fails the build."""
    from caniload.cli.dates import size

    budget = suite.budget
    bounds = [f"{_span(budget.attempt_seconds)} an attempt"]
    if budget.time_seconds is not None:
        bounds.insert(0, f"{_span(budget.time_seconds)} a night")
    if budget.memory_bytes is not None:
        bounds.append(f"{size(budget.memory_bytes)} of memory")
    if budget.disk_bytes is not None:
        bounds.append(f"{size(budget.disk_bytes)} of disk")
    yield f"budget   {', '.join(bounds)}"
    if suite.max_age_days is not None:
        yield f"max age  {suite.max_age_days:g} days"
    yield f"fail on  {', '.join(suite.fail_on) or 'nothing'}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _span(seconds: float) -> str:
    """Write a duration as the suite does: `4 h`, `10 min`, `90 s`."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def _counts(omitted: dict[str, int]) -> str:
    return ", ".join(f"{number} {why}" for why, number in sorted(omitted.items()))


def _review(each: PatternLine) -> str:
    """Write when a line is to be looked at again."""
    if each.days_left < 0:
        return f"{each.review}, {-each.days_left} days ago"
    return f"{each.review}, in {each.days_left} days"
