"""The authored form of the failure rules: what `data/failures.yaml` may say.

Host side only (pydantic and YAML); queries read the rules as JSON through `diagnosis`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from caniload.catalog.rule_model import Rules, rule_from_dict
from caniload.errors import CatalogueError
from caniload.words import Fault, Outcome, Stage


def _regular(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return text


Pattern = Annotated[str, AfterValidator(_regular)]
"""A regular expression that compiles."""

Bound = Annotated[str, Field(pattern=r"^(>=|<)\d+(\.\d+)*$")]
"""A release bound, `>=5` or `<2.6`."""


class Authored(BaseModel):
    """Base of what is authored: frozen, and closed to fields that nobody defined."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AuthoredKind(Authored):
    """Say what a kind of failure means and whose fault it is."""

    fault: Fault
    means: str


class AuthoredMatch(Authored):
    """One form of evidence; see `rule_model.Match` for what each condition says."""

    contains: tuple[str, ...] = ()
    pattern: Pattern | None = None
    unless: Pattern | None = None
    type: Pattern | None = None
    also: tuple[str, ...] = ()
    where: Literal["message", "log"] = "message"
    outcome: tuple[Outcome, ...] = ()
    stage: tuple[Stage, ...] = ()
    loader: tuple[str, ...] = ()
    framework: tuple[str, ...] = ()
    versions: dict[str, Bound] = Field(default_factory=dict)
    signal: int | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        """Refuse a match that would claim nearly everything."""
        if not (self.contains or self.type or self.signal is not None or self.outcome):
            raise ValueError("a match needs contains, type, signal or outcome")
        return self


class AuthoredRule(Authored):
    """One class of failure."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+\.[a-z0-9][a-z0-9-]*$")]
    title: str
    kind: str
    cause: str
    fix: str
    since: str | None = None
    until: str | None = None
    frameworks: tuple[str, ...]
    citations: tuple[str, ...] = ()
    rank: Literal["specific", "general", "wrapper"] = "specific"
    over: tuple[str, ...] = ()
    match: Annotated[tuple[AuthoredMatch, ...], Field(min_length=1)]


class AuthoredRules(Authored):
    """The whole file: kinds, then rules."""

    kinds: dict[str, AuthoredKind]
    rules: tuple[AuthoredRule, ...]

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        """Refuse a kind or a rule that nothing defines, and an id given twice."""
        ids = [rule.id for rule in self.rules]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"ids given twice: {', '.join(twice)}")
        for rule in self.rules:
            if rule.kind not in self.kinds:
                raise ValueError(f"{rule.id}: kind {rule.kind!r} is not in the table")
            for other in rule.over:
                if other not in ids:
                    raise ValueError(f"{rule.id}: over names {other!r}, which is no rule")
        return self


def read(path: Path) -> Rules:
    """Read and check the authored rules; raise `CatalogueError` saying what is wrong where."""
    import yaml

    from caniload import yaml_text

    try:
        authored = AuthoredRules.model_validate(yaml_text.parse(path.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CatalogueError(f"{path.name}: {where}: {first['msg']}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path.name} is not readable YAML: {error}") from error
    return Rules(
        {name: kind.fault for name, kind in authored.kinds.items()},
        tuple(rule_from_dict(rule.model_dump(mode="json")) for rule in authored.rules),
    )
