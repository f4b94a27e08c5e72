"""One docs build: the answers, the clock and the limits that every embed in it is held to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from caniload.errors import BadInputError, UnknownNameError
from caniload.publish.embed.answers import Answers
from caniload.publish.embed.asking import Ask, Found, find
from caniload.publish.embed.source import answers
from caniload.publish.embed.strict import Finding, findings, today


@dataclass(frozen=True, slots=True)
class Build:
    """Hold what a build needs to answer embeds; `file` is None where the store answers."""

    file: Path | None
    answers: Answers
    now: date
    max_age_days: int | None

    def look(self, asked: Ask) -> tuple[Found | None, list[Finding]]:
        """Answer one embed and say what is wrong with it; an unknown model has no answer."""
        try:
            found = find(self.answers, asked)
        except UnknownNameError as error:
            return None, [Finding(asked.entry, "unknown", str(error))]
        return found, list(findings(found, self.now, self.max_age_days))


def start(file: Path | None, day: str | date | None, max_age_days: int | None) -> Build:
    """Begin a build; raise an error of caniload's on a file, a day or a limit that is none."""
    if max_age_days is not None and max_age_days < 0:
        raise BadInputError(f"a limit of {max_age_days} days is no limit", "write 90")
    return Build(file, answers(file), today(day), max_age_days)
