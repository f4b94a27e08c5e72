"""What is bisected, and the environment that candidates are copied from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from caniload.errors import BadInputError
from caniload.loaders.fetch import fetch
from caniload.loaders.spec import LoaderSpec
from caniload.records import FetchedArtefact
from caniload.runs import copies, environments, targets
from caniload.runs.interpreters import Interpreter, probe
from caniload.runs.plan import Trial, Wish
from caniload.settings import Settings


@dataclass(frozen=True, slots=True)
class Question:
    """Hold what a bisection is asked.

    `beside` are requirements that are installed with every candidate. `environment` or `python`
    is the base that candidates are copied from; without either it is the environment that the
    model's own plan names. `good` and `bad` bound the search, the installed version and the
    newest if they are None. `repeats` is how often each side of a change is to be measured.
    With `fresh` the store's answers are not used.
    """

    target: str
    package: str
    loader: str | None = None
    framework: str | None = None
    good: str | None = None
    bad: str | None = None
    beside: tuple[str, ...] = ()
    environment: str | None = None
    python: Path | None = None
    device: str = "cpu"
    allow_code: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    prereleases: bool = False
    repeats: int = 2
    fresh: bool = False
    timeout_seconds: float = 600.0
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """The environment that candidates are copied from; `own` is the user's."""

    name: str
    root: Path
    interpreter: Interpreter
    own: bool
    patches: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


def base_of(
    question: Question,
    wish: Wish,
    specs: Mapping[str, LoaderSpec],
    settings: Settings,
    on_line: Callable[[str, str], None],
    held: ExitStack,
) -> Base:
    """Ready the environment that candidates are copied from, and hold it.

    Before one is built the question is read, so that a wrong one costs nothing.
    """
    if question.python is not None:
        interpreter = probe(question.python)
        return Base("python", copies.root_of(interpreter.python), interpreter, own=True)
    name = question.environment
    if name is None:
        found = targets.read([question.target], _ask(question, wish, specs, settings, None))
        name = _one(question, found.trials).environment
        assert name is not None, "a trial without an interpreter of the user's names one of ours"
    spec = environments.spec(name, settings)
    python = held.enter_context(environments.use(spec, settings, lambda line: on_line(name, line)))
    return Base(name, copies.root_of(python), probe(python), False, spec.patches, spec.variables)


def _ask(
    question: Question,
    wish: Wish,
    specs: Mapping[str, LoaderSpec],
    settings: Settings,
    installed: Mapping[str, str] | None,
) -> targets.Ask:
    """Say how targets are read: what only its content can tell is fetched."""
    return targets.Ask(settings, specs, wish, lambda handle: fetch(handle, settings), installed)


def trial_of(
    question: Question,
    wish: Wish,
    specs: Mapping[str, LoaderSpec],
    settings: Settings,
    base: Base,
) -> tuple[Trial, FetchedArtefact]:
    """Return the one trial that is bisected, and its files; the library's default call first.

    Raises `BadInputError` where the question leaves several open.
    """
    asked = _ask(question, wish, specs, settings, base.interpreter.distributions)
    found = targets.read([question.target], asked)
    trial = _one(question, found.trials)
    known = found.artefacts.get(trial.handle)
    if isinstance(known, FetchedArtefact):
        return trial, known
    return trial, fetch(trial.handle, settings, sha256=trial.sha256)


def _one(question: Question, trials: Iterable[Trial]) -> Trial:
    """Return the trial that a question means; raises `BadInputError` where it means several."""
    each: dict[tuple[str, str, str, str], Trial] = {}
    for t in trials:
        if t.parent is None and t.export_format is None:
            each.setdefault((str(t.handle), t.loader, t.framework, t.recipe.hash), t)
    chosen = [t for t in each.values() if dict(t.recipe.options) == dict(question.options)]
    if len(chosen) != 1:
        of_one = len({t.handle for t in each.values()}) == 1
        several = {
            f"--loader {t.loader} --framework {t.framework}" + ("" if of_one else f" ({t.handle})")
            for t in each.values()
        }
        raise BadInputError(
            f"{question.target} leaves {len(chosen)} things to bisect open",
            f"name one: {'; '.join(sorted(several))}",
        )
    return chosen[0]
