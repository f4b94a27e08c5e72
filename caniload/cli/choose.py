"""`caniload choose`: which framework a project can have, line by line with the evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from caniload.cli.options import From
from caniload.cli.out import Out, width
from caniload.errors import UnreadableFileError
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.runs.suite_schema import ProjectWish

EXAMPLES = (
    "caniload choose --model bert --model deepdream",
    "caniload choose --dataset imdb_reviews --need training",
    "caniload choose --model minilm --deploy mobile --language swift --format md",
    "caniload choose --suite caniload.toml",
)


def command(
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="A model that the project needs.")
    ] = None,
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", help="A dataset that it needs.")
    ] = None,
    deploy: Annotated[
        list[str] | None,
        typer.Option(
            "--deploy", help="server, mobile, browser, edge, cloud, or the vendor of a platform."
        ),
    ] = None,
    language: Annotated[
        list[str] | None, typer.Option("--language", help="What it is written in, as swift.")
    ] = None,
    need: Annotated[
        list[str] | None,
        typer.Option(
            "--need",
            help="training, fine-tuning, distributed-training, high-level-api, quantisation, "
            "conversion, kaggle or research-code.",
        ),
    ] = None,
    framework: Annotated[
        list[str] | None,
        typer.Option("--framework", "-f", help="Compare these; else pytorch, tensorflow, jax."),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(
            "--suite", metavar="PATH", help="Read [project] there; else in ./caniload.toml."
        ),
    ] = None,
    whose: From = "all",
    form: Annotated[
        Literal["human", "json", "md", "quiet"],
        typer.Option("--format", help="human text, one JSON document, Markdown, or bare states."),
    ] = "human",
) -> int:
    """Say for each framework what is there, missing, archived and unknown for a project.

    Options may be given several times. Without any, the table [project] of ./caniload.toml is
    the question. Every line names its evidence and the day; nothing is weighed or scored.
    """
    from caniload.catalog.choose import choose
    from caniload.catalog.store import open_store
    from caniload.publish import choice as told
    from caniload.publish import wording

    asked = {
        "models": model or [],
        "datasets": dataset or [],
        "deploy": deploy or [],
        "languages": language or [],
        "needs": need or [],
    }
    if suite is not None or not any(asked.values()):
        project = _project(Path(suite or "."), must=suite is not None)
        asked = {key: [*(getattr(project, key, ())), *given] for key, given in asked.items()}
    with open_store(Settings.read()) as store:
        found = choose(store, wording.told, **asked, frameworks=framework or (), whom=whose)
    if form == "md":
        Out().write(told.markdown(found))
        return 0
    Out(form).show(
        "choose",
        found,
        lambda: told.text(found, min(width() or 80, 100)),
        lambda: [
            f"{side.framework} {topic} {subject} {side.best(topic, subject).state}"
            for side in found.sides
            for topic, subject in found.subjects()
        ],
    )
    return 0


def _project(path: Path, *, must: bool) -> ProjectWish | None:
    """Read [project] of a suite, whatever else stands there; None where there is none.

    Raises `UnreadableFileError` where it `must` be there, `BadInputError` for a faulty one.
    """
    from caniload.runs.suite import NAME, read_project

    file = path / NAME if path.is_dir() else path
    if not file.is_file() and not must:
        return None
    found = read_project(file)
    if found is None and must:
        raise UnreadableFileError(str(file), "it has no table [project]", "write one, or options")
    return found
