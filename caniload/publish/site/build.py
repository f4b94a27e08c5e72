"""Write the whole site into a folder: what changed is written, what is gone is removed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

from caniload.catalog.answers import CellAnswer
from caniload.catalog.store import Store
from caniload.errors import BadInputError, UnreadableFileError
from caniload.publish.checked import Way
from caniload.publish.embed import answers as answers_file
from caniload.publish.embed import badge, exporting, fragments
from caniload.publish.embed.asking import ask, find
from caniload.publish.site import (
    choosing,
    downloads,
    page_entries,
    page_front,
    page_lists,
    page_models,
    page_runs,
    page_state,
    paths,
    search_index,
    templating,
)
from caniload.publish.site.facts import Facts, gather
from caniload.publish.site.page import Page

MANIFEST = "caniload-site.json"
"""Lists the files of a site with their hashes; what is not in it is nobody's to remove."""
WAITING = "search.json"

Say = Callable[[str], None]
"""Takes a line of progress."""
Whose = Literal["me", "ci", "all"]
Ways = Callable[[Store, CellAnswer], Way]


@dataclass(frozen=True, slots=True)
class Built:
    """Count what a build made: pages, files in all with their bytes, and what it touched."""

    pages: int
    files: int
    size_bytes: int
    written: int
    removed: int


def build(
    store: Store,
    way: Ways,
    target: Path,
    whose: Whose = "all",
    address: str = "",
    say: Say = lambda _: None,
) -> Built:
    """Write the site; with the `address` it will have, a map of it for search engines too.

    The same store gives the same bytes. Raises `BadInputError` for a folder that holds something
    else than a site, `UnreadableFileError` where it cannot be written.
    """
    former = _former(target)
    say("reading the evidence")
    facts = gather(store, way, whose)
    known: dict[str, str] = {}
    pages = size = written = 0
    folders: list[str] = []
    try:
        _list(target, former)  # so that a build that was cut off is taken up again
        for path, body, page in _files(store, facts, way, whose, say):
            if page is not None:
                pages += 1
                folders.append(page.folder)
            known[path] = hashlib.sha256(body).hexdigest()
            size += len(body)
            written += _put(target / path, body, former.get(path) == known[path])
        if address:
            body = _map(address, folders)
            known["sitemap.xml"] = hashlib.sha256(body).hexdigest()
            written += _put(target / "sitemap.xml", body, same=False)
        gone = [path for path in former if path not in known]
        for path in gone:
            (target / path).unlink(missing_ok=True)
            _prune(target, (target / path).parent)
        _list(target, known)
    except OSError as error:
        why = (error.strerror or "the system refused").lower()
        place = str(error.filename or target)
        raise UnreadableFileError(place, why, "free space or allow writing") from error
    return Built(pages, len(known), size, written, len(gone))


def _files(
    store: Store, facts: Facts, way: Ways, whose: Whose, say: Say
) -> Iterator[tuple[str, bytes, Page | None]]:
    """Yield every file of the site: its path, its bytes, and the page it is, if it is one."""
    data: list[str] = []
    say("writing tables")
    for path, body in downloads.files(store, facts):
        data.append(path)
        yield path, body, None
    say(f"writing pages: {len(facts.models):,} models, {len(facts.sources):,} sources, and others")
    for page in _pages(store, facts, data):
        yield page.path, page.write(), page
    say("writing the index of the search, and what the page that chooses answers")
    yield WAITING, search_index.index(store, whose), None
    yield "choose/lines.json", choosing.lines(store, whose), None
    for path, body in _embeds(store, way, whose):
        yield path, body, None
    for source in _static():
        yield f"static/{source.name}", source.read_bytes(), None
    for source in sorted(fragments.static().iterdir()):
        if source.is_file():
            yield f"static/{source.name}", source.read_bytes(), None


def _pages(store: Store, facts: Facts, data: list[str]) -> Iterator[Page]:
    yield from page_front.pages(store, facts, data)
    yield from page_lists.pages(facts)
    yield from page_models.pages(store, facts)
    yield from page_entries.pages(store, facts)
    yield from page_runs.pages(store, facts)
    yield from page_state.pages(store, facts)
    values = {"place": "choose", "newest": facts.newest} | choosing.page(store)
    yield Page("choose/", "choose.html.j2", values, "Choose")


def _embeds(store: Store, way: Ways, whose: Whose) -> Iterator[tuple[str, bytes]]:
    """Yield what the web component and badges elsewhere read: a file a model."""
    found = exporting.export(store, way, whose=whose)
    for model in found.models:
        name = paths.segment(model.id)
        days = [cell.measured for cell in model.cells if cell.measured]
        alone = found.model_copy(update={"models": (model,), "newest": max(days, default=None)})
        yield f"answers/{name}.json", answers_file.write(alone).encode()
        made = badge.badge(find(alone, ask("badge", model.id, {})), None, None)
        yield f"badges/{name}.svg", badge.svg(made).encode()
        yield f"badges/{name}.json", badge.endpoint(made).encode()


def _static() -> list[Path]:
    folder = Path(str(resources.files("caniload.publish.site") / "static"))
    return sorted(path for path in folder.iterdir() if path.is_file())


def _former(target: Path) -> dict[str, str]:
    """Return the files of the site that lies there; refuse a folder that holds something else."""
    manifest = target / MANIFEST
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return {}
    if not target.is_dir():
        raise BadInputError(f"{target} is a file", "name a folder")
    if not manifest.is_file():
        raise BadInputError(
            f"{target} holds files that are no site of caniload's",
            "name an empty folder, or one that an earlier build wrote",
        )
    try:
        found = json.loads(manifest.read_text("utf-8"))["files"]
        return {str(path): str(digest) for path, digest in found.items() if _within(str(path))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = "it is no list of a site's files"
        raise UnreadableFileError(str(manifest), why, "build into a new folder") from error


def _list(target: Path, known: Mapping[str, str]) -> None:
    """Write down which files are the site's."""
    manifest = {"caniload": "site", "schema_version": 1, "files": dict(sorted(known.items()))}
    _put(target / MANIFEST, (json.dumps(manifest, indent=0) + "\n").encode(), same=False)


def _within(path: str) -> bool:
    """Tell whether a path of a manifest stays in the site, whoever wrote it."""
    return not path.startswith("/") and ".." not in path.split("/") and "\\" not in path


def _put(path: Path, body: bytes, same: bool) -> bool:
    """Write a file whole or not at all; leave alone what is the same already."""
    if same and path.is_file() and path.stat().st_size == len(body):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name[:200]}.part")
    draft.write_bytes(body)
    draft.replace(path)
    return True


def _prune(target: Path, folder: Path) -> None:
    """Remove folders that a removed file left empty."""
    while folder != target and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _map(address: str, folders: list[str]) -> bytes:
    """Return a sitemap (https://www.sitemaps.org/protocol.html)."""
    base = address.rstrip("/") + "/"
    template = templating.environment().get_template("sitemap.xml.j2")
    return template.render(base=base, folders=sorted(folders)).encode()
