"""`caniload check`: the verdict first, then what it rests on, then what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from caniload.cli.options import Device, Env, Format, Framework, From, Loader, Python, Today, day
from caniload.cli.out import Out
from caniload.errors import BadInputError
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.catalog.answers import Answer

EXAMPLES = (
    "caniload check minilm",
    "caniload check bert --framework tensorflow",
    "caniload check minilm --env onnxruntime --format json",
    "caniload check minilm bert --python .venv/bin/python --format quiet",
)


def command(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL...", help="Models by name or alias, or sources by handle."),
    ],
    framework: Framework = None,
    device: Device = None,
    loader: Loader = None,
    env: Env = None,
    python: Python = None,
    whose: From = "all",
    today: Today = None,
    form: Format = "human",
) -> int:
    """Answer whether a model loads: the verdict, its evidence, how to install, how to load.

    Without --env or --python it answers for the Python that is active here. Exits 0 works, 1
    differs, fails or flaky, 3 blocked, claimed or unknown; of several models the worst counts.
    """
    from caniload.catalog import questions
    from caniload.catalog.store import open_store
    from caniload.cli import codes
    from caniload.cli.answer import human
    from caniload.cli.ways import way
    from caniload.publish.checked import plain, shown_with
    from caniload.runs.here import place

    if env is not None and python is not None:
        raise BadInputError("--env and --python exclude each other", "give one of them")
    settings, now = Settings.read(), day(today)
    here = None if env is not None else place(python)
    with open_store(settings) as store:
        answers = [
            questions.check(
                store,
                model,
                framework=framework,
                loader=loader,
                device=device,
                environment=env,
                here=here,
                whom=whose,
            )
            for model in models
        ]
        _check_loader(loader, answers)
        shown = [shown_with(store, answer, way) for answer in answers]
    Out(form).show(
        "check",
        [plain(each) for each in shown],
        lambda: "\n\n".join(human(each, now) for each in shown),
        lambda: [_bare(answer, named=len(answers) > 1) for answer in answers],
    )
    return codes.worst(codes.code(answer.verdict) for answer in answers)


def _check_loader(loader: str | None, answers: list[Answer]) -> None:
    """Refuse a loader that neither evidence nor caniload knows."""
    if loader is None or any(answer.cells or answer.nearest for answer in answers):
        return
    from difflib import get_close_matches

    from caniload.errors import UnknownNameError
    from caniload.loaders.specs import load_specs

    known = tuple(load_specs())
    if loader not in known:
        near = tuple(get_close_matches(loader, known, 2))
        raise UnknownNameError("loader", loader, near, f"known: {', '.join(known)}")


def _bare(answer: Answer, *, named: bool) -> str:
    """The verdict in a word, after the model where there are several."""
    word = f"{answer.verdict} (inferred)" if answer.inferred else str(answer.verdict)
    return f"{answer.model} {word}" if named else word
