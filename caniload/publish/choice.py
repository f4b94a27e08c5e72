"""A choice of framework as text and as Markdown: what is there, missing, archived and unknown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from caniload.catalog.choose_lines import PARTS, Choice, Evidence, GivenUp, Line, Side
from caniload.publish.markdown import escape
from caniload.words import FRAMEWORK_NAMES

SHOWN = 6
"""So many lines of a subject stand in one part of the text; JSON has them all."""


def text(choice: Choice, columns: int) -> str:
    """Return the answer for a person: the table, then each side's lines, then what is given up."""
    parts = [_wrapped(question(choice), columns), _table(choice)]
    for side in choice.sides:
        parts += list(_side(side, columns))
    parts.append("\n".join(_given_up(choice, columns)))
    return "\n\n".join(parts)


def markdown(choice: Choice) -> str:
    """Return the answer as a section of a page; every line names its evidence."""
    names = [FRAMEWORK_NAMES[name] for name in choice.frameworks]
    lines = [question(choice), "", _row(["", *names]), "|" + " --- |" * (len(names) + 1)]
    lines += [
        _row([subject, *(side.best(topic, subject).state for side in choice.sides)])
        for topic, subject in choice.subjects()
    ]
    for side in choice.sides:
        lines += ["", f"### {FRAMEWORK_NAMES[side.framework]}"]
        for part in PARTS:
            found = side.of(part)
            if found:
                head = ["for", "state", "what", "evidence"]
                lines += ["", f"{part}:", "", _row(head), "|" + " --- |" * len(head)]
                for line in found:
                    cited = cites(line.evidence) or "none"
                    lines.append(_row([line.subject, line.state, line.says, cited]))
    lines += ["", "### Given up, as far as is known", ""]
    for side in choice.sides:
        lost = [each for each in choice.given_up if each.framework == side.framework]
        name = FRAMEWORK_NAMES[side.framework]
        lines += [f"- by choosing {name}: {_lost(each)}" for each in lost]
        if not lost:
            lines.append(f"- by choosing {name}: nothing that is known of another")
    return "\n".join(lines)


def question(choice: Choice) -> str:
    """Return what was asked, in a line."""
    names = [FRAMEWORK_NAMES[name] for name in choice.frameworks]
    between = " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    asked = (
        ("models", choice.models),
        ("datasets", choice.datasets),
        ("deploy", choice.deploy),
        ("languages", choice.languages),
        ("needs", choice.needs),
    )
    return f"{between} for " + "; ".join(f"{key} {', '.join(w)}" for key, w in asked if w)


def cites(evidence: Sequence[Evidence], limit: int = 2) -> str:
    """Name the evidence of a line: observations by id, pages by address, with the day."""
    named = [_cite(each) for each in evidence[:limit]]
    rest = len(evidence) - limit
    return "; ".join([*named, f"and {rest} more"] if rest > 0 else named)


def _cite(evidence: Evidence) -> str:
    if evidence.kind == "observation":
        return f"observation {evidence.id}, measured {evidence.day}"
    day = f", read {evidence.day}" if evidence.day else ""
    return f"{evidence.page or evidence.id}{day}"


def _table(choice: Choice) -> str:
    """Return the best state of each subject and framework."""
    rows = [["", *(FRAMEWORK_NAMES[name] for name in choice.frameworks)]]
    rows += [
        [subject, *(side.best(topic, subject).state for side in choice.sides)]
        for topic, subject in choice.subjects()
    ]
    sizes = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)).rstrip()
        for row in rows
    )


def _side(side: Side, columns: int) -> Iterable[str]:
    """Yield one framework's lines, a paragraph a part."""
    yield FRAMEWORK_NAMES[side.framework]
    for part in PARTS:
        found = side.of(part)
        if not found:
            continue
        lines = [f"  {part}"]
        for subject in dict.fromkeys(line.subject for line in found):
            ours = [line for line in found if line.subject == subject]
            lines.append(f"    {subject}")
            for line in ours[:SHOWN]:
                lines += _line(line, columns)
            if len(ours) > SHOWN:
                lines.append(f"      and {len(ours) - SHOWN} more; --format json has them")
        yield "\n".join(lines)


def _line(line: Line, columns: int) -> list[str]:
    """Return one line and, under it, what it rests on."""
    state = "" if line.part == line.state else f"{line.state}: "
    made = [_wrapped(f"      {state}{line.says}", columns, "        ")]
    if line.evidence:
        made.append(f"        [{cites(line.evidence, 1)}]")
    return made


def _given_up(choice: Choice, columns: int) -> Iterable[str]:
    """Yield what each framework lacks, as far as is known, that another has."""
    yield "given up, as far as is known, by choosing"
    for side in choice.sides:
        lost = [each for each in choice.given_up if each.framework == side.framework]
        name = FRAMEWORK_NAMES[side.framework]
        if not lost:
            yield f"  {name}: nothing that is known of another"
        for each in lost:
            yield _wrapped(f"  {name}: {_lost(each)}", columns, "    ")


def _lost(lost: GivenUp) -> str:
    """Say what is had elsewhere and how it stands here."""
    there = ", ".join(
        f"{line.state} in {FRAMEWORK_NAMES[line.framework]}"
        + (f" ({line.via})" if line.via else "")
        for line in lost.there
    )
    return f"{lost.subject}: {lost.here.state} here; {there}"


def _wrapped(words: str, columns: int, indent: str = "") -> str:
    """Break a text into lines; addresses and handles stay whole."""
    return "\n".join(
        textwrap.wrap(
            words,
            columns,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"
