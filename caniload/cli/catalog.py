"""`caniload catalog`: lint, pin, import, publish, rebuild and count what is known."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from caniload.cli import catalog_import, catalog_stats
from caniload.cli.app import examples, group
from caniload.cli.options import Format, Today, day
from caniload.cli.out import Out
from caniload.errors import UnknownNameError
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.catalog.pins import Resolution
    from caniload.handles import Handle

app = group(
    "Keep the catalogue honest and the store fresh. What people write lies in YAML files; "
    "evidence lies in segments; the store is made of both and can always be made again.",
    "caniload catalog lint",
    "caniload catalog pin all-minilm-l6-v2",
    "caniload catalog import timm --env vision",
    "caniload catalog stats",
    "caniload catalog rebuild",
)
app.command("import", epilog=examples(*catalog_import.EXAMPLES))(catalog_import.command)
app.command("stats", epilog=examples(*catalog_stats.EXAMPLES))(catalog_stats.command)
BROKEN_RULE = 1
COMMIT_DIGITS = 40


@app.command(
    "lint", epilog=examples("caniload catalog lint", "caniload catalog lint --format json")
)
def lint(today: Today = None, form: Format = "human") -> int:
    """Check the authored files by every rule; each problem says what to write instead.

    Exits 1 if a rule is broken. Sources that no hub has answered for are counted, not refused:
    they can only be `claimed`.
    """
    from caniload.catalog.lint import run
    from caniload.loaders.specs import load_specs

    loaders = {name: spec.frameworks for name, spec in load_specs().items()}
    report = run(Settings.read().data, day(today), loaders)

    def human() -> str:
        lines = [f"{p.file}: {p.field}: {p.says} [{p.rule}]\n  {p.write}" for p in report.problems]
        count = len(report.problems)
        lines.append(
            f"{report.models} models, {report.sources} sources ({report.unresolved_count} "
            f"unresolved), {report.datasets} datasets, {report.tools} tools: "
            f"{count or 'no'} problem{'' if count == 1 else 's'}"
        )
        return "\n".join(lines)

    Out(form).show("catalog lint", report, human, lambda: [p.file for p in report.problems])
    return BROKEN_RULE if report.problems else 0


@app.command(
    "pin",
    epilog=examples(
        "caniload catalog pin all-minilm-l6-v2",
        "caniload catalog pin all-minilm-l6-v2 hf:sentence-transformers/all-MiniLM-L6-v2",
    ),
)
def pin(
    model: Annotated[str, typer.Argument(help="The id of a model's authored file.")],
    sources: Annotated[
        list[str] | None, typer.Argument(help="Its sources; all unresolved ones without any.")
    ] = None,
    form: Format = "human",
) -> int:
    """Ask each source's hub for its revision and write the answer into the authored file."""
    from caniload.catalog.authored import read_entry
    from caniload.catalog.entries import ModelEntry
    from caniload.catalog.pins import pin as write_pin
    from caniload.catalog.pins import unpinned

    settings = Settings.read()
    path = settings.data / "models" / f"{model}.yaml"
    if not path.exists():
        known = [each.stem for each in sorted((settings.data / "models").glob("*.yaml"))]
        near = tuple(get_close_matches(model, known, 2))
        raise UnknownNameError("model file", model, near, "`caniload list` names them all")
    entry = read_entry(path)
    assert isinstance(entry, ModelEntry)
    wanted = sources or list(unpinned(entry))
    out = Out(form)
    made = []
    for handle in wanted:
        made.append(write_pin(path, handle, lambda asked: _ask(asked, settings)))
        out.talk(f"{made[-1].before} is {made[-1].after}, says {made[-1].pin.answered_by}")
    facts = [{"before": each.before, "after": each.after} for each in made]
    text = f"{len(made)} of {len(entry.sources)} sources pinned in {path.name}"
    out.show("catalog pin", facts, lambda: text, lambda: [each.after for each in made])
    return 0


def _ask(handle: Handle, settings: Settings) -> Resolution:
    """Ask a source's hub for its revision; what is no commit is fetched once for its hash."""
    from caniload.catalog.pins import Resolution
    from caniload.handles import parse
    from caniload.loaders.fetch import cache, fetch, resolve

    resolved = resolve(handle, settings)
    if len(resolved.revision or "") == COMMIT_DIGITS:
        return Resolution(resolved, f"{handle.hub} hub")
    artefact = fetch(resolved, settings, refresh=True)
    found = parse(artefact.handle)
    notes = [
        stored.note
        for stored in cache.list_artefacts(settings)
        if (stored.handle.source, stored.handle.revision) == (found.source, found.revision)
    ]
    sha256 = notes[0].get("sha256") if notes else None
    return Resolution(found, artefact.resolved_by, sha256)


@app.command("schema", epilog=examples("caniload catalog schema", "caniload catalog schema models"))
def schema(
    name: Annotated[
        str | None,
        typer.Argument(help="One schema: models, datasets, tools, import, Observation, …."),
    ] = None,
    form: Format = "json",
) -> int:
    """Print the JSON Schema of authored files, an importer's lines and exchanged records."""
    from caniload.catalog.entries import json_schemas as authored
    from caniload.catalog.upstream.facts import json_schema as imported
    from caniload.records import json_schemas as records

    schemas = {**authored(), "import": imported(), **records()}
    if name is not None and name not in schemas:
        raise UnknownNameError("schema", name, (), f"known: {', '.join(schemas)}")
    chosen = schemas if name is None else {name: schemas[name]}
    Out(form).show("catalog schema", chosen, lambda: "\n".join(chosen), lambda: list(chosen))
    return 0


@app.command("publish", epilog=examples("caniload catalog publish"))
def publish(form: Format = "human") -> int:
    """Publish a generation of the store that holds every finished segment."""
    return _generation("publish", form)


@app.command("rebuild", epilog=examples("caniload catalog rebuild"))
def rebuild(form: Format = "human") -> int:
    """Make the store again from the authored files and the segments, trusting nothing older."""
    return _generation("rebuild", form)


@app.command("compile", epilog=examples("caniload catalog compile"))
def compile_(form: Format = "human") -> int:
    """Write the authored files as tables beside them, so that first use need not read them.

    For whoever changes the catalogue: tables that are not of the files are left unused, which
    is slower and never wrong.
    """
    from caniload.catalog.compiled import compile_catalogue

    folder = compile_catalogue(Settings.read())
    size = sum(path.stat().st_size for path in folder.iterdir())
    text = f"{folder.parent.name}/{folder.name} holds the catalogue in {size:,} bytes"
    Out(form).show("catalog compile", {"bytes": size}, lambda: text, lambda: [str(size)])
    return 0


def _generation(how: Literal["publish", "rebuild"], form: Format) -> int:
    """Publish or rebuild, and say which generation stands."""
    from caniload.catalog.publishing import publish, rebuild

    settings = Settings.read()
    made = publish(settings) if how == "publish" else rebuild(settings)
    text = f"generation {made.number} stands, with {len(made.segments)} segments"
    Out(form).show(f"catalog {how}", made, lambda: text, lambda: [str(made.number)])
    return 0
