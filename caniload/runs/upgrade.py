"""Say what an upgrade would do: a user's environment and a copy with the upgrade, side by side.

Theirs is read and run in, never written: the copy is whole and shares no file with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from caniload.catalog import questions
from caniload.catalog.answers import CellAnswer
from caniload.catalog.store import open_store
from caniload.runs import copies, watcher, workflow
from caniload.runs.interpreters import Interpreter, probe
from caniload.runs.workflow import Request
from caniload.settings import Settings

COPIES = ".copies"

Effect = Literal["breaks", "fixed", "works", "fails", "flaky", "no answer"]

_SILENT = frozenset(
    {"not_installed", "unavailable", "timed_out", "out_of_memory", "harness_error", "refused"}
)
"""Outcomes that say nothing of whether the versions go together."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold what an upgrade is asked: whose environment, what moves, which models.

    `requests` are runs without an interpreter: each is made in both places. `keep` are packages
    that pip may not move. What would break is attempted `repeats` times before it counts.
    """

    python: Path
    packages: tuple[str, ...]
    requests: tuple[Request, ...]
    keep: Mapping[str, str] = field(default_factory=dict)
    repeats: int = 2


@dataclass(frozen=True, slots=True)
class Effected:
    """Show one cell before and after; either is None where the other alone could be planned."""

    effect: Effect
    before: CellAnswer | None
    after: CellAnswer | None
    attempts_after: int = 1

    @property
    def cell(self) -> CellAnswer:
        """The cell after the upgrade, else before it."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def reason_changed(self) -> bool:
        """Whether a failure stays one for another reason."""
        if self.before is None or self.after is None:
            return False
        codes = [cell.diagnosis and cell.diagnosis.code for cell in (self.before, self.after)]
        return self.effect == "fails" and codes[0] != codes[1]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Give the answer: what pip moved, and each cell's effect, what breaks first.

    `silent` counts cells that neither place could attempt, as those of libraries not installed.
    """

    python: str
    packages: tuple[str, ...]
    moved: dict[str, tuple[str | None, str | None]]
    cells: tuple[Effected, ...]
    silent: int

    @property
    def breaks(self) -> tuple[Effected, ...]:
        """The cells that worked and would not."""
        return tuple(each for each in self.cells if each.effect == "breaks")


class Watcher(watcher.Watcher, Protocol):
    """Be told what a run tells, and what happens to the copy."""

    def copying(self, root: Path) -> None:
        """The environment is being copied."""

    def upgraded(self, moved: Mapping[str, tuple[str | None, str | None]]) -> None:
        """The upgrade stands in the copy."""

    def place(self, name: str) -> None:
        """The models are now attempted before, or after, the upgrade."""


def upgrade(asked: Plan, settings: Settings, watcher: Watcher) -> Upgrade:
    """Attempt the models in an environment and in a copy of it with the upgrade; compare.

    Raises `EnvironmentBuildError` when pip says that the upgrade cannot be installed,
    `BadInputError` where the interpreter is in no virtual environment, `DiskFullError`.
    """
    before = probe(asked.python)
    root = copies.root_of(before.python)
    folder = settings.envs / COPIES
    copies.sweep(folder)
    watcher.copying(root)
    with copies.copied(root, folder, share=False) as copy:
        after = copies.install(
            copy,
            asked.packages,
            asked.keep,
            lambda line: watcher.building("the copy", line),
            name="copy with the upgrade",
        )
        moved = copies.moved(before, after)
        watcher.upgraded(moved)
        watcher.place("before")
        old = _cells(asked.requests, before, settings, watcher, "before")
        watcher.place("after")
        new = _cells(asked.requests, after, settings, watcher, "after")
        effects = [_effect(old.get(key), new.get(key)) for key in dict.fromkeys((*old, *new))]
        sure = _repeated(effects, asked, after, settings, watcher)
    kept = [each for each in sure if not _silent(each)]
    order = ("breaks", "flaky", "fixed", "fails", "no answer", "works")
    kept.sort(key=lambda each: order.index(each.effect))
    return Upgrade(str(asked.python), asked.packages, moved, tuple(kept), len(sure) - len(kept))


def _cells(
    requests: Sequence[Request],
    interpreter: Interpreter,
    settings: Settings,
    watcher: Watcher,
    when: str,
) -> dict[tuple[object, ...], CellAnswer]:
    """Run the requests in one interpreter; return the cells by what does not depend on it."""
    found: dict[tuple[object, ...], CellAnswer] = {}
    for request in requests:
        command = f"upgrade, {when}"
        own = replace(request, python=interpreter.python, command=command)
        result = workflow.attempt(own, settings, watcher)
        with open_store(settings) as store:
            for cell in questions.matrix(store, run=result.run_id, exports=True):
                found[_key(cell)] = cell
    return found


def _key(cell: CellAnswer) -> tuple[object, ...]:
    return (cell.handle.partition("@")[0], cell.format, cell.loader, cell.framework, cell.device,
            cell.recipe_hash, cell.kind, cell.export_format)  # fmt: skip


def _effect(before: CellAnswer | None, after: CellAnswer | None) -> Effected:
    """Compare one cell: what passed and does not breaks, unless either end says nothing."""
    if before is None or after is None or before.outcome in _SILENT or after.outcome in _SILENT:
        missing = (
            before is not None
            and before.outcome == "passed"
            and after is not None
            and after.outcome == "not_installed"
        )
        return Effected("breaks" if missing else "no answer", before, after)
    was, becomes = before.outcome == "passed", after.outcome == "passed"
    if was and becomes:
        return Effected("works", before, after)
    if was:
        return Effected("breaks", before, after)
    return Effected("fixed" if becomes else "fails", before, after)


def _silent(one: Effected) -> bool:
    """Whether neither place could attempt a cell at all, for want of its library."""
    ends = [cell for cell in (one.before, one.after) if cell is not None]
    return all(cell.outcome == "not_installed" for cell in ends)


def _repeated(
    effects: Sequence[Effected],
    asked: Plan,
    after: Interpreter,
    settings: Settings,
    watcher: Watcher,
) -> list[Effected]:
    """Attempt again what would break; what then passes is flaky, and breaks nothing for sure."""
    sure = list(effects)
    for _ in range(asked.repeats - 1):
        broken = {_key(each.cell) for each in sure if each.effect == "breaks"}
        if not broken:
            break
        again = _cells(_narrowed(asked.requests, sure), after, settings, watcher, "after, again")
        for at, each in enumerate(sure):
            key = _key(each.cell)
            if key in broken and key in again:
                passed = again[key].outcome == "passed"
                sure[at] = Effected(
                    "flaky" if passed else "breaks",
                    each.before,
                    again[key],
                    each.attempts_after + 1,
                )
    return sure


def _narrowed(requests: Sequence[Request], effects: Sequence[Effected]) -> list[Request]:
    """Return the requests that can repeat what breaks, each narrowed to loader and framework."""
    found: dict[tuple[int, str, str], Request] = {}
    for each in effects:
        if each.effect == "breaks":
            for at, request in enumerate(requests):
                wish = request.wish
                if wish.loader in (None, each.cell.loader) and wish.framework in (
                    None,
                    each.cell.framework,
                ):
                    narrow = replace(wish, loader=each.cell.loader, framework=each.cell.framework)
                    named = (at, each.cell.loader, each.cell.framework)
                    found[named] = replace(request, wish=narrow)
    return list(found.values())
