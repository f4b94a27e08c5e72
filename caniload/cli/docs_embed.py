"""`caniload docs export | badge | fragment | assets`: evidence for pages that others build."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from caniload.cli.options import Device, Format, Framework, From, Loader, Today, day
from caniload.cli.out import Out
from caniload.errors import BadInputError, UnreadableFileError
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.publish.embed.answers import Answers
    from caniload.publish.embed.asking import Found

EXPORT = (
    "caniload docs export docs/answers.json",
    "caniload docs export docs/answers.json --model bert --model minilm",
    "caniload docs export site/answers --each",
)
BADGE = (
    "caniload docs badge bert --framework pytorch --to bert.svg",
    "caniload docs badge bert --framework pytorch --to bert.json --max-age 90",
)
FRAGMENT = (
    "caniload docs fragment matrix bert --to bert.html",
    "caniload docs fragment snippet bert --framework jax --answers docs/answers.json",
)
ASSETS = ("caniload docs assets site/assets",)

Answering = Annotated[
    str | None,
    typer.Option("--answers", metavar="FILE", help="Read an exported file, not the store."),
]
MaxAge = Annotated[
    int | None,
    typer.Option("--max-age", metavar="DAYS", help="Show what is older than so many days as such."),
]
To = Annotated[str | None, typer.Option("--to", metavar="FILE", help="Write here, not to stdout.")]


def export(
    file: Annotated[str, typer.Argument(help="Where to write; - is stdout, with --each a folder.")],
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="A model by name or handle; else all of the catalogue."),
    ] = None,
    each: Annotated[
        bool, typer.Option("--each", help="Write one file a model, MODEL.json, into a folder.")
    ] = False,
    whose: From = "all",
    form: Format = "human",
) -> int:
    """Write the answers that embeds need into one JSON file, so that docs build without a store."""
    from caniload.publish.embed.answers import write

    out = Out(form)
    found = _stored(tuple(model or ()), whose)
    if file == "-" and not each:
        out.write(write(found))
        return 0
    target = Path(file)
    made = [target]
    if each:
        made = [target / f"{_file_name(one.id)}.json" for one in found.models]
        for path, one in zip(made, found.models, strict=True):
            days = [cell.measured for cell in one.cells if cell.measured]
            alone = found.model_copy(update={"models": (one,), "newest": max(days, default=None)})
            _put(path, write(alone))
    else:
        _put(target, write(found))
    files = [str(path) for path in made]
    facts = {
        "files": files,
        "models": len(found.models),
        "cells": sum(len(one.cells) for one in found.models),
        "newest": found.newest,
    }
    newest = f", the newest of {found.newest:%Y-%m-%d}" if found.newest else ", none measured"
    many = "1 file" if len(made) == 1 else f"{len(made)} files"
    text = f"{target}: {many}, {facts['models']} models, {facts['cells']} cells{newest}"
    out.show("docs export", facts, lambda: text, lambda: files)
    return 0


def badge(
    model: Annotated[str, typer.Argument(help="A model by name or handle.")],
    framework: Framework = None,
    loader: Loader = None,
    device: Device = None,
    to: To = None,
    kind: Annotated[
        Literal["svg", "json"] | None,
        typer.Option("--as", help="svg, or json for a shields-style endpoint; else as FILE ends."),
    ] = None,
    answers: Answering = None,
    max_age: MaxAge = None,
    today: Today = None,
    whose: From = "all",
) -> int:
    """Write a badge: "works on PyTorch 2.13 · CPU", coloured by verdict, grey when too old."""
    from caniload.publish.embed.badge import badge as make
    from caniload.publish.embed.badge import endpoint, svg

    now = day(today)
    narrowed = {"framework": framework, "loader": loader, "device": device}
    found = _found("badge", model, narrowed, answers, whose)
    made = make(found, now, max_age)
    ending = kind or ("json" if to is not None and Path(to).suffix == ".json" else "svg")
    _give(endpoint(made) if ending == "json" else svg(made) + "\n", to)
    return 0


def fragment(
    kind: Annotated[
        Literal["matrix", "snippet", "verdict", "badge"], typer.Argument(help="What to write.")
    ],
    model: Annotated[str, typer.Argument(help="A model by name or handle.")],
    framework: Framework = None,
    loader: Loader = None,
    device: Device = None,
    to: To = None,
    text: Annotated[
        str, typer.Option("--text", help="The sentence that a verdict stands behind.")
    ] = "",
    answers: Answering = None,
    max_age: MaxAge = None,
    today: Today = None,
    whose: From = "all",
) -> int:
    """Write one embed as HTML for any page; `docs assets` has the style and the script for it."""
    from caniload.publish.embed.fragments import fragment as make

    narrowed = {"framework": framework, "loader": loader, "device": device}
    found = _found(kind, model, narrowed, answers, whose)
    _give(make(found, text=text, now=day(today), max_age_days=max_age) + "\n", to)
    return 0


def assets(
    folder: Annotated[str, typer.Argument(help="A folder; it is made where it is missing.")],
    form: Format = "human",
) -> int:
    """Write the web component, and the style and the script of fragments, into a folder."""
    from caniload.publish.embed import fragments

    target = Path(folder)
    names = (fragments.COMPONENT, fragments.STYLE, fragments.AGES)
    for name in names:
        _put(target / name, (fragments.static() / name).read_text(encoding="utf-8"))
    made = [str(target / name) for name in names]
    Out(form).show("docs assets", made, lambda: "\n".join(made), lambda: made)
    return 0


def _stored(names: tuple[str, ...], whose: Literal["me", "ci", "all"]) -> Answers:
    """Ask the store; this is where those who know the loaders and those who publish meet."""
    from caniload.catalog.store import open_store
    from caniload.cli.ways import way
    from caniload.publish.embed.exporting import export as make

    with open_store(Settings.read()) as store:
        return make(store, partial(way, local=False), names, whose)


def _found(
    kind: str,
    model: str,
    narrowed: dict[str, str | None],
    answers: str | None,
    whose: Literal["me", "ci", "all"],
) -> Found:
    """Answer one embed from an exported file or from the store."""
    from caniload.publish.embed.answers import read
    from caniload.publish.embed.asking import ask, find

    if answers is not None and whose != "all":
        raise BadInputError("--from and --answers exclude each other", "export with --from")
    known = read(Path(answers)) if answers is not None else _stored((model,), whose)
    name = model if answers is not None else known.models[0].id
    return find(known, ask(kind, name, {key: word for key, word in narrowed.items() if word}))


def _file_name(model: str) -> str:
    """Name a model's file; a handle has what a file's name cannot hold."""
    from urllib.parse import quote

    return quote(model, safe="")


def _give(text: str, to: str | None) -> None:
    """Write to a file, else to stdout."""
    if to is None:
        sys.stdout.write(text)
    else:
        _put(Path(to), text)


def _put(path: Path, text: str) -> None:
    """Write a file whole or not at all; its folder is made."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        why = (error.strerror or "the system refused").lower()
        raise UnreadableFileError(str(path), why, "name a file that can be written") from error
