"""The `torchhub` hub: a GitHub repository at one commit, with what its entry point downloads.

`hubconf.py` is read, never run: the entry points, the packages it needs, the addresses of the
weights (`hubconf`, `hub_weights`). Nothing asks whether the repository is trusted: it is code,
and the sandbox and `--allow-code` decide. `CANILOAD_TORCHHUB_ENDPOINT` names a mirror of GitHub.
"""

from __future__ import annotations

import difflib
import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from caniload.errors import ArtefactError, BadInputError, HubError
from caniload.handles import Handle
from caniload.loaders.fetch import github, hubconf
from caniload.loaders.fetch.archives import Limits, unpack
from caniload.loaders.fetch.download import Wanted, download
from caniload.loaders.fetch.github import COMMIT, Repository
from caniload.loaders.fetch.http import open_client
from caniload.loaders.fetch.hub_weights import Needs, needs
from caniload.loaders.fetch.storage import unchanged
from caniload.loaders.fetch.weights import WeightFile, bring, empty, only_format, still, write_json
from caniload.loaders.hub import Claim, Found, Laid, Order
from caniload.records import FileFact
from caniload.settings import Settings

FORMAT = "torch-hub"
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*\Z")
_NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]+\Z")


class TorchHub:
    """Serve ``torchhub:owner/repo/entry`` at a commit, in torch.hub's cache layout."""

    name = "torchhub"
    cached = True

    def resolve(self, handle: Handle, settings: Settings) -> Handle:
        """Return the handle at a full commit; a branch, a tag or nothing is asked for."""
        repository, _ = _parts(handle)
        only_format(handle, FORMAT)
        if handle.subfolder is not None:
            raise BadInputError(f"{handle.source} has no folders", f"write {handle.source}")
        if handle.revision is not None and COMMIT.match(handle.revision):
            return handle
        return handle.at(github.commit_of(repository, handle.revision, settings))

    def selection(self, handle: Handle) -> str:
        """The repository with the weights of the one entry point that the handle names."""
        return "all"

    def lay(self, handle: Handle, into: Path, order: Order) -> Laid:
        """Download the tree and the weights; `torchhub.json` says what was found in the code."""
        repository, entry = _parts(handle)
        files = empty(into)
        facts, note = _tree(handle, repository, into, order)
        sources = hubconf.Sources(files / "repo")
        _checked(handle, entry, sources)
        found = needs(sources, entry, github.mirror_host())
        brought, etags = bring(found.files, into, handle, replace(order, sha256=None))
        facts += brought
        facts.append(_told(files, handle, sources, found, brought))
        return Laid(
            Handle(self.name, handle.locator, handle.revision),
            files,
            tuple(facts),
            "GitHub",
            FORMAT,
            {**note, **etags, **{f"url {one.path}": one.url for one in found.files}},
        )

    def recheck(self, handle: Handle, note: dict[str, str], order: Order) -> bool:
        """Ask whether the zip and every file of weights are unchanged since their ETags."""
        repository, _ = _parts(handle)
        address = github.zip_address(repository, str(handle.revision))
        if not unchanged(address, note.get("etag", ""), order.settings, github.headers()):
            return False
        files = [
            WeightFile(url, key.removeprefix("url "))
            for key, url in note.items()
            if key.startswith("url ")
        ]
        return still(files, self.name, note, order)

    def browse(self, query: str, settings: Settings) -> tuple[Found, ...]:
        """List the entry points of ``owner/repo``; GitHub has no search for such repositories.

        The whole tree is downloaded, since many of them are imported from it.
        """
        owner, _, rest = query.partition("/")
        name, _, wanted = rest.partition("/")
        if not _OWNER.match(owner) or not _NAME.match(name):
            return ()
        repository = Repository(owner, name)
        commit = github.commit_of(repository, None, settings)
        with tempfile.TemporaryDirectory() as folder:
            files = empty(Path(folder))
            whole = Handle(self.name, str(repository), commit)
            _tree(whole, repository, Path(folder), Order(settings))
            sources = hubconf.Sources(files / "repo")
            said = _claims(sources)
            entries = hubconf.entries(sources)
        return tuple(
            Found(Handle(self.name, f"{repository}/{entry}", commit), "", said)
            for entry in entries
            if wanted in entry
        )

    def claims(self, handle: Handle, settings: Settings) -> tuple[Claim, ...]:
        """Return what `hubconf.py` says that it needs; only that file is fetched."""
        repository, _ = _parts(handle)
        commit = str(self.resolve(handle, settings).revision)
        with tempfile.TemporaryDirectory() as folder:
            return _claims(_only_hubconf(Path(folder), repository, commit, settings))


def _parts(handle: Handle) -> tuple[Repository, str]:
    parts = handle.locator.split("/")
    if len(parts) == 3:
        owner, name, entry = parts
        if _OWNER.match(owner) and _NAME.match(name) and entry.isidentifier():
            return Repository(owner, name), entry
    raise BadInputError(
        f"{handle.locator!r} names no entry point", "write torchhub:owner/repository/entry"
    )


def _tree(
    handle: Handle, repository: Repository, into: Path, order: Order
) -> tuple[list[FileFact], dict[str, str]]:
    """Download the commit's zip and lay what is in its one folder into ``files/repo``."""
    commit = str(handle.revision)
    archive, unpacked = into / "parts" / f"{commit}.zip", into / "unpacked"
    archive.parent.mkdir(exist_ok=True)
    shutil.rmtree(unpacked, ignore_errors=True)
    wanted = Wanted(
        github.zip_address(repository, commit),
        archive,
        "torchhub",
        sha256=order.sha256,
        headers=github.headers(),
        check=lambda response: github.check(response, f"{repository} at {commit}"),
    )
    with open_client(order.settings) as client:
        arrived = download(
            client,
            wanted,
            order.settings,
            lambda done, total: order.tell(handle, f"{repository}.zip", done, total),
        )
    github.check_commit(archive, commit, str(repository))
    facts = unpack(archive, unpacked, "torchhub", Limits(links_as_text=True))
    archive.unlink()
    tops = {fact.path.partition("/")[0] for fact in facts}
    if len(tops) != 1 or any("/" not in fact.path for fact in facts):
        raise ArtefactError(
            "torchhub", f"{repository}: the zip is not one folder", "tell the publisher"
        )
    top = tops.pop()
    (unpacked / top).rename(into / "files" / "repo")
    moved = [
        fact.model_copy(update={"path": "repo" + fact.path.removeprefix(top)}) for fact in facts
    ]
    return moved, {"etag": arrived.etag or "", "sha256": arrived.sha256}


def _checked(handle: Handle, entry: str, sources: hubconf.Sources) -> None:
    """Refuse a repository without hubconf.py, and an entry point that it certainly lacks."""
    if hubconf.hubconf(sources) is None:
        raise HubError(
            "torchhub",
            "missing",
            f"{handle.source} has no hubconf.py that can be read",
            "check the repository and the commit",
        )
    if hubconf.bound(sources, entry) is False:
        there = hubconf.entries(sources)
        near = difflib.get_close_matches(entry, there, n=3) or list(there[:8])
        raise HubError(
            "torchhub",
            "missing",
            f"hubconf.py of {handle.source.rpartition('/')[0]} has no entry point {entry!r}",
            f"it has {', '.join(near)}" if near else "it has none",
        )


def _told(
    files: Path,
    handle: Handle,
    sources: hubconf.Sources,
    found: Needs,
    brought: list[FileFact],
) -> FileFact:
    """Write `torchhub.json`."""
    repository, entry = _parts(handle)
    urls = {one.path: one.url for one in found.files}
    weights = [
        {
            "url": urls[fact.path],
            "file": fact.path.removeprefix("checkpoints/"),
            "sha256": fact.sha256,
            "size_bytes": fact.size_bytes,
        }
        for fact in brought
    ]
    told = {
        "owner": repository.owner,
        "repo": repository.name,
        "commit": handle.revision,
        "entry": entry,
        "call": found.call,
        "dependencies": hubconf.dependencies(sources),
        "weights": weights,
        "unfetched": found.unfetched,
    }
    return write_json(files, "torchhub.json", told)


def _only_hubconf(
    root: Path, repository: Repository, commit: str, settings: Settings
) -> hubconf.Sources:
    (root / "hubconf.py").write_bytes(github.file_of(repository, commit, "hubconf.py", settings))
    return hubconf.Sources(root)


def _claims(sources: hubconf.Sources) -> tuple[Claim, ...]:
    says = "hubconf.py makes it a torch.hub repository"
    needed = [Claim(f"requires {name}") for name in hubconf.dependencies(sources)]
    return (Claim(says, FORMAT, "pytorch", FORMAT), *needed)
