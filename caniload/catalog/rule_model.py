"""The failure rules as values: what a class is, in which forms it shows, how rules travel.

Standard library only: the query path reads them as JSON; `failure_rules` reads the YAML.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from caniload.words import Fault

RANKS = ("specific", "general", "wrapper")
"""How sure a rule's claim is; a better rank wins over a deeper exception."""


@dataclass(frozen=True, slots=True)
class Match:
    """State one form of evidence; every condition that is set must hold.

    `contains` are literal texts of one message, all of them; `pattern` is a regular expression
    searched in the same message, whose named groups fill the fix; `unless` must not be found
    there; `type` is searched in the exception's qualified name. `also` are literals found
    anywhere in the evidence, frames and a line `loader: NAME` included. `where` is "message"
    (exceptions and the outcome's message) or "log" (the log too, when nothing was raised).
    `stage`, `loader`, `framework` and `versions` (name to ">=5" or "<5") hold as well where the
    failure does not say; `outcome` and `signal` do not.
    """

    contains: tuple[str, ...] = ()
    pattern: str | None = None
    unless: str | None = None
    type: str | None = None
    also: tuple[str, ...] = ()
    where: str = "message"
    outcome: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    loader: tuple[str, ...] = ()
    framework: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    signal: int | None = None

    @property
    def reads_text(self) -> bool:
        """Tell whether a text decides, rather than only outcome or signal."""
        return bool(self.contains or self.pattern or self.type)


@dataclass(frozen=True, slots=True)
class Rule:
    """Describe one class of failure and the forms in which it shows (`match`, any of them).

    `over` names rules that yield when both claim one failure.
    """

    id: str
    title: str
    kind: str
    cause: str
    fix: str
    match: tuple[Match, ...]
    rank: str = "specific"
    since: str | None = None
    until: str | None = None
    frameworks: tuple[str, ...] = ()
    citations: tuple[str, ...] = ()
    over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """Hold all rules and the one table from kind to fault."""

    kinds: Mapping[str, Fault] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()

    def to_json(self) -> str:
        """Write the rules as the JSON that `rules_from_json` reads; what is unset is left out."""
        kinds = {kind: fault.value for kind, fault in self.kinds.items()}
        rules = [
            {**_set(asdict(rule)), "match": [_set(asdict(match)) for match in rule.match]}
            for rule in self.rules
        ]
        return json.dumps({"kinds": kinds, "rules": rules})


def rules_from_json(text: str) -> Rules:
    """Read rules back from `Rules.to_json`."""
    raw = json.loads(text)
    return Rules(
        {kind: Fault(fault) for kind, fault in raw["kinds"].items()},
        tuple(rule_from_dict(rule) for rule in raw["rules"]),
    )


def rule_from_dict(raw: Mapping[str, Any]) -> Rule:
    """Make a rule of plain lists and dicts."""
    values = dict(raw)
    values["match"] = tuple(Match(**_tuples(match)) for match in raw["match"])
    return Rule(**_tuples(values))


def _set(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if value}


def _tuples(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
