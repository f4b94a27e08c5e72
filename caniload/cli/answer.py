"""The text of one answer: the verdict, what it rests on, why not, and what to do."""

from __future__ import annotations

from datetime import date

from caniload.catalog.answers import Answer, CellAnswer
from caniload.cli.dates import today
from caniload.cli.matrix import coloured
from caniload.publish import wording
from caniload.publish.checked import Shown, Way
from caniload.words import Verdict

_OTHERS = 8


def human(shown: Shown, now: date | None = None) -> str:
    """Return the answer in lines, the verdict in the first."""
    answer, day = shown.answer, now or today()
    parts = [headline(answer, day)]
    if answer.best is not None:
        parts.append(_facts(answer, answer.best))
    if answer.verdict not in (Verdict.WORKS, Verdict.UNKNOWN, Verdict.CLAIMED):
        parts.append(_why(answer))
    if answer.best is None or answer.verdict in (Verdict.UNKNOWN, Verdict.CLAIMED):
        parts.append(_nearest(answer, day))
    if shown.way is not None:
        parts.append(_way(shown.way))
    if answer.verdict is not Verdict.WORKS:
        parts.append(_elsewhere(answer, shown.other, day))
    parts.append(_others(answer))
    return "\n\n".join(part for part in parts if part)


def headline(answer: Answer, day: date) -> str:
    """Return the first line: the verdict, who, where, when."""
    word, best = coloured(answer.verdict), answer.best
    if best is None or answer.verdict is Verdict.UNKNOWN:
        if answer.here is not None:
            return f"{word} here: {_unmeasured_here(answer)}"
        if best is not None and best.measured_at is not None:
            return f"{word}: {wording.reason(best)}: {_who(best)}, {wording.measured(best, day)}"
        return f"{word}: nothing was measured for {answer.name}{_asked(answer)}"
    if answer.verdict is Verdict.CLAIMED:
        return f"{word}: {wording.reason(best)}"
    if answer.inferred:
        return f"{word} (inferred, {best.note}): {_who(best)}, {wording.measured(best, day)}"
    fault = f" ({best.fault})" if answer.verdict is Verdict.BLOCKED and best.fault else ""
    number = ""
    if answer.verdict is Verdict.DIFFERS:
        number = f" by {wording.distance(best)}"
    return f"{word}{fault}{number}: {_who(best)}, {wording.measured(best, day)}"


def _who(cell: CellAnswer) -> str:
    """Who loads it, in what, on what."""
    return f"{wording.loader(cell)}, {wording.framework(cell)}, {cell.device}"


def _asked(answer: Answer) -> str:
    """What the question was limited to."""
    limits = (answer.loader, answer.framework, answer.device, answer.environment)
    words = ", ".join(word for word in limits if word)
    return f" ({words})" if words else ""


def _unmeasured_here(answer: Answer) -> str:
    """Why the interpreter here has no evidence of its own."""
    assert answer.here is not None
    where = f"Python {answer.here.python_minor} at {answer.here.python}"
    if answer.missing:
        return f"{where} lacks {', '.join(answer.missing)}"
    return f"nothing was measured with the versions of {where}{_asked(answer)}"


def _facts(answer: Answer, cell: CellAnswer) -> str:
    """What the verdict rests on."""
    rows = [("model", f"{answer.name} ({answer.model})" if cell.model else answer.name)]
    rows.append(("artefact", cell.handle))
    if cell.parent_observation is not None:
        made = f"by {cell.parent_observation}; caniload run {answer.model} exports it again"
        rows.append(("exported", made))
    if cell.measured_at is not None:
        agreement = wording.distance(cell)
        if cell.relative_rms is not None and cell.tolerance is not None and not cell.is_reference:
            agreement += f"; at most {wording.number(cell.tolerance)} is agreement"
        if cell.unreferenced:
            agreement = "unreferenced: it passed, and there is nothing to compare it with"
        rows.append(("agreement", agreement))
        place = (cell.environment, f"Python {cell.python_minor}", cell.platform)
        rows.append(("environment", ", ".join(word for word in place if word)))
        rows.append(("versions", wording.versions(cell)))
        rows.append(("patched", "; ".join(cell.patches)))
        evidence = f"{cell.observation_id}, measured by {wording.observer(cell)}"
        rows.append(("evidence", evidence))
    return "\n".join(f"  {name:<12} {text}" for name, text in rows if text)


def _why(answer: Answer) -> str:
    """Why the answer is not a plain yes, since when, and what mends it."""
    cell = answer.best
    if cell is None or (cell.outcome == "passed" and not cell.note):
        return ""
    rows = [("why", wording.reason(cell))]
    found, since = cell.diagnosis, answer.bounds
    if found is not None:
        rows += [("cause", found.cause), ("fix", found.fix)]
        rows.append(("since", " ".join(word for word in (found.since,) if word)))
        rows.append(("until", found.until or ""))
    if since is not None:
        rows.append(("measured", f"{since.package} {since.works} works, {since.fails} fails"))
    rows.append(("log", f"caniload log {cell.observation_id}" if cell.observation_id else ""))
    return "\n".join(f"  {name:<12} {text}" for name, text in rows if text)


def _nearest(answer: Answer, day: date) -> str:
    """The closest evidence, and the command that would settle it."""
    lines = []
    if answer.nearest is not None:
        near = answer.nearest
        lines.append(f"nearest evidence: {wording.result(near)}")
        lines.append(f"  {_who(near)}, {wording.measured(near, day)}, {near.observation_id}")
        lines.append(f"  {wording.versions(near)}, Python {near.python_minor}, {near.platform}")
    command = answer.settle or f"caniload run {answer.model}"
    lines.append(f"find out with: {command}")
    if answer.uses:
        lines.append(f"it runs on the weights of: {', '.join(answer.uses)}")
    return "\n".join(lines)


def _way(way: Way) -> str:
    """What to paste."""
    parts = []
    if way.install:
        parts.append(f"install\n  {way.install}")
    if way.snippet:
        body = "\n".join(f"  {line}".rstrip() for line in way.snippet.rstrip().splitlines())
        parts.append(f"load it\n{body}")
    return "\n\n".join(parts)


def _elsewhere(answer: Answer, other: Way | None, day: date) -> str:
    """What does work, nearest first."""
    if not answer.elsewhere:
        return ""
    lines = ["what works"]
    for cell in answer.elsewhere:
        lines.append(f"  {_who(cell)}, {wording.measured(cell, day)}: {wording.versions(cell)}")
    text = "\n".join(lines)
    return f"{text}\n\n{_way(other)}" if other else text


def _others(answer: Answer) -> str:
    """The other cells of the question, one line each."""
    rest = [cell for cell in answer.cells if cell is not answer.best]
    claimed = [cell for cell in rest if cell.verdict is Verdict.CLAIMED]
    rest = [cell for cell in rest if cell.verdict is not Verdict.CLAIMED]
    parts = [_measured_too(answer, rest)] if rest else []
    if claimed and answer.verdict in (Verdict.CLAIMED, Verdict.UNKNOWN):
        who = {f"{cell.loader} in {wording.framework(cell)}": None for cell in claimed}
        parts.append(f"metadata claims, too\n  {', '.join(who)}")
    return "\n\n".join(parts)


def _measured_too(answer: Answer, rest: list[CellAnswer]) -> str:
    """The cells that were measured and did not decide."""
    lines = ["also"]
    for cell in rest[:_OTHERS]:
        who = ", ".join((wording.loader(cell), wording.framework(cell), cell.device or ""))
        lines.append(f"  {who.rstrip(', ')}: {wording.result(cell)}")
    if len(rest) > _OTHERS:
        lines.append(f"  and {len(rest) - _OTHERS} more: caniload show {answer.model}")
    return "\n".join(lines)
