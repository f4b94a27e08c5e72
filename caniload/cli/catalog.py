"""`caniload catalog`: lint, pin, publish and rebuild what is known, and its schemas."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from caniload.cli.app import examples, group
from caniload.cli.options import Format
from caniload.cli.out import Out
from caniload.errors import UnknownNameError
from caniload.settings import Settings

app = group(
    "Keep the catalogue honest and the store fresh. What people write lies in YAML files; "
    "evidence lies in segments; the store is made of both and can always be made again.",
    "caniload catalog lint",
    "caniload catalog pin all-minilm-l6-v2",
    "caniload catalog rebuild",
)
BROKEN_RULE = 1


@app.command("schema", epilog=examples("caniload catalog schema", "caniload catalog schema models"))
def schema(
    name: Annotated[
        str | None, typer.Argument(help="One schema: models, datasets, tools, Observation, ….")
    ] = None,
    form: Format = "json",
) -> int:
    """Print the JSON Schema of authored files and of exchanged records."""
    from caniload.catalog.entries import json_schemas as authored
    from caniload.records import json_schemas as records

    schemas = {**authored(), **records()}
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


def _generation(how: Literal["publish", "rebuild"], form: Format) -> int:
    """Publish or rebuild, and say which generation stands."""
    from caniload.catalog import publishing

    settings = Settings.read()
    make = publishing.publish if how == "publish" else publishing.rebuild
    made = make(settings)
    Out(form).show(f"catalog {how}", made, lambda: f"generation {made.name} stands")
    return 0
