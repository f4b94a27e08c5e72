"""Diagnose a failed attempt: from what was raised, signalled or logged to a named class.

Pure and stdlib only, because queries derive diagnoses of new evidence as they read it. The
rules are authored in `data/failures.yaml` (read by `failure_rules`) and travel as JSON with a
generation of the store. What no rule claims is undiagnosed: None, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from caniload.catalog.rule_model import RANKS, Match, Rule, Rules, rules_from_json
from caniload.words import Fault

__all__ = ["Diagnosis", "Failure", "Rules", "diagnose", "load_rules", "rules_from_json"]

_Text = tuple[float, str, str]
"""Depth, exception type, text."""

_LOG = -1
"""The depth of what only a log or a signal tells."""

_END = 8_000
"""Characters that are read at either end of a message."""

CARRIER = re.compile(r"^caniload\.|(?:^|\.)(?:CalledProcessError|ChildFailedError|SystemExit)$")
"""Exceptions that only carry the news that something failed, which the log may name."""

_QUOTED = re.compile(
    r"(?<![\w.'\"])((?:[A-Za-z_]\w*\.)*(?:[A-Z]\w*)?(?:Error|Exception|Interrupt|Conflict))"
    r"(?:: |\((?=['\"]))"
)
"""`Type: message` or `Type('message')` within a text."""

_PLACE = re.compile(r"\{([\w.-]+)(?:\|([^{}]*))?\}")


@dataclass(frozen=True, slots=True)
class Failure:
    """Hold what is known of a failure; everything may be missing.

    `exceptions` are (type with module, message, relation) from the outermost inward;
    `versions` maps distributions to versions. `signal` is the positive signal number.
    `frames` is the text of the tracebacks' frames, where there is one.
    """

    outcome: str | None = None
    stage: str | None = None
    exceptions: tuple[tuple[str, str, str], ...] = ()
    message: str = ""
    log_excerpt: str = ""
    loader: str | None = None
    framework: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    signal: int | None = None
    frames: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Name a class of failure, whose fault it is, why it happens and what to do.

    `since` and `until` are the version bounds of the class as its citations give them.
    """

    code: str
    title: str
    kind: str
    fault: Fault
    cause: str
    fix: str
    since: str | None
    until: str | None
    citations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Claim:
    """Keep one rule's claim: where it was found and what its pattern named."""

    rule: Rule
    depth: float
    groups: Mapping[str, str]


def load_rules(path: Path) -> Rules:
    """Read the authored rules; no file means no rules, so that everything is undiagnosed.

    Raises `CatalogueError` when the file does not satisfy its schema.
    """
    if not path.exists():
        return Rules()
    from caniload.catalog.failure_rules import read

    return read(path)


def diagnose(rules: Rules, failure: Failure) -> Diagnosis | None:
    """Return the class of a failure, or None when no rule claims it or two contradict.

    A specific claim wins over a general one, a general one over the log's or a signal's, any
    over a wrapper's; among equals the innermost exception wins, since what wraps it says less.
    """
    if failure.outcome == "passed":
        return None
    claims = _claims(rules, failure) or _claims(rules, _on_one_line(failure))
    beaten = {loser for claim in claims for loser in claim.rule.over}
    claims = [claim for claim in claims if claim.rule.id not in beaten]
    if not claims:
        return None
    best = min(_order(claim) for claim in claims)
    first = [claim for claim in claims if _order(claim) == best]
    if len(first) > 1:
        return None
    return _diagnosis(rules, first[0], failure)


def _claims(rules: Rules, failure: Failure) -> list[_Claim]:
    texts = tuple(_evidence(failure))
    whole = "\n".join(
        [failure.frames, failure.log_excerpt, f"loader: {failure.loader}"]
        + [text for depth, _, text in texts if depth != _LOG]
    )
    found = (_claim(rule, failure, texts, whole) for rule in rules.rules)
    return [claim for claim in found if claim is not None]


def _on_one_line(failure: Failure) -> Failure:
    """Undo the line breaks and escapes of a terminal or logger, which break any phrase."""
    return replace(
        failure,
        message=_flat(failure.message),
        exceptions=tuple((name, _flat(text), how) for name, text, how in failure.exceptions),
    )


def _flat(text: str) -> str:
    text = _ends(text).replace("\\n", " ").replace("\\'", "'").replace('\\"', '"')
    return " ".join(text.split())


def _order(claim: _Claim) -> tuple[bool, bool, int, float]:
    rank = RANKS.index(claim.rule.rank)
    return claim.rule.rank == "wrapper", claim.depth == _LOG, rank, -claim.depth


def _claim(rule: Rule, failure: Failure, texts: Iterable[_Text], whole: str) -> _Claim | None:
    """Find the deepest evidence for a rule; the message has depth 0, log and signals `_LOG`."""
    found: _Claim | None = None
    for match in rule.match:
        if not _applies(match, failure):
            continue
        if not all(literal in whole for literal in match.also):
            continue
        if not match.reads_text:
            found = found or _Claim(rule, _LOG, {})
            continue
        for depth, type_name, text in texts:
            if depth == _LOG and match.where != "log":
                continue
            if found is not None and depth <= found.depth:
                continue
            groups = _found(match, type_name, text)
            if groups is not None:
                found = _Claim(rule, depth, groups)
    return found


def _evidence(failure: Failure) -> Iterable[_Text]:
    """Yield what can be read, deepest first."""
    for index in range(len(failure.exceptions), 0, -1):
        type_name, message, _ = failure.exceptions[index - 1]
        yield from _quoted(index, message)
        yield index, type_name, _ends(message)
    if failure.message:
        yield from _quoted(0, failure.message)
        yield 0, "", _ends(failure.message)
    raised = any(not CARRIER.search(name) for name, _, _ in failure.exceptions)
    if failure.log_excerpt and not raised:
        yield _LOG, "", _ends(failure.log_excerpt)


def _quoted(depth: int, message: str) -> Iterable[_Text]:
    """Yield the exception that a wrapper wrote into its own message, half a step deeper."""
    text = _ends(message)
    found = list(_QUOTED.finditer(text))
    if found:
        yield depth + 0.5, found[-1].group(1), text[found[-1].end() :]


def _ends(text: str) -> str:
    """Keep both ends of a long text, so that no message makes the patterns slow."""
    return text if len(text) <= 2 * _END else f"{text[:_END]}\n{text[-_END:]}"


def _applies(match: Match, failure: Failure) -> bool:
    """Tell whether the conditions that do not read a text hold."""
    if match.outcome and failure.outcome not in match.outcome:
        return False
    if match.signal is not None and failure.signal != match.signal:
        return False
    for allowed, value in (
        (match.stage, failure.stage),
        (match.loader, failure.loader),
        (match.framework, failure.framework),
    ):
        if allowed and value is not None and value not in allowed:
            return False
    for name, bound in match.versions.items():
        version = _known(failure).get(name)
        if version is not None and not _within(version, bound):
            return False
    return True


def _found(match: Match, type_name: str, text: str) -> Mapping[str, str] | None:
    """Return the pattern's named groups when a text satisfies the match, else None."""
    if not all(literal in text for literal in match.contains):
        return None
    if match.type is not None and not _compiled(match.type).search(type_name):
        return None
    groups: Mapping[str, str] = {}
    if match.pattern is not None:
        hit = _compiled(match.pattern).search(text)
        if hit is None:
            return None
        groups = {name: value for name, value in hit.groupdict().items() if value}
    if match.unless is not None and _compiled(match.unless).search(text):
        return None
    return groups


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile on first need: most patterns are never reached past their literals."""
    return re.compile(pattern, re.MULTILINE)


def _within(version: str, bound: str) -> bool:
    """Compare release numbers with a bound such as ">=5" or "<2.6"."""
    ours, limit = _release(version), _release(bound)
    return ours >= limit if bound.startswith(">=") else ours < limit


def _known(failure: Failure) -> dict[str, str]:
    """The versions by normalised distribution name, as PEP 503 has it."""
    return {re.sub(r"[-_.]+", "-", name).lower(): v for name, v in failure.versions.items()}


def _release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: 5.23.0rc1 gives (5, 23, 0)."""
    found = re.search(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def _diagnosis(rules: Rules, claim: _Claim, failure: Failure) -> Diagnosis:
    rule = claim.rule
    known = {**_known(failure), **claim.groups}
    return Diagnosis(
        code=rule.id,
        title=rule.title,
        kind=rule.kind,
        fault=rules.kinds[rule.kind],
        cause=_fill(rule.cause, known),
        fix=_fill(rule.fix, known),
        since=rule.since,
        until=rule.until,
        citations=rule.citations,
    )


def _fill(text: str, known: Mapping[str, str]) -> str:
    """Fill `{name|otherwise}` from named groups and versions, one printable line each.

    `str.format` is not used: it would reach attributes of what it formats.
    """

    def value(place: re.Match[str]) -> str:
        given = known.get(place.group(1))
        words = "".join(c if c.isprintable() else " " for c in given or "").split()
        return " ".join(words)[:120] or (place.group(2) or "")

    return _PLACE.sub(value, text)
