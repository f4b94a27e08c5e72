"""`caniload bisect`: the release of a package at which a model's outcome changes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caniload.cli.dates import seconds
from caniload.cli.options import Device, Format, Framework, Loader
from caniload.cli.out import Out, paint, width
from caniload.cli.tables import table
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.records import Cell, Observation
    from caniload.runs.bisection import Bisection, Change, Try

EXAMPLES = (
    "caniload bisect minilm --loader transformers --framework tensorflow --package transformers",
    "caniload bisect minilm -l transformers -f pytorch --package tokenizers --bad 0.23.1",
    "caniload bisect ./my-model --python .venv/bin/python --package transformers --allow-code",
    "caniload bisect minilm -l transformers -f tensorflow -p transformers --with tensorflow==2.18",
)


def command(
    target: Annotated[str, typer.Argument(metavar="MODEL", help="A model, a handle, or ./path.")],
    package: Annotated[
        str, typer.Option("--package", "-p", help="The package whose releases are tried.")
    ],
    loader: Loader = None,
    framework: Framework = None,
    good: Annotated[
        str | None, typer.Option("--good", metavar="VERSION", help="One end; else the installed.")
    ] = None,
    bad: Annotated[
        str | None, typer.Option("--bad", metavar="VERSION", help="The other end; else the newest.")
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="REQUIREMENT", help="Install this with every candidate."),
    ] = None,
    env: Annotated[
        str | None, typer.Option("--env", "-e", help="Copy this environment of caniload's.")
    ] = None,
    python: Annotated[
        Path | None, typer.Option("--python", help="Copy your own virtual environment.")
    ] = None,
    device: Device = None,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Let the artefact's own code run, in the sandbox.")
    ] = False,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="KEY=VALUE", help="An option of the recipe."),
    ] = None,
    pre: Annotated[bool, typer.Option("--pre", help="Pre-releases too.")] = False,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, help="How often both sides of a change are measured.")
    ] = 2,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Measure anew what was measured before.")
    ] = False,
    timeout: Annotated[
        str, typer.Option("--timeout", help="Deadline of each attempt: 600, 90s, 10m.")
    ] = "600",
    memory: Annotated[
        str | None, typer.Option("--memory", help="Memory budget of each attempt: 4GB, 512MiB.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="FILE", help="Write the record here, too.")
    ] = None,
    form: Format = "human",
) -> int:
    """Find the first release at which the outcome changes, with every reason on the way.

    Cut off by Ctrl-C it goes on where it stopped when it is called again.
    """
    from caniload.catalog.publishing import maybe_publish
    from caniload.cli.recipe import options_of
    from caniload.runs.bisect import bisect
    from caniload.runs.bisect_subject import Question
    from caniload.units import duration, size_bytes

    settings, out = Settings.read(), Out(form)
    question = Question(
        target,
        package,
        loader,
        framework,
        good,
        bad,
        tuple(beside or ()),
        env,
        python,
        device or "cpu",
        allow_code,
        options_of(option or ()),
        pre,
        repeats,
        fresh,
        duration(timeout),
        None if memory is None else size_bytes(memory),
    )
    found, path = bisect(question, settings, _Lines(out))
    maybe_publish(settings)
    if record is not None:
        record.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, record)
        path = record
    out.show(
        "bisection",
        found.model_dump(mode="json") | {"record": str(path)},
        lambda: human(found, path),
        lambda: [f"{each.after} {each.became}" for each in found.changes],
    )
    return 0 if any(each.answered for each in found.tries) else 3


class _Lines:
    """Say what happens in lines on stderr."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._building: str | None = None

    def building(self, name: str, line: str) -> None:
        """Say once that an environment is being built."""
        if line.startswith("building environment"):
            self._out.talk(line)

    def asked(self, package: str, listed: Sequence[str]) -> None:
        """Say how long the list is."""
        span = f"{listed[0]} to {listed[-1]}"
        self._out.talk(f"the registry has {len(listed)} releases of {package} from {span}")

    def trying(self, version: str, again: bool) -> None:
        """Say which version is tried now."""
        self._out.talk(f"{version}: {'measuring once more' if again else 'installing'}")

    def tried(self, one: Try, known: bool) -> None:
        """Say how a version ended."""
        from caniload.runs.bisection import told

        recorded = ", as recorded" if known else ""
        self._out.talk(f"{one.version}: {_first(told(one))}{recorded}")

    def on_event(self, cell: Cell, event: Mapping[str, object]) -> None:
        """Nothing is said of single stages."""

    def on_settled(self, cell: Cell, observation: Observation) -> None:
        """Say how long an attempt took."""
        self._out.talk(f"  attempted in {seconds(observation.wall_seconds)}")


def human(found: Bisection, path: Path) -> str:
    """Return the answer first, then how sure it is, then every version tried."""
    subject = found.model or found.handle
    options = found.recipe.get("options")
    extra = "".join(f" {k}={v}" for k, v in options.items()) if isinstance(options, dict) else ""
    head = f"{subject}: {found.loader}{extra} in {found.framework}, {found.device}"
    parts = [head + "\n" + "\n".join(_answer(found)), _sure(found), _tries(found)]
    parts.append(f"record: {path}")
    return "\n\n".join(part for part in parts if part)


def _answer(found: Bisection) -> list[str]:
    """Return a line or two for each change."""
    if not found.changes:
        answered = [each for each in found.tries if each.answered]
        if not answered:
            return [f"no release of {found.package} could be tried"]
        from caniload.runs.bisection import told

        ends = f"{found.listed[0]} to {found.listed[-1]}"
        return [f"no change from {found.package} {ends}: {told(answered[-1])}"]
    lines = []
    for each in found.changes:
        word = paint(f"changes at {found.package} {each.after}", "red")
        lines += [f"{word}: {each.became}", f"  before, {each.before}: {each.was}"]
        lines.append(f"  {_certainty(each)}")
    return lines


def _certainty(change: Change) -> str:
    """Say what one change rests on."""
    near = "no release lies between the two"
    if not change.adjacent:
        near = f"between the two could not be tried: {', '.join(change.between)}"
    if change.contradicted:
        return f"{near}; repeats disagree, so the place is not certain"
    before, after = change.repeats
    times = f"measured {before} and {after} times with the same outcome"
    return f"{near}; {times}; {_controls(change)}"


def _controls(change: Change) -> str:
    """Say what the controls did on either side of a change."""
    if not any(change.controls):
        return "no control beside it"
    if all(each == "behaved" for each in change.controls):
        return "the controls behaved on both sides"
    told = zip((change.before, change.after), change.controls, strict=True)
    return "controls: " + ", ".join(f"{version} {said or 'none'}" for version, said in told)


def _sure(found: Bisection) -> str:
    """Say what was measured and what was assumed."""
    tried = len({each.version for each in found.tries if each.version in found.listed})
    text = f"{tried} of {len(found.listed)} releases were tried"
    if found.assumed:
        text += f"; {found.assumed} lie between two with one outcome and are assumed to share it"
    lines = [text]
    kept = ", ".join(f"{name} {version}" for name, version in sorted(found.kept.items()))
    base = f"each in a copy of {found.base} (Python {found.python}, {found.platform})"
    lines.append(base + (f" with {kept} held still" if kept else ""))
    return "\n".join(lines)


def _tries(found: Bisection) -> str:
    """Return every version tried, oldest first."""
    rows = [
        (
            each.version,
            "refused by pip" if each.state == "uninstallable" else each.state,
            each.result,
            _first(each.title or each.why),
            _moved(each, found.package),
            each.observations[0] if each.observations else None,
        )
        for each in found.tries
    ]
    return table(("version", "how", "result", "why", "pip moved too", "observation"), rows, width())


def _moved(one: Try, package: str) -> str:
    """Name what pip moved beside the package itself, and count what it added."""
    others = {name: ends for name, ends in one.moved.items() if name != package}
    told = [f"{name} {new or 'gone'}" for name, (old, new) in others.items() if old is not None]
    added = len(others) - len(told)
    return ", ".join([*told, *([f"{added} added"] if added else [])])


def _first(text: str) -> str:
    """Return the last line of pip's words, the first of any other."""
    lines = text.strip().splitlines() or [""]
    return lines[-1] if lines[-1].startswith("ERROR") else lines[0]
