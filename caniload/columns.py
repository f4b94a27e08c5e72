"""The columns in which evidence is exchanged and stored: names and DuckDB types, in order.

A segment's Parquet files and the store's tables both follow these lists; `runs.journal.row`
gives an observation's values in the same order. Standard library only, since the query path
reads it.
"""

from __future__ import annotations

OBSERVATION_COLUMNS: tuple[tuple[str, str], ...] = (
    ("id", "VARCHAR"),
    ("run_id", "VARCHAR"),
    ("cell_id", "VARCHAR"),
    ("attempt", "INTEGER"),
    ("model", "VARCHAR"),
    ("source", "VARCHAR"),
    ("handle", "VARCHAR"),
    ("revision", "VARCHAR"),
    ("format", "VARCHAR"),
    ("loader", "VARCHAR"),
    ("framework", "VARCHAR"),
    ("framework_version", "VARCHAR"),
    ("environment", "VARCHAR"),
    ("environment_key", "VARCHAR"),
    ("python_minor", "VARCHAR"),
    ("platform", "VARCHAR"),
    ("device", "VARCHAR"),
    ("recipe_hash", "VARCHAR"),
    ("recipe", "JSON"),
    ("weights", "VARCHAR"),
    ("kind", "VARCHAR"),
    ("export_format", "VARCHAR"),
    ("parent_observation", "VARCHAR"),
    ("outcome", "VARCHAR"),
    ("stage", "VARCHAR"),
    ("evidence_level", "VARCHAR"),
    ("worker", "VARCHAR"),
    ("started_at", "TIMESTAMPTZ"),
    ("finished_at", "TIMESTAMPTZ"),
    ("wall_seconds", "DOUBLE"),
    ("exception_type", "VARCHAR"),
    ("exception_message", "VARCHAR"),
    ("exceptions", "JSON"),
    ("message", "VARCHAR"),
    ("signal", "INTEGER"),
    ("exit_code", "INTEGER"),
    ("checks", "JSON"),
    ("fingerprint", "JSON"),
    ("numbers", "JSON"),
    ("facts", "JSON"),
    ("decisive", "JSON"),
    ("lock", "JSON"),
    ("patches", "JSON"),
    ("sandbox", "JSON"),
    ("peak_memory_bytes", "BIGINT"),
    ("log", "VARCHAR"),
    ("log_excerpt", "VARCHAR"),
    ("observer", "VARCHAR"),
    ("caniload_version", "VARCHAR"),
    ("machine", "VARCHAR"),
    ("record", "JSON"),
)
"""Columns of observations; `record` is the whole `Observation` as JSON."""

SETTLEMENT_COLUMNS: tuple[tuple[str, str], ...] = (
    ("run_id", "VARCHAR"),
    ("cell_id", "VARCHAR"),
    ("observations", "JSON"),
    ("outcome", "VARCHAR"),
    ("settled_at", "TIMESTAMPTZ"),
)
"""Columns of settlements; `observations` is a JSON list of observation ids."""


def names(columns: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Return the names of a list of columns, in order."""
    return tuple(name for name, _ in columns)


def ddl(columns: tuple[tuple[str, str], ...]) -> str:
    """Return the columns as they stand between the parentheses of a CREATE TABLE."""
    return ", ".join(f'"{name}" {kind}' for name, kind in columns)
