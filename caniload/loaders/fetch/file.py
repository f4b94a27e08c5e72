"""The `file` hub: a directory or file of the user's own, used in place and never copied.

The revision of a file is ``sha256-`` and its hash, that of a directory the hash of its
canonical listing. What is recorded is the name alone, never the path.
"""

from __future__ import annotations

from pathlib import Path

from caniload.errors import ArtefactError, UnreadableFileError
from caniload.handles import Handle
from caniload.loaders.fetch.hashing import hash_file, hash_listing, hash_tree
from caniload.loaders.hub import Claim, Found, Laid, Order
from caniload.records import FileFact
from caniload.settings import Settings


class FileHub:
    """Serve what already lies on this machine."""

    name = "file"
    cached = False

    def resolve(self, handle: Handle, settings: Settings) -> Handle:
        """Hash the files and return the handle at that revision, the path still in it.

        Raises `UnreadableFileError`, or `ArtefactError` when the handle names another revision.
        """
        found = handle.at(f"sha256-{_revision(_path(handle), _facts(_path(handle)))}")
        if handle.revision is not None and found.revision != handle.revision:
            raise ArtefactError(
                self.name,
                f"{Path(handle.locator).name} has changed: it is {found.revision}, "
                f"not {handle.revision}",
                "name it without a revision to take it as it is",
            )
        return found

    def selection(self, handle: Handle) -> str:
        """Nothing is selected: the files are used where they lie."""
        return "all"

    def lay(self, handle: Handle, into: Path, order: Order) -> Laid:
        """Return the files in place; the handle keeps the last part of the path alone."""
        path = _path(handle)
        facts = _facts(path)
        resolved = self.resolve(handle, order.settings)
        if order.sha256 is not None and resolved.revision != f"sha256-{order.sha256}":
            raise ArtefactError(
                self.name, f"{path.name} is {resolved.revision}, pinned was sha256-{order.sha256}"
            )
        named = Handle(
            self.name,
            path.name,
            resolved.revision,
            handle.subfolder,
            handle.format,
            handle.variant,
        )
        return Laid(named, path, facts, "the files' own hash", handle.format)

    def recheck(self, handle: Handle, note: dict[str, str], order: Order) -> bool:
        """Nothing is cached, so nothing can be stale."""
        return True

    def browse(self, query: str, settings: Settings) -> tuple[Found, ...]:
        """List what lies directly in the directory `query`, if it is one."""
        root = Path(query).expanduser()
        if not root.is_dir():
            return ()
        names = sorted(entry for entry in root.iterdir() if not entry.name.startswith("."))
        return tuple(Found(Handle(self.name, str(entry.absolute()))) for entry in names)

    def claims(self, handle: Handle, settings: Settings) -> tuple[Claim, ...]:
        """A file claims nothing; its content is recognised by the loaders' side."""
        return ()


def _path(handle: Handle) -> Path:
    """Return the absolute path that a handle names; `~` is the user's home."""
    path = Path(handle.locator).expanduser().absolute()
    if not path.exists():
        raise UnreadableFileError(
            handle.locator, "no such file or directory", "check the path; it is not a model's name"
        )
    return path.resolve() if not path.name or path.name == ".." else path


def _facts(path: Path) -> tuple[FileFact, ...]:
    if not path.is_dir():
        return (hash_file(path),)
    facts = hash_tree(path)
    if not facts:
        raise UnreadableFileError(str(path), "the directory holds no files")
    return facts


def _revision(path: Path, facts: tuple[FileFact, ...]) -> str:
    return hash_listing(facts) if path.is_dir() else facts[0].sha256
