"""`caniload catalog import`: take in what an upstream catalogue states, as a snapshot."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from caniload.cli.options import Format, day
from caniload.cli.out import Out
from caniload.errors import BadInputError, UnknownNameError, UnreadableFileError
from caniload.settings import Settings

EXAMPLES = (
    "caniload catalog import timm --env vision",
    "caniload catalog import tfhub --from path/to/tfhub.dev --check",
    "caniload catalog import hf --author google-bert --limit 200",
    "caniload catalog import torchaudio-datasets --from torchaudio.whl --python python3",
)
DIFFERS = 1
LISTED = 10
"""How many names of each kind of change are shown to a person."""


def command(
    source: Annotated[
        str, typer.Argument(help="A catalogue: timm, tfhub, hf, …; a wrong name lists them.")
    ],
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="PATH|URL", help="The upstream checkout or file to read."),
    ] = None,
    env: Annotated[
        str | None, typer.Option("--env", "-e", help="Read it in this environment of caniload's.")
    ] = None,
    python: Annotated[
        Path | None, typer.Option("--python", "-p", help="Read it in your own interpreter.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if the snapshot would change.")
    ] = False,
    home: Annotated[
        bool, typer.Option("--home", help="Keep it in your home, not in the data directory.")
    ] = False,
    read: Annotated[
        str | None, typer.Option("--read", metavar="YYYY-MM-DD", help="When the file was read.")
    ] = None,
    search: Annotated[str | None, typer.Option("--search", help="hf: names that hold it.")] = None,
    author: Annotated[str | None, typer.Option("--author", help="hf: one owner's.")] = None,
    task: Annotated[str | None, typer.Option("--task", help="hf: a pipeline tag.")] = None,
    library: Annotated[str | None, typer.Option("--library", help="hf: a library's tag.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="hf: at most so many.")] = 1000,
    form: Format = "human",
) -> int:
    """Take in what an upstream catalogue states, and say what was added, changed and is gone.

    Some catalogues are read in an environment that holds the library, others from a file of the
    upstream repository, Hugging Face by a query of your own, kept in your home. What is imported
    is a claim and never a result. Facts that are there already leave the snapshot untouched.
    """
    from caniload.catalog.upstream.importing import take
    from caniload.catalog.upstream.snapshots import FOLDER

    settings, out = Settings.read(), Out(form)
    when = day(read).isoformat()
    catalogue, tag = source, None
    if source == "hf":
        from caniload.loaders.fetch.hf_listing import Query

        query = Query(search, author, task, library, limit)
        tag, home = query.tag, True
        lines = _dumped(_ask_hf(query, settings, when))
    elif source in _DOCUMENTS:
        importer: Any = import_module(f"caniload.catalog.upstream.{_DOCUMENTS[source]}")
        lines = _dumped(importer.emit(_document(source, importer, from_, settings), when))
    else:
        catalogue, lines = _emitted(source, from_, env, python, settings)
    folder = settings.imported if home else settings.data / FOLDER
    report = take(lines, catalogue, folder, tag=tag, check=check)
    changes = report.changes

    def human() -> str:
        told = [
            f"{sign} {name}"
            for sign, names in (("+", changes.added), ("~", changes.changed), ("-", changes.gone))
            for name in (*names[:LISTED], *_more(names))
        ]
        before = f", {report.former_version} before" if report.former_version else ""
        counts = (
            f"{len(changes.added)} added, {len(changes.changed)} changed, {len(changes.gone)} gone"
        )
        stands = (
            f"{report.file.name} is written"
            if report.written
            else f"{report.file.name} would change"
            if report.differs
            else f"{report.file.name} stands, read {report.read}"
        )
        told.append(
            f"{catalogue} {report.version}{before}: {report.rows} facts, {counts}; {stands}"
        )
        return "\n".join(told)

    out.show("catalog import", report, human, lambda: [*changes.added, *changes.changed])
    return DIFFERS if check and report.differs else 0


_DOCUMENTS = {"tfhub": "tfhub", "pytorch-hub": "pytorch_hub", "onnx-hub": "onnx_hub"}
"""Catalogues that are read from upstream's repository, with their importers."""


def _document(source: str, importer: Any, place: str | None, settings: Settings) -> Any:
    """Read the checkout, or the JSON document, that `--from` names."""
    if place is None:
        raise BadInputError(
            f"{source} is read from a checkout of {importer.UPSTREAM.partition(':')[2]}",
            "name its folder with --from",
        )
    if "://" in place:
        from caniload.handles import Handle
        from caniload.loaders.fetch import fetch

        path = Path(fetch(Handle("url", place), settings, refresh=True).root)
    else:
        path = Path(place).expanduser()
    try:
        if path.is_dir():
            return {"commit": _commit(path), "entries": importer.read_checkout(path)}
        return json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        hint = "--from takes a checkout, a file, or the address of one"
        raise UnreadableFileError(place, why, hint) from error
    except ValueError as error:
        raise UnreadableFileError(place, f"it is no JSON: {error}") from error
    except (KeyError, TypeError) as error:
        raise UnreadableFileError(place, f"{error} is not as {source} has it") from error


def _commit(checkout: Path) -> str:
    """Ask git for the commit of a checkout: it is the provenance.

    A folder within another checkout is none: git would tell of the one around it.
    """
    try:
        done = subprocess.run(
            ["git", "-C", str(checkout), "rev-parse", "--show-prefix", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise UnreadableFileError(str(checkout), "git is not installed") from error
    prefix, _, commit = done.stdout.partition("\n")
    if done.returncode or prefix:
        why = "git does not know its commit, which is the provenance"
        raise UnreadableFileError(str(checkout), why, "give a git checkout")
    return commit.strip()


def _ask_hf(query: Any, settings: Settings, when: str) -> Iterable[dict[str, Any]]:
    from caniload.catalog.rules.tasks import PIPELINE_TAGS
    from caniload.loaders.fetch.hf_listing import lines

    return lines(query, settings, when, PIPELINE_TAGS)


def _emitted(
    source: str, place: str | None, env: str | None, python: Path | None, settings: Settings
) -> tuple[str, list[str]]:
    """Run the emitter of a catalogue in an environment; return the catalogue and its lines."""
    from caniload.catalog.upstream.emitting import EMITTERS, emit

    if source not in EMITTERS:
        known = sorted((*EMITTERS, *_DOCUMENTS, "hf"))
        from difflib import get_close_matches

        near = tuple(get_close_matches(source, known, 2))
        raise UnknownNameError("catalogue", source, near, f"known: {', '.join(known)}")
    if env is not None and python is not None:
        raise BadInputError("--env and --python exclude each other", "give one of them")
    emitter = EMITTERS[source]
    if emitter.wheel and place is None:
        raise BadInputError(
            f"{source} is read from the wheel of {emitter.package}", "name it with --from FILE"
        )
    interpreter = _interpreter(env or emitter.environment, python, settings)
    arguments = () if place is None else (str(Path(place).expanduser().absolute()),)
    return emitter.module.replace("_", "-"), emit(source, interpreter, *arguments)


def _interpreter(env: str | None, python: Path | None, settings: Settings) -> Path:
    """Return the interpreter to read a catalogue in: the user's, a built environment's, or here."""
    from caniload.runs.interpreters import here, locate

    if python is not None:
        return locate(python)
    if env is None:
        return here()
    from caniload.runs.environments import read_built, spec

    found = read_built(env, settings)
    if found is None:
        spec(env, settings)
        raise BadInputError(
            f"environment {env!r} is not built", f"caniload env build {env}, or give --python"
        )
    return found.python


def _dumped(lines: Iterable[dict[str, Any]]) -> list[str]:
    return [json.dumps(line, ensure_ascii=False) for line in lines]


def _more(names: tuple[str, ...]) -> tuple[str, ...]:
    """Say how many names are not shown."""
    return (f"… {len(names) - LISTED} more",) if len(names) > LISTED else ()
