"""What an embed asks: its kind, the model, what narrows the question, and what the text claims."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from caniload.errors import BadInputError
from caniload.publish.embed.answers import Answers, Cell, Model
from caniload.words import Verdict

KINDS = ("matrix", "snippet", "verdict", "badge")
OPTIONS = ("framework", "loader", "device", "environment", "claims", "expect")
"""What narrows an embed; `claims=yes` adds what nobody measured to a matrix, and `expect` names
the verdicts that the text around it claims."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Hold one embed's question; `expect` is empty where the text claims nothing."""

    kind: str
    model: str
    framework: str | None = None
    loader: str | None = None
    device: str | None = None
    environment: str | None = None
    claims: bool = False
    expect: tuple[Verdict, ...] = ()

    @property
    def entry(self) -> str:
        """Name the entry that is asked about: `bert (tensorflow, cpu)`."""
        narrowed = (self.framework, self.loader, self.device, self.environment)
        words = ", ".join(word for word in narrowed if word)
        return f"{self.model} ({words})" if words else self.model


@dataclass(frozen=True, slots=True)
class Found:
    """Hold an embed's answer: `cells` in the order of a table, `best` the one that decides."""

    ask: Ask
    model: Model
    cells: tuple[Cell, ...]
    best: Cell | None

    @property
    def verdict(self) -> Verdict:
        """The verdict of the best cell; unknown where there is none."""
        return self.best.verdict if self.best else Verdict.UNKNOWN

    @property
    def measured(self) -> tuple[Cell, ...]:
        """The cells whose age counts: of a table all that were measured, else the one shown."""
        shown = self.cells if self.ask.kind == "matrix" else (self.best,)
        return tuple(cell for cell in shown if cell is not None and cell.measured)


def ask(kind: str, model: str, options: Mapping[str, str]) -> Ask:
    """Read an embed's options; raise `BadInputError` on one that is not known."""
    if kind not in KINDS:
        raise BadInputError(f"no embed is called {kind!r}", f"known: {', '.join(KINDS)}")
    if not model:
        raise BadInputError("the embed names no model")
    odd = [key for key in options if key not in OPTIONS]
    if odd:
        raise BadInputError(f"{odd[0]!r} is no option", f"known: {', '.join(OPTIONS)}")
    claims = options.get("claims", "no")
    if claims not in ("yes", "no"):
        raise BadInputError(f"claims={claims}: claims is yes or no")
    return Ask(
        kind,
        model,
        framework=options.get("framework"),
        loader=options.get("loader"),
        device=options.get("device"),
        environment=options.get("environment"),
        claims=claims == "yes",
        expect=tuple(_verdicts(options.get("expect", ""))),
    )


def from_words(kind: str, text: str) -> Ask:
    """Read `bert framework=tensorflow expect=works`; values with spaces stand in quotes."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BadInputError(f"a quote is not closed in {text!r}") from error
    if not words:
        raise BadInputError("the embed names no model")
    options: dict[str, str] = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals or not value:
            raise BadInputError(f"{word!r} is not key=value")
        options[key] = value
    return ask(kind, words[0], options)


def from_address(text: str, *, link: bool) -> Ask:
    """Read what follows `caniload:` in a link or picture: `bert/matrix?framework=pytorch`.

    A link is a verdict; a picture says what it is, and without a word it is a badge.
    """
    path, _, query = text.partition("?")
    model, slash, kind = path.rpartition("/")
    if link or not slash or kind not in KINDS:
        model, kind = path, "verdict" if link else "badge"
    return ask(kind, unquote(model), dict(parse_qsl(query, keep_blank_values=True)))


def find(answers: Answers, asked: Ask) -> Found:
    """Answer an embed; raise `UnknownNameError` for a model that the answers do not have."""
    model = answers.model(asked.model)
    cells = [cell for cell in model.cells if _covers(asked, cell)]
    best = cells[0] if cells else None
    if asked.kind == "matrix" and not asked.claims:
        cells = [cell for cell in cells if cell.verdict is not Verdict.CLAIMED]
    return Found(asked, model, tuple(sorted(cells, key=_order)), best)


def _covers(asked: Ask, cell: Cell) -> bool:
    """Tell whether a question is about a cell; a claim names no device or environment."""
    return (
        asked.framework in (None, cell.framework)
        and asked.loader in (None, cell.loader)
        and (
            asked.device is None
            or cell.device is None
            or asked.device in (cell.device, cell.device.partition(":")[0])
        )
        and (asked.environment is None or cell.environment in (None, asked.environment))
    )


def _order(cell: Cell) -> tuple[str, ...]:
    """Sort by what is tried, so that a table moves only where its evidence does."""
    versions = ", ".join(f"{name} {version}" for name, version in cell.versions.items())
    return (
        cell.framework,
        cell.loader,
        cell.device or "",
        cell.source,
        versions,
        cell.loader_name,
        cell.python or "",
        cell.handle,
    )


def _verdicts(text: str) -> Iterable[Verdict]:
    """Read `works` or `fails,blocked`."""
    for word in filter(None, (part.strip() for part in text.split(","))):
        try:
            yield Verdict(word)
        except ValueError as error:
            raise BadInputError(
                f"expect={word} is no verdict", f"known: {', '.join(Verdict)}"
            ) from error
