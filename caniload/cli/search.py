"""`caniload search`: find models, datasets, tools and imported sources by words and facets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from caniload.cli.options import Format
from caniload.cli.out import Out, width
from caniload.cli.tables import table
from caniload.errors import BadInputError
from caniload.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caniload.catalog.search import Found, Hit, Item

EXAMPLES = (
    "caniload search bert",
    "caniload search image classification --framework jax --max-params 30M",
    "caniload search movenet --hub tfhub --file-format tflite",
    "caniload search --task sentence-similarity --measured --format json",
    "caniload search serving --kind tool --status active",
)
NOTHING = 1
_VALUES = 8
_UNDER = 3


def command(
    words: Annotated[
        list[str] | None, typer.Argument(help="Words; slips of the finger are forgiven.")
    ] = None,
    kind: Annotated[
        Literal["model", "dataset", "tool", "source"] | None,
        typer.Option("--kind", "-k", help="Look for one kind of thing only."),
    ] = None,
    task: Annotated[str | None, typer.Option("--task", help="A task, as fill-mask.")] = None,
    framework: Annotated[
        str | None, typer.Option("--framework", "-f", help="pytorch, tensorflow, jax, tfjs, ….")
    ] = None,
    hub: Annotated[
        str | None, typer.Option("--hub", help="hf, tfhub, kaggle, timm, torchvision, ….")
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", help="An SPDX id, as Apache-2.0, or unknown.")
    ] = None,
    max_params: Annotated[
        str | None, typer.Option("--max-params", help="At most so many parameters, as 100M.")
    ] = None,
    max_bytes: Annotated[
        str | None, typer.Option("--max-bytes", help="At most so large, as 500MB.")
    ] = None,
    file_format: Annotated[
        str | None, typer.Option("--file-format", help="As safetensors, onnx or tflite.")
    ] = None,
    status: Annotated[
        str | None, typer.Option("--status", help="Of a tool: active, archived, ….")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="As de, or Swift for a tool.")
    ] = None,
    measured: Annotated[
        bool, typer.Option("--measured", help="Only what has a result, whatever is claimed.")
    ] = False,
    claimed: Annotated[
        bool, typer.Option("--claimed", help="Only what metadata claims, whatever was measured.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Show so many.")] = 10,
    form: Format = "human",
) -> int:
    """Find models, datasets, tools, and imported sources that hang under no model.

    Names stand before families, families before tasks, tasks before mentions. All facets must
    hold for one source of a model; a size that nobody states is below no bound. Exits 1 if
    nothing is found.
    """
    from caniload import units
    from caniload.catalog import search
    from caniload.catalog.facets import Facets
    from caniload.catalog.store import open_store
    from caniload.publish.searched import beside

    text = " ".join(words or ())
    facets = Facets(
        kind,
        task,
        framework,
        hub,
        licence,
        file_format,
        status,
        language,
        units.count(max_params) if max_params is not None else None,
        units.size_bytes(max_bytes) if max_bytes is not None else None,
        measured,
        claimed,
    )
    if not text.strip() and facets == Facets():
        raise BadInputError("nothing to look for", "give words, or a facet as --task fill-mask")
    out = Out(form)
    with open_store(Settings.read()) as store:
        found = search.search(
            store,
            text,
            facets,
            limit=max(limit, 1),
            counts=form != "quiet",
            details=form != "quiet",
        )
    if found.unknown_words and found.hits:
        out.talk(f"nothing is called {' or '.join(found.unknown_words)}; without it:")
    out.show(
        "search",
        found.hits,
        lambda: _human(found, text, facets.narrow),
        lambda: [hit.id for hit in found.hits],
        also=beside(found),
    )
    return 0 if found.hits else NOTHING


def _human(found: Found, text: str, narrow: bool) -> str:
    """The hits, each with what is known of it, then how often each facet's values occur."""
    if not found.hits:
        return f"nothing matches {text!r}" if text else "nothing has all of that"
    head = ("kind", "id", "known", "sources", "about")
    rows = []
    for hit in found.hits:
        sources = f"{hit.source_count} of {hit.of_sources}" if narrow else str(hit.of_sources)
        sources = sources if hit.kind == "model" else "-"
        rows.append((hit.kind, hit.id, _known(hit), sources, hit.about or ", ".join(hit.tasks)))
    lines = table(head, rows, width()).splitlines()
    shown = [lines[0]]
    for line, hit in zip(lines[1:], found.hits, strict=True):
        shown.append(line)
        shown += _under(hit, narrow)
    kinds = ", ".join(f"{count} {value}" for value, count in found.facets.get("kind", ()))
    more = f"; the first {len(found.hits)}" if found.total > len(found.hits) else ""
    shown += ["", f"{found.total} found ({kinds}){more}", *_counts(found)]
    return "\n".join(shown)


def _known(hit: Hit) -> str:
    """What was measured, then what is only claimed; or the state of a tool."""
    if hit.kind == "tool":
        return hit.status or "unknown"
    verdicts: dict[str, list[str]] = {}
    for result in hit.results:
        verdicts.setdefault(result.verdict, []).append(result.framework)
    parts = [f"{verdict} {', '.join(names)}" for verdict, names in verdicts.items()]
    ran = {result.framework for result in hit.results}
    rest = [name for name in hit.claims if name not in ran]
    if rest:
        parts.append(f"claimed {', '.join(rest)}")
    if hit.kind == "dataset" and not parts:
        return "any framework"
    return "; ".join(parts)


def _under(hit: Hit, narrow: bool) -> Iterator[str]:
    """The sources under a model, where the words or the facets were about one."""
    from caniload.catalog.search import ABOUT_SOURCES

    if hit.kind != "model" or not (narrow or hit.matched in ABOUT_SOURCES):
        return
    room = width()
    for item in hit.sources[:_UNDER]:
        line = f"    {item.handle}{_amounts(item)}"
        yield line if room is None or len(line) <= room else line[: room - 1] + "…"


def _amounts(item: Item) -> str:
    """Parameters, bytes and formats of a source, as far as they are stated."""
    from caniload.cli.dates import size

    told = []
    if item.parameters is not None:
        told.append(f"{item.parameters / 1e6:.3g}M parameters")
    if item.size_bytes is not None:
        told.append(size(item.size_bytes))
    told += item.formats[:3]
    return f"  {', '.join(told)}" if told else ""


def _counts(found: Found) -> Iterator[str]:
    """A line for each facet by which what was found can be narrowed further."""
    room = width()
    for name, values in found.facets.items():
        if name == "kind" or not values or values[0][1] == found.total == 1:
            continue
        told = ", ".join(f"{value} {count}" for value, count in values[:_VALUES])
        more = f", and {len(values) - _VALUES} more" if len(values) > _VALUES else ""
        line = f"  --{name:<12} {told}{more}"
        yield line if room is None or len(line) <= room else line[: room - 1] + "…"
