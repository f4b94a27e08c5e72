"""Write the authored catalogue into a generation's tables. Used while publishing only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caniload.catalog.verdicts import insert
from caniload.errors import CatalogueError
from caniload.handles import parse

if TYPE_CHECKING:
    import duckdb

    from caniload.catalog.entries import Authored, ModelEntry

_TEXT, _TEXTS = "VARCHAR", "VARCHAR[]"
_MODELS = (
    ("id", _TEXT), ("name", _TEXT), ("aliases", _TEXTS), ("family", _TEXT), ("tasks", _TEXTS),
    ("licence", _TEXT), ("about", _TEXT), ("uses", _TEXTS), ("called", _TEXTS),
    ("entry", "JSON"),
)  # fmt: skip
_SOURCES = (
    ("model", _TEXT), ("position", "INTEGER"), ("source", _TEXT), ("handle", _TEXT),
    ("revision", _TEXT), ("resolved", "BOOLEAN"), ("formats", _TEXTS), ("licence", _TEXT),
    ("entry", "JSON"),
)  # fmt: skip
_CLAIMS = (
    ("model", _TEXT), ("source", _TEXT), ("handle", _TEXT), ("loader", _TEXT),
    ("framework", _TEXT), ("version", _TEXT), ("page", _TEXT), ("read", _TEXT), ("says", _TEXT),
)  # fmt: skip
_SETTINGS = (
    ("model", _TEXT), ("native_loader", _TEXT), ("native_framework", _TEXT),
    ("tolerances", "JSON"),
)  # fmt: skip
_SAME = (("model", _TEXT), ("group_key", _TEXT), ("member", _TEXT))
_DATASETS = (
    ("id", _TEXT), ("name", _TEXT), ("aliases", _TEXTS), ("tasks", _TEXTS), ("modality", _TEXT),
    ("licence", _TEXT), ("about", _TEXT), ("entry", "JSON"),
)  # fmt: skip
_TOOLS = (
    ("id", _TEXT), ("name", _TEXT), ("aliases", _TEXTS), ("purpose", _TEXT),
    ("frameworks", _TEXTS), ("languages", _TEXTS), ("vendor", _TEXT), ("status", _TEXT),
    ("status_since", _TEXT), ("about", _TEXT), ("entry", "JSON"),
)  # fmt: skip


def write(database: duckdb.DuckDBPyConnection, catalog: str, authored: Authored) -> None:
    """Fill models, sources, claims, entry_settings, same_weights, datasets and tools."""
    models: list[dict[str, Any]] = []
    sources: list[dict[str, Any]] = []
    claims: list[dict[str, Any]] = []
    settings: list[dict[str, Any]] = []
    same: list[dict[str, Any]] = []
    for model in authored.models:
        called = [text.casefold() for text in (model.id, model.name, *model.aliases)]
        models.append(_whole(model) | {"called": called})
        _add_sources(model, sources, claims)
        native = model.native
        settings.append(
            {
                "model": model.id,
                "native_loader": native.loader if native else None,
                "native_framework": native.framework if native else None,
                "tolerances": dict(model.tolerances),
            }
        )
        for group in model.same_weights:
            same += [{"model": model.id, "group_key": group[0], "member": m} for m in group]
    insert(database, f"{catalog}.models", _MODELS, models)
    insert(database, f"{catalog}.sources", _SOURCES, sources)
    insert(database, f"{catalog}.claims", _CLAIMS, claims)
    insert(database, f"{catalog}.entry_settings", _SETTINGS, settings)
    insert(database, f"{catalog}.same_weights", _SAME, same)
    insert(database, f"{catalog}.datasets", _DATASETS, [_whole(d) for d in authored.datasets])
    insert(database, f"{catalog}.tools", _TOOLS, [_whole(t) for t in authored.tools])


def write_environments(database: duckdb.DuckDBPyConnection, catalog: str, data: Path) -> None:
    """Fill `environments` with the specifications' names and texts, read as plain YAML."""
    import yaml

    from caniload import yaml_text

    rows = []
    for path in sorted((data / "environments").glob("*.yaml")):
        try:
            content = yaml_text.parse(path.read_bytes())
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise CatalogueError(f"environments/{path.name} cannot be read: {error}") from error
        content = content if isinstance(content, dict) else {}
        entry = json.loads(json.dumps(content, default=str))
        rows.append({"name": str(content.get("name", path.stem)), "entry": entry})
    insert(database, f"{catalog}.environments", (("name", _TEXT), ("entry", "JSON")), rows)


def _whole(entry: Any) -> dict[str, Any]:
    """Return an entry's fields as JSON values, and all of them once more as `entry`."""
    fields: dict[str, Any] = entry.model_dump(mode="json", by_alias=True)
    return fields | {"entry": fields}


def _add_sources(
    model: ModelEntry, sources: list[dict[str, Any]], claims: list[dict[str, Any]]
) -> None:
    for position, source in enumerate(model.sources):
        handle = parse(source.handle)
        for claim in source.claims:
            claims.append(
                claim.model_dump(mode="json")
                | {"model": model.id, "source": handle.source, "handle": source.handle}
            )
        for known in (source.handle, *source.aliases):
            sources.append(
                {
                    "model": model.id,
                    "position": position,
                    "source": parse(known).source,
                    "handle": known,
                    "revision": parse(known).revision,
                    "resolved": source.resolved,
                    "formats": list(source.formats),
                    "licence": source.licence or model.licence,
                    "entry": source.model_dump(mode="json", by_alias=True),
                }
            )
