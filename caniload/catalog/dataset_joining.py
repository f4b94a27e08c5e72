"""Join the datasets that libraries list to the datasets that people name, each by its evidence.

`data/joins/datasets.yaml` says which row of which catalogue is which dataset, by what that is
known (`by`), and where it was read. Nothing is joined by its name alone. Nothing here imports
pydantic, since publishing reads joins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from caniload import yaml_text
from caniload.catalog.upstream import snapshots
from caniload.errors import CatalogueError

if TYPE_CHECKING:
    import duckdb

    from caniload.catalog.entries import Authored, DatasetEntry
    from caniload.catalog.rules import Problem

FILE = "joins/datasets.yaml"

BY: Mapping[str, str] = MappingProxyType(
    {
        "checksum": "the library checks its download with a hash that the entry lists",
        "url": "the library downloads from an address that the entry lists",
        "file": "the library takes the publisher's files of the same names from another address",
        "source": "the library's documentation names the publisher's own data as its source",
    }
)
"""By what a row is known to be the dataset of an entry, surest first."""

CATALOGUES = ("tfds", "torchvision-datasets", "torchaudio-datasets", "keras-datasets")
"""The catalogues of datasets."""

_NEEDED = ("dataset", "catalogue", "name", "by", "page", "says")
_KEYS = {*_NEEDED, "read", "configs"}


@dataclass(frozen=True, slots=True)
class DatasetJoin:
    """Say that a catalogue's dataset of a name is an entry's: all of it, or some configurations.

    `page` is where it was read, `read` the day, `says` what was read there.
    """

    dataset: str
    catalogue: str
    name: str
    configs: tuple[str, ...]
    by: str
    page: str
    read: date | None
    says: str

    @property
    def rule(self) -> str:
        """The join's rule in the store."""
        return f"datasets:{self.by}"

    @property
    def what(self) -> str:
        """The row as people read it."""
        configs = f" {', '.join(self.configs)}" if self.configs else ""
        return f"{self.catalogue} {self.name}{configs}"


def read(data: Path) -> tuple[DatasetJoin, ...]:
    """Read the joins; none where there is no file. Raises `CatalogueError` naming the join."""
    import yaml

    path = data / FILE
    if not path.exists():
        return ()
    try:
        content = yaml_text.parse(path.read_bytes())
    except (OSError, yaml.YAMLError) as error:
        raise CatalogueError(f"{FILE} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or set(content) != {"joins"}:
        raise CatalogueError(f"{FILE} holds no joins", "begin with joins:")
    return tuple(
        _join(said, f"{FILE}: joins[{index}]") for index, said in enumerate(content["joins"] or ())
    )


def write(database: duckdb.DuckDBPyConnection, catalog: str, data: Path) -> None:
    """Fill `dataset_joins` from the imported datasets and the entries that are in the store."""
    from caniload.catalog.verdicts import insert

    rows: dict[tuple[str, str], list[str | None]] = defaultdict(list)
    for catalogue, name, config in database.execute(
        f"SELECT catalogue, name, config FROM {catalog}.imported_datasets ORDER BY ALL"
    ).fetchall():
        rows[catalogue, name].append(config)
    known = {id_ for (id_,) in database.execute(f"SELECT id FROM {catalog}.datasets").fetchall()}
    found = [
        {
            "dataset": join.dataset,
            "catalogue": join.catalogue,
            "name": join.name,
            "config": config,
            "rule": join.rule,
        }
        for join in read(data)
        if join.dataset in known
        for config in rows[join.catalogue, join.name]
        if not join.configs or config in join.configs
    ]
    columns = ("dataset", "catalogue", "name", "config", "rule")
    insert(database, f"{catalog}.dataset_joins", tuple((c, "VARCHAR") for c in columns), found)


def problems(data: Path, authored: Authored, today: date) -> Iterator[Problem]:
    """Find joins of unknown entries, without evidence, said twice, or that match no row.

    A join by checksum or address is compared with what the snapshot states of the row's files.
    """
    from caniload.catalog.rules import Problem

    try:
        joins = read(data)
    except CatalogueError as error:
        yield Problem(FILE, "joins", error.message, error.hint or "mend it", "dataset_joins")
        return
    entries = {entry.id: entry for entry in authored.datasets}
    listed = _snapshots(data)
    owners: dict[tuple[str, str, str | None], str] = {}
    for index, join in enumerate(joins):
        for says, instead in _wrong(join, entries.get(join.dataset), listed, owners, today):
            what = f"{join.dataset}: {join.what}: {says}"
            yield Problem(FILE, f"joins[{index}]", what, instead, "dataset_joins")


def _wrong(
    join: DatasetJoin,
    entry: DatasetEntry | None,
    listed: Mapping[str, Mapping[str, list[snapshots.Row]]],
    owners: dict[tuple[str, str, str | None], str],
    today: date,
) -> Iterator[tuple[str, str]]:
    """Say what is wrong with one join, and what to write instead."""
    if entry is None:
        yield "no dataset has this id", "write the id of an entry"
    if join.read is None or join.read > today:
        yield f"{join.read} is no day on which it was read", "write the day, YYYY-MM-DD"
    for config in join.configs or (None,):
        key = (join.catalogue, join.name, config)
        for taken in (key, (*key[:2], None)):
            if taken in owners:
                yield f"{owners[taken]} has it already", "take one of the two out"
                break
        owners[key] = join.dataset
    if join.catalogue not in listed:
        return
    rows = listed[join.catalogue].get(join.name, [])
    for config in join.configs:
        if config not in {row["config"] for row in rows}:
            yield f"there is no configuration {config}", "write one that the catalogue lists"
    if not rows:
        yield "the catalogue lists no dataset of this name", "write the name as it stands there"
    elif entry is not None and not _evident(join.by, entry, rows):
        yield (
            f"none of its files has {'a hash' if join.by == 'checksum' else 'an address'}"
            " of the entry",
            f"add it to the entry's checksums, or say by what else: {', '.join(BY)}",
        )


def _evident(by: str, entry: DatasetEntry, rows: Iterable[snapshots.Row]) -> bool:
    """Tell whether what a snapshot states of the files bears a join out, where it states any."""
    files = [file for row in rows for file in row["checksums"] or ()]
    if by == "checksum":
        return bool({file["value"] for file in files} & {each.value for each in entry.checksums})
    if by == "url" and files:
        ours = {_address(each.url) for each in entry.checksums}
        return bool({_address(file["url"]) for file in files} & ours)
    return True


def _address(url: str) -> str:
    """Write an address so that protocol and query do not matter."""
    return url.partition("://")[2].partition("?")[0]


def _snapshots(data: Path) -> dict[str, dict[str, list[snapshots.Row]]]:
    """Read the snapshots of datasets that there are: catalogue to name to rows."""
    found: dict[str, dict[str, list[snapshots.Row]]] = {}
    for path in snapshots.files(data / snapshots.FOLDER):
        if path.stem in CATALOGUES:
            names = found.setdefault(path.stem, defaultdict(list))
            for row in snapshots.read(path).rows:
                names[row["name"]].append(row)
    return found


def _join(said: Any, where: str) -> DatasetJoin:
    """Check the fields of one join."""
    if not isinstance(said, dict) or set(said) - _KEYS:
        raise CatalogueError(f"{where} is no join", f"write {', '.join(sorted(_KEYS))}")
    for key in _NEEDED:
        if not isinstance(said.get(key), str) or not said[key]:
            raise CatalogueError(f"{where}.{key} is missing", "every join names its evidence")
    if said["by"] not in BY:
        raise CatalogueError(f"{where}.by: {said['by']!r}", f"write one of {', '.join(BY)}")
    if said["catalogue"] not in CATALOGUES:
        raise CatalogueError(
            f"{where}.catalogue: {said['catalogue']!r}", f"write one of {', '.join(CATALOGUES)}"
        )
    read_on = said.get("read")
    configs = tuple(str(each) for each in said.get("configs") or ())
    day = read_on if isinstance(read_on, date) else None
    return DatasetJoin(
        said["dataset"], said["catalogue"], said["name"], configs, said["by"], said["page"],
        day, said["says"],
    )  # fmt: skip
