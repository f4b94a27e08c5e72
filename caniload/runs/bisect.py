"""Find the release of a package at which a model's outcome changes, each try a real attempt.

A candidate is a copy of one base environment in which pip moved the package, the loader's other
decisive packages held still. What the store knows of a candidate's cell is taken from it, so
that a search that was cut off goes on where it stopped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version
from pydantic import ValidationError

from caniload import __version__
from caniload.catalog import history
from caniload.catalog.releases import FOLDER
from caniload.catalog.store import open_store
from caniload.errors import BadInputError, EnvironmentBuildError
from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import load_specs
from caniload.records import Cell, FetchedArtefact, Observation, digest, utcnow
from caniload.runs import controls, copies, plan, registry
from caniload.runs.bisect_subject import Base, Question, base_of, trial_of
from caniload.runs.bisection import Bisection, Change, Try, search, told
from caniload.runs.executor import Executor
from caniload.runs.here import canonical
from caniload.runs.interpreters import Interpreter
from caniload.runs.job import Job
from caniload.runs.making import Limits, Spot, job_of
from caniload.runs.plan import Trial, Wish
from caniload.runs.redact import Redactor
from caniload.settings import Settings
from caniload.words import COPY_OF

COPIES = ".copies"
"""Where copies stand, below the environments, so that links between the two are possible."""


class Watcher(Protocol):
    """Be told what happens."""

    def building(self, name: str, line: str) -> None:
        """An environment is being built, or pip works in a copy; pip's own lines."""

    def asked(self, package: str, listed: Sequence[str]) -> None:
        """The registry's list between the two ends is known."""

    def trying(self, version: str, again: bool) -> None:
        """A version is about to be installed and attempted."""

    def tried(self, one: Try, known: bool) -> None:
        """A version ended, or it was known."""

    def on_event(self, cell: Cell, event: Mapping[str, object]) -> None:
        """A worker reported an event."""

    def on_settled(self, cell: Cell, observation: Observation) -> None:
        """A cell ended."""


def bisect(question: Question, settings: Settings, watcher: Watcher) -> tuple[Bisection, Path]:
    """Search to the end and return the record and the file that holds it.

    After every try the record is on disk: called again, the search goes on. Raises an input
    error for what cannot be asked, `RegistryError` where the registry does not answer.
    """
    specs = load_specs()
    wish = Wish(
        question.framework,
        question.loader,
        allow_code=question.allow_code,
        options=question.options,
    )
    plan.check_names(wish, specs)
    if question.environment is not None and question.python is not None:
        raise BadInputError("--env and --python exclude each other", "give one of them")
    _pins(question.beside)
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", question.package):
        raise BadInputError(f"{question.package!r} is no package's name", "write transformers")
    for end in (question.good, question.bad):
        _parsed(end or "0")
    with ExitStack() as held:
        base = base_of(question, wish, specs, settings, watcher.building, held)
        trial, artefact = trial_of(question, wish, specs, settings, base)
        copies.sweep(settings.envs / COPIES)
        hunt = _Hunt(question, settings, watcher, base, trial, artefact, specs[trial.loader])
        return hunt.go()


class _Hunt:
    """Carry one search: what is known so far, and how to learn of one version more."""

    def __init__(
        self,
        question: Question,
        settings: Settings,
        watcher: Watcher,
        base: Base,
        trial: Trial,
        artefact: FetchedArtefact,
        spec: LoaderSpec,
    ) -> None:
        """Work out what stays the same, and take up an earlier record of the same question."""
        self.question, self.settings, self.watcher = question, settings, watcher
        self.base, self.trial, self.artefact, self.spec = base, trial, artefact, spec
        self.package = canonical(question.package)
        self.limits = Limits(question.device, question.timeout_seconds, question.memory_bytes)
        names = spec.decisive[trial.framework]
        pinned = {canonical(Requirement(line).name) for line in question.beside}
        have = base.interpreter.distributions
        self.keep = {
            canonical(name): have[canonical(name)]
            for name in names
            if canonical(name) in have and canonical(name) not in {self.package, *pinned}
        }
        self.template = job_of(trial, artefact, self._spot(base.interpreter), spec, self.limits)
        self.tries: dict[str, Try] = {}
        self.listed: tuple[str, ...] = ()
        self.changes: tuple[Change, ...] = ()
        self.made = 0
        self.started_at = utcnow()
        self.path = self._path()
        earlier = None if question.fresh else self._earlier()
        tries = () if earlier is None else earlier.tries
        self.impossible = {one.version: one for one in tries if one.state == "uninstallable"}
        self.controls = {one.version: one.controls for one in tries}
        if earlier is not None and not earlier.complete:
            self.started_at, self.made = earlier.started_at, earlier.attempts_made

    def go(self) -> tuple[Bisection, Path]:
        """Find the ends, search between them, and repeat both sides of each change."""
        everything = self._releases()
        low, high = self._ends(everything)
        self.listed = everything[low : high + 1]
        self.watcher.asked(self.package, self.listed)
        found = search(self.listed, self.attempt)
        self.changes = tuple(found)
        self._save(complete=False)
        self.changes = tuple(self._sure(change) for change in found)
        return self._save(complete=True), self.path

    def attempt(self, version: str) -> Try:
        """Return what is known of a version, measuring it if nothing is."""
        if version not in self.tries:
            known = None if self.question.fresh else self._known(version)
            if known is None and version in self.impossible:
                known = self.impossible[version]
            self._note(known or self._measure(version), known=known is not None)
        return self.tries[version]

    def _note(self, one: Try, *, known: bool = False) -> None:
        """Keep a try, on disk too; `known` is one that nothing was measured for now."""
        self.tries[one.version] = one
        self._save(complete=False)
        self.watcher.tried(one, known)

    def _known(self, version: str) -> Try | None:
        """Return what the store says of the cell that a candidate would be, if anything."""
        with open_store(self.settings) as store:
            seen = history.of_cell(store, self._cell(version).id, self.package, version)
        if not seen:
            return None
        ours = seen[0].measured_at >= self.started_at  # before this search was cut off
        return self._try(version, "measured" if ours else "known", seen)

    def _cell(self, version: str) -> Cell:
        """Return the cell of a candidate, if pip moves no other decisive package."""
        wanted = {self.package: version} | _pins(self.question.beside)
        record = self.template.environment
        decisive = {name: wanted.get(canonical(name), had) for name, had in record.decisive.items()}
        key = record.model_copy(update={"decisive": decisive}).key
        return self.template.cell.model_copy(update={"environment_key": key})

    def _measure(self, version: str, *, again: bool = False) -> Try:
        """Install a version into a copy of the base and attempt the model there."""
        self.watcher.trying(version, again)
        folder = self.settings.envs / COPIES
        requirements = (f"{self.question.package}=={version}", *self.question.beside)
        with copies.copied(self.base.root, folder, share=not self.base.own) as copy:
            try:
                there = copies.install(
                    copy,
                    requirements,
                    self.keep,
                    lambda line: self.watcher.building(f"{self.package} {version}", line),
                    name=f"{self.package} {version}",
                )
            except EnvironmentBuildError as error:
                why = self._redacted(error.tail, copy.root)
                return Try(version=version, state="uninstallable", result="uninstallable", why=why)
            job = job_of(self.trial, self.artefact, self._spot(there), self.spec, self.limits)
            executor = Executor(self.settings, self.watcher.on_event, self.watcher.on_settled)
            beside = self._controls(there) if again else []
            result = executor.run([job, *beside], command=f"bisect {self.package}=={version}")
            self.made += 1
        with open_store(self.settings) as store:
            seen = history.of_cell(store, job.cell.id, self.package, version)
        one = self._try(version, "measured", seen)
        if not beside:
            return one
        good, why = controls.behaved(result.observations)
        self.controls[version] = "behaved" if good else why
        return one.model_copy(update={"controls": self.controls[version]})

    def _controls(self, there: Interpreter) -> list[Job]:
        """Return the control jobs of a candidate: what is known to pass, and to fail."""
        return controls.control_jobs(
            self._spot(there).name,
            there,
            self.settings,
            {(self.trial.loader, self.trial.framework)},
            patches=self.base.patches,
            variables=self.base.variables,
            device=self.question.device,
        )

    def _try(self, version: str, state: str, seen: Sequence[history.Seen]) -> Try:
        """Sum up the observations of a version."""
        if not seen:
            return Try(
                version=version, state="measured", result=history.NO_ANSWER, why="our own fault"
            )
        latest, point = seen[0], history.point(version, seen)
        before = self.base.interpreter.distributions
        return Try(
            version=version,
            state="known" if state == "known" else "measured",
            result=point.result,
            reason=point.reason,
            title=point.title,
            outcome=latest.outcome,
            stage=latest.stage,
            exception_type=latest.exception_type,
            exception_message=latest.exception_message,
            observations=point.observations,
            agreeing=point.agreeing,
            disagreeing=point.disagreeing,
            moved={
                name: (before.get(name), latest.lock.get(name))
                for name in sorted({*before, *latest.lock})
                if before.get(name) != latest.lock.get(name)
            },
            lock=dict(latest.lock),
            controls=self.controls.get(version, ""),
        )

    def _sure(self, change: Change) -> Change:
        """Measure both sides of a change until each was as often as asked; say how it went."""
        for version in (change.before, change.after):
            while self.tries[version].agreeing < self.question.repeats:
                if self.tries[version].disagreeing:
                    break
                self._note(self._measure(version, again=True))
        before, after = self.tries[change.before], self.tries[change.after]
        return change.model_copy(
            update={
                "was": told(before),
                "became": told(after),
                "repeats": (before.agreeing, after.agreeing),
                "contradicted": bool(before.disagreeing or after.disagreeing),
                "controls": (before.controls, after.controls),
            }
        )

    def _releases(self) -> tuple[str, ...]:
        """Ask the registry for the versions that the base's interpreter could be given."""
        ends = [end for end in (self.question.good, self.question.bad) if end is not None]
        pre = self.question.prereleases or any(_parsed(end).is_prerelease for end in ends)
        python = self.base.interpreter
        return registry.releases(
            self.question.package,
            python.python,
            python.distributions,
            prereleases=pre,
            on_line=lambda line: self.watcher.building(self.package, line),
        )

    def _ends(self, listed: tuple[str, ...]) -> tuple[int, int]:
        """Return where in the list the search begins and ends; raises `BadInputError`.

        Without a good version it is the installed one, if that works, else the nearest older one
        that does, sought in steps that double.
        """
        good = None if self.question.good is None else _index(listed, self.question.good)
        bad = None if self.question.bad is None else _index(listed, self.question.bad)
        installed = self.base.interpreter.distributions.get(self.package)
        have = listed.index(installed) if installed in listed else None
        if good is None:
            upper = len(listed) - 1 if bad is None else bad
            usable = have is not None and have < upper
            if have is not None and usable and self.attempt(listed[have]).result == "works":
                good = have
            else:
                upper = have if have is not None and bad is None else upper
                bad, good = upper, self._older(listed, upper)
        bad = len(listed) - 1 if bad is None else bad
        return min(good, bad), max(good, bad)

    def _older(self, listed: Sequence[str], upper: int) -> int:
        """Return the nearest version below that works, by steps that double; the oldest if none."""
        at, step = upper - 1, 1
        while at > 0 and self.attempt(listed[at]).result != "works":
            at, step = at - step, step * 2
        return max(at, 0)

    def _spot(self, interpreter: Interpreter) -> Spot:
        """Name the place of an attempt: a copy is not its base."""
        base = self.base
        return Spot(f"{COPY_OF}{base.name}", interpreter, base.patches, None, base.variables)

    def _path(self) -> Path:
        """Where the record lies: one file a question and base."""
        cell = self.template.cell
        key = digest(
            [
                self.template.cell.id,
                self.package,
                sorted(self.question.beside),
                self.base.interpreter.distributions,
            ]
        )[:8]
        subject = cell.model or Path(cell.source.partition(":")[2]).name
        name = re.sub(r"[^a-z0-9.]+", "-", f"{subject}-{cell.framework}-{self.package}".lower())
        return self.settings.home / FOLDER / f"{name}-{key}.json"

    def _earlier(self) -> Bisection | None:
        """Return the record of an earlier search for the same, finished or cut off."""
        try:
            return Bisection.model_validate_json(self.path.read_bytes())
        except (OSError, ValidationError):
            return None

    def _save(self, *, complete: bool) -> Bisection:
        """Write the record, whole or not at all."""
        cell, python = self.template.cell, self.base.interpreter
        order = {version: at for at, version in enumerate(registry.in_order(self.tries))}
        record = Bisection(
            model=cell.model,
            handle=cell.handle,
            loader=cell.loader,
            framework=cell.framework,
            device=cell.device,
            recipe_hash=cell.recipe.hash,
            recipe=cell.recipe.model_dump(mode="json"),
            package=self.package,
            beside=self.question.beside,
            base=self.base.name,
            base_lock=python.distributions,
            kept=self.keep,
            python=python.version,
            platform=python.platform,
            listed=self.listed,
            tries=tuple(sorted(self.tries.values(), key=lambda one: order[one.version])),
            changes=self.changes,
            complete=complete,
            caniload_version=__version__,
            started_at=self.started_at,
            finished_at=utcnow() if complete else None,
            attempts_made=self.made,
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".new")
        temporary.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
        temporary.replace(self.path)
        return record

    def _redacted(self, text: str, copy: Path) -> str:
        """Take what must not be stored out of pip's words: paths, names, addresses."""
        redactor = Redactor({"copy": [copy], "envs": [self.settings.envs]})
        return re.sub(r"\b(?:https?|file)://\S+", "<address>", redactor.text(text))


def _index(listed: Sequence[str], version: str) -> int:
    """Find a version in the registry's list; raises `BadInputError` with its neighbours."""
    wanted = _parsed(version)
    parsed = [_parsed(each) for each in listed]
    if wanted in parsed:
        return parsed.index(wanted)
    below = [text for text, each in zip(listed, parsed, strict=True) if each < wanted]
    above = [text for text, each in zip(listed, parsed, strict=True) if each > wanted]
    near = " and ".join([*below[-1:], *above[:1]])
    raise BadInputError(
        f"the registry offers no {version} for this interpreter",
        f"it is missing, yanked, or for another Python; nearest: {near or 'none'}",
    )


def _parsed(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion as error:
        raise BadInputError(f"{version!r} is no version", "write one as 4.49.0") from error


def _pins(requirements: Sequence[str]) -> dict[str, str]:
    """Return the versions that requirements pin exactly; raises `BadInputError`."""
    found = {}
    for line in requirements:
        try:
            parsed = Requirement(line)
        except InvalidRequirement as error:
            raise BadInputError(
                f"{line!r} is no requirement", "write tensorflow==2.18.0"
            ) from error
        for each in parsed.specifier:
            if each.operator == "==" and "*" not in each.version:
                found[canonical(parsed.name)] = each.version
    return found
