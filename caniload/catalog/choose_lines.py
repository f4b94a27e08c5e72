"""What a choice of framework answers with: lines, each with the evidence that it rests on.

Frozen dataclasses of the standard library alone. Nothing is weighed: a line says what is there,
what is missing, what is archived and what nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from caniload.words import Verdict

Topic = Literal["model", "dataset", "deploy", "language", "need"]
State = Literal[
    "works", "differs", "flaky", "active", "maintenance", "claimed", "fails", "missing",
    "superseded", "archived", "blocked", "unknown",
]  # fmt: skip
Part = Literal["there", "missing", "archived", "unknown"]

PARTS: dict[Part, tuple[State, ...]] = {
    "there": ("works", "differs", "flaky", "active", "maintenance", "claimed"),
    "missing": ("fails", "missing"),
    "archived": ("superseded", "archived"),
    "unknown": ("blocked", "unknown"),
}
"""Which part of an answer a state belongs to, both in the order in which they are shown."""

STATES: tuple[State, ...] = tuple(state for states in PARTS.values() for state in states)
_PART_OF: dict[State, Part] = {state: part for part, states in PARTS.items() for state in states}

VERDICT_STATES: dict[Verdict, State] = {
    Verdict.WORKS: "works",
    Verdict.DIFFERS: "differs",
    Verdict.FLAKY: "flaky",
    Verdict.FAILS: "fails",
    Verdict.BLOCKED: "blocked",
    Verdict.CLAIMED: "claimed",
    Verdict.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Name what a line rests on.

    `observation`: `id` is the observation's, `day` when it was measured. Else `page` is the page
    or package that states it and `day` when that was read; `id` is the handle of a `claim`'s or
    an `import`'s source, or the id of the `tool`, `dataset` or `model` whose entry cites the page.
    A `catalogue` is one that was read whole: `id` is its name, `page` what was read of it.
    """

    kind: Literal["observation", "claim", "import", "catalogue", "tool", "dataset", "model"]
    id: str
    page: str | None
    day: date | None


@dataclass(frozen=True, slots=True)
class Line:
    """Say one thing of one framework: of which subject, through what, and by which evidence.

    A line without evidence is `unknown` and says what nobody knows.
    """

    topic: Topic
    subject: str
    framework: str
    via: str | None
    state: State
    says: str
    evidence: tuple[Evidence, ...] = ()

    @property
    def part(self) -> Part:
        """Which part of the answer it belongs to."""
        return _PART_OF[self.state]

    def rested(self) -> Line:
        """Return the line resting on evidence that can be looked at; without any it is unknown."""
        kept = tuple(e for e in self.evidence if e.kind == "observation" or e.page)
        if not kept and self.state != "unknown":
            return replace(self, state="unknown", says=f"{self.says} (by no page)", evidence=())
        return self if kept == self.evidence else replace(self, evidence=kept)


@dataclass(frozen=True, slots=True)
class Side:
    """Hold what is known of one framework, the lines in the order of the question."""

    framework: str
    lines: tuple[Line, ...]

    def of(self, part: Part) -> tuple[Line, ...]:
        """Return the lines of one part."""
        return tuple(line for line in self.lines if line.part == part)

    def best(self, topic: Topic, subject: str) -> Line:
        """Return the line of a subject that says the most for the framework."""
        found = [line for line in self.lines if (line.topic, line.subject) == (topic, subject)]
        return min(found, key=lambda line: STATES.index(line.state))


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Say what a framework lacks, as far as is known, that another one has."""

    framework: str
    topic: Topic
    subject: str
    here: Line
    there: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Answer "which framework for this project?": the question, both sides, what each gives up."""

    models: tuple[str, ...]
    datasets: tuple[str, ...]
    deploy: tuple[str, ...]
    languages: tuple[str, ...]
    needs: tuple[str, ...]
    frameworks: tuple[str, ...]
    sides: tuple[Side, ...]
    given_up: tuple[GivenUp, ...]

    def subjects(self) -> tuple[tuple[Topic, str], ...]:
        """Return what was asked, in order, as (topic, subject)."""
        return (
            *(("model", name) for name in self.models),
            *(("dataset", name) for name in self.datasets),
            *(("deploy", name) for name in self.deploy),
            *(("language", name) for name in self.languages),
            *(("need", name) for name in self.needs),
        )


def given_up(sides: Iterable[Side], subjects: Iterable[tuple[Topic, str]]) -> Iterable[GivenUp]:
    """Yield for each framework the subjects of which it has less than another.

    Less is: not there, as far as is known, where the other has it; or with other numbers
    (`differs`, `flaky`) where the other `works`. Measured and claimed are not weighed.
    """
    asked, known = tuple(subjects), tuple(sides)
    for side in known:
        for topic, subject in asked:
            here = side.best(topic, subject)
            others = [other.best(topic, subject) for other in known if other is not side]
            there = tuple(line for line in others if _more(line, here))
            if there:
                yield GivenUp(side.framework, topic, subject, here, there)


def _more(there: Line, here: Line) -> bool:
    """Tell whether one framework's best line has what another's lacks."""
    if here.part != "there":
        return there.part == "there"
    return there.state == "works" and here.state in ("differs", "flaky")
