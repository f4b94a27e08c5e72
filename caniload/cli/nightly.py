"""`caniload nightly`: attempt what a suite lists, and tell in the morning what changed and why."""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from caniload import units
from caniload.cli.boundary import Ending
from caniload.cli.options import Format
from caniload.cli.out import Out
from caniload.errors import BadInputError, CorruptSegmentError, UnknownNameError
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.catalog.comparison import NightReport
    from caniload.cli.live import Plain
    from caniload.records import Observation
    from caniload.runs.executor import Executor
    from caniload.runs.night.merging import Merged
    from caniload.runs.night.night import Night, NightRun
    from caniload.runs.night.orders import Order, Prepared

EXAMPLES = (
    "caniload nightly",
    "caniload nightly --dry-run",
    "caniload nightly --only bert --report report/",
    "caniload nightly --shard 1/4 --segments-to segments",
    "caniload nightly --merge segments --report report",
    "caniload nightly --resume 20261125T030000Z-1a2b3c",
)


def command(
    suite: Annotated[
        Path | None, typer.Argument(metavar="SUITE", help="caniload.toml, or its folder.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be attempted, and stop.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="WORD", help="Cells whose names hold this word."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Attempt also what is unchanged and young.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DATE|RUN", help="Compare with then, not the last night."),
    ] = None,
    shard: Annotated[
        str, typer.Option("--shard", metavar="I/N", help="Every N-th track, from the I-th.")
    ] = "1/1",
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="RUN", help="Go on with a night cut off.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Write night.{md,html,xml,json} there."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Cells attempted at once.")
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify/--no-verify", help="Ask hubs again for what the cache holds."),
    ] = True,
    executor: Annotated[
        Literal["local", "ray"],
        typer.Option("--executor", help="Who attempts: this machine, or the nodes of a cluster."),
    ] = "local",
    address: Annotated[
        str, typer.Option("--address", metavar="HOST:PORT", help="Where the Ray cluster is.")
    ] = "auto",
    segments_to: Annotated[
        str | None,
        typer.Option("--segments-to", metavar="DIR|URL", help="Copy the finished run there."),
    ] = None,
    merge: Annotated[
        str | None,
        typer.Option(
            "--merge",
            metavar="DIR|URL",
            help="Attempt nothing; take in the shards there and report them as one night.",
        ),
    ] = None,
    form: Format = "human",
) -> int:
    """Attempt what a suite lists, and say what changed since the last night and why.

    What is unchanged and measured lately is left out. Exit code 1 is for what the suite's
    `fail_on` names, and for nothing else.
    """
    from caniload.cli.night_live import watching
    from caniload.runs.night import orders
    from caniload.runs.suite import find_suite, read_suite

    if resume is not None and (only or shard != "1/1" or dry_run):
        raise BadInputError(
            "--resume goes on with the plan of that night",
            "leave out --only, --shard and --dry-run",
        )
    out, settings = Out(form), Settings.read()
    found = read_suite(find_suite(suite))
    against = _since(since, settings)
    if resume is not None and not _begun(settings.segments / resume):
        raise UnknownNameError("unfinished run", resume, hint="`caniload log` lists runs")
    order = orders.Order(
        only=tuple(only or ()),
        shard=units.shard(shard),
        again=again or resume is not None,
        dry=dry_run or merge is not None,
        workers=workers or max(1, len(os.sched_getaffinity(0)) // 2),
        verify=verify,
    )
    with watching(out) as watcher, ExitStack() as held:
        prepared = orders.prepare(found, settings, order, watcher)
        if dry_run:
            show_plan(out, prepared)
            return 0
        shards = None
        if merge is not None:
            shards = _merge(merge, settings)
            night = shards.night
        elif not prepared.plan.chosen and resume is None:
            night = None
        else:
            hands = None
            if executor == "ray":
                hands = _on_ray(prepared, settings, order, watcher, held, (address, workers))
            from caniload.runs.night import beginning

            run = beginning.night(prepared, settings, order, watcher, held, executor=hands)
            watcher.planned(list(run.cells))
            night = _run(run, found.title, resume, out)
            if night is None:
                return 130
    told = _report(prepared, order, night, settings, against, shards)
    _publish(settings, night)
    if segments_to is not None and night is not None and merge is None:
        _hand_over(settings.segments / night.run_id, segments_to, out)
    _write(out, told, report, found.path)
    Ending.quick = night is None
    return 1 if told.failed else 0


def _begun(folder: Path) -> bool:
    """Tell whether a run was begun here."""
    from caniload.runs import journal

    return (folder / journal.JOURNAL).exists()


def _merge(place: str, settings: Settings) -> Merged:
    """Take in the shards that lie somewhere, and put them together."""
    from caniload.catalog.publishing import ingest
    from caniload.runs.night.merging import merge

    report = ingest(settings, [place])
    if report.rejected:
        path, why = report.rejected[0]
        raise CorruptSegmentError(f"{path}: {why}", "a night without one of its shards is none")
    return merge(settings, report.runs)


def _hand_over(folder: Path, place: str, out: Out) -> None:
    """Copy a finished run to where others take it from."""
    from caniload.catalog import segment_places

    url = place if segment_places.is_url(place) else Path(place).absolute().as_uri()
    segment_places.put(folder, url)
    out.talk(f"run {folder.name} lies in {segment_places.shown(place)}")


def _on_ray(
    prepared: Prepared,
    settings: Settings,
    order: Order,
    watcher: Plain,
    held: ExitStack,
    asked: tuple[str, int | None],
) -> Executor:
    """Connect to the cluster for as long as the night is held; `asked` is where, and how many."""
    from caniload.runs.cluster import connected, ray_executor

    needed = {each.candidate.seat.name for each in prepared.plan.chosen}
    return ray_executor(
        held.enter_context(connected(asked[0])),
        settings,
        {each.name: each.spec for each in prepared.environments if each.name in needed},
        on_event=watcher.on_event,
        on_settled=watcher.on_settled,
        workers=asked[1],
        refresh=order.verify,
    )


def _run(run: NightRun, title: str, resume: str | None, out: Out) -> Night | None:
    """Run the night; one that is interrupted says what was done, and how to go on."""
    try:
        return run.run(f"nightly {title}") if resume is None else run.resume(resume)
    except KeyboardInterrupt:
        from caniload.runs import journal

        if run.run_id is None:
            raise
        seen = journal.read(run.executor.settings.segments / run.run_id)
        cells = {each.cell.id: each for each in seen.observations if each.cell.id in run.planned}
        passed = sum(each.outcome == "passed" for each in cells.values())
        out.talk(
            f"interrupted: {len(cells)} of {len(run.planned)} cells attempted, {passed} passed"
        )
        for each in cells.values():
            if each.outcome != "passed":
                first = (each.message.splitlines() or [""])[0][:120]
                name = each.cell.model or each.cell.handle
                out.talk(f"  {name} {each.cell.loader}: {each.outcome} at {each.stage}: {first}")
        out.talk(f"nothing is lost: caniload nightly --resume {run.run_id}")
        return None


def show_plan(out: Out, prepared: Prepared) -> None:
    """Print what a night would attempt, and what it leaves out with the reasons."""
    from caniload.cli.dates import seconds
    from caniload.cli.tables import table

    plan = prepared.plan
    values = ("never measured", "changed", "stale")
    rows = [
        (
            each.candidate.listed.model or each.candidate.handle.partition("@")[0],
            each.candidate.loader,
            each.candidate.framework,
            each.candidate.seat.name,
            each.candidate.device,
            values[each.value],
            seconds(each.seconds),
        )
        for each in plan.chosen
    ]
    columns = ("model", "loader", "framework", "environment", "device", "why", "expected")

    def human() -> str:
        from caniload.cli.out import width

        lines = [table(columns, rows, width())] if rows else []
        total = sum(each.seconds for each in plan.chosen)
        lines.append(
            f"{len(plan.chosen)} of {plan.listed} {'cell' if plan.listed == 1 else 'cells'} "
            "would be attempted, "
            f"about {seconds(total)} of work"
        )
        lines += [f"  {number} left out: {why}" for why, number in plan.omitted.items()]
        return "\n".join(lines)

    data = {
        **plan.as_dict(),
        "cells": [dict(zip(columns, row, strict=True)) for row in rows],
    }
    out.show("nightly-plan", data, human, lambda: ["\t".join(row) for row in rows])


def _cells(night: Night | None) -> tuple[Observation, ...]:
    """Return the last observation of each of a night's cells."""
    if night is None:
        return ()
    from caniload.runs.night.night import cells_of

    return cells_of(night)


def _report(
    prepared: Prepared,
    order: Order,
    night: Night | None,
    settings: Settings,
    asked: tuple[datetime | None, str | None],
    shards: Merged | None = None,
) -> NightReport:
    """Compare the night with what was known before and put together what is told of it.

    `asked` is what to compare with, if that is not the last night.
    """
    from caniload import __version__
    from caniload.catalog import comparison
    from caniload.catalog.nights import last_night
    from caniload.catalog.store import open_store
    from caniload.runs.night.orders import expired, listed_cells, tracks, without_collector

    suite, plan = prepared.suite, prepared.plan
    run_id = night.run_id if night is not None else ""
    runs = [run_id] if run_id else []
    counts = plan.listed, plan.omitted, len(plan.chosen)
    if shards is not None:
        runs, counts = list(shards.run_ids), (shards.listed, shards.omitted, shards.planned)
    moment, against = asked
    if moment is None and against is None:
        against = last_night(settings, suite.title, but=min(runs, default=None))
    with without_collector(), open_store(settings) as store:
        compared = comparison.compare(
            store,
            runs,
            against,
            suite.expect,
            since=moment,
            listed=None if order.only or order.shard[1] > 1 else lambda: tracks(prepared),
            listed_cells=listed_cells(prepared),
            standing_cells=prepared.standing if len(prepared.standing) <= STANDING else (),
        )
    late = [
        comparison.expired_skip(track, skip.reason, skip.issue, skip.review)
        for skip, track in expired(prepared, order)
    ]
    seen = _cells(night)
    broken = set() if night is None else {n for n, (ok, _) in night.controls.items() if not ok}
    told = {each.cell.id: each for each in seen}
    return comparison.NightReport(
        suite=suite.title,
        run_id=run_id,
        started=order.now,
        finished=datetime.now(UTC),
        coverage=comparison.Coverage(
            listed=counts[0],
            omitted=counts[1],
            planned=counts[2],
            attempted=len(told),
            measured=sum(
                each.outcome != "harness_error" and each.cell.environment not in broken
                for each in told.values()
            ),
        ),
        comparison=comparison.Comparison(
            compared.run_ids, compared.against, (*compared.changes, *late), compared.cells
        ),
        controls=tuple(
            comparison.ControlState(name, ok, why)
            for name, (ok, why) in (night.controls if night is not None else {}).items()
        ),
        failing=tuple(sorted(suite.failing)),
        caniload_version=__version__,
    )


STANDING = 2000
"""Past so many cells whose evidence stands a report counts them and draws none."""


def _since(text: str | None, settings: Settings) -> tuple[datetime | None, str | None]:
    """Read --since: a day, a moment, or the id of a run that is known."""
    from caniload.catalog.store import open_store
    from caniload.catalog.tracks import end_of

    if text is None:
        return None, None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        with open_store(settings) as store:
            end_of(store, text)
        return None, text
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)), None


def _publish(settings: Settings, night: Night | None) -> None:
    """Make the night's evidence part of the next generation."""
    if night is not None:
        from caniload.catalog.publishing import publish

        publish(settings)


def _write(out: Out, told: NightReport, folder: Path | None, suite: Path) -> None:
    """Print the report, and write its other forms where they are asked for."""
    import os

    from caniload.publish.night import annotations, data, junit, markdown, page, text
    from caniload.runs.disk import translating

    if folder is not None:
        forms = {
            "night.md": markdown.write,
            "night.html": page.write,
            "night.xml": junit.write,
            "night.json": data.write,
        }
        with translating(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name, write in forms.items():
                (folder / name).write_text(write(told), encoding="utf-8")
    out.show(
        "nightly",
        data.document(told),
        lambda: text.write(told),
        lambda: [f"{each.kind} {each.track.name} {each.track.where}" for each in told.failed],
    )
    if os.environ.get("GITHUB_ACTIONS") == "true":
        notes = annotations.write(told, file=suite.name)
        if notes and out.format != "json":
            out.write(notes)
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            with translating(Path(summary)), Path(summary).open("a", encoding="utf-8") as file:
                file.write(markdown.write(told))
