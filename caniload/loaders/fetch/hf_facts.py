"""What a Hugging Face repository is like: access, licence, formats with sizes, parameters."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx2

from caniload.errors import HubError
from caniload.handles import Handle
from caniload.loaders.facts import Facts, FormatFacts
from caniload.loaders.fetch import hf_files
from caniload.loaders.fetch.hf_headers import Remote, read_header
from caniload.loaders.fetch.http import open_client
from caniload.settings import Settings

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

WORKERS = 8
"""How many headers are read at once."""


def facts(
    handle: Handle,
    info: ModelInfo,
    settings: Settings,
    address: Callable[[str, str], str],
    check: Callable[[httpx2.Response, str], None],
) -> Facts:
    """Return what a repository's information and its safetensors headers say.

    `address` makes the URL of a path at a commit, `check` raises what a refusal means.
    """
    sizes = {sibling.rfilename: sibling.size for sibling in info.siblings or ()}
    commit = info.sha or handle.revision
    parameters, dtypes, source = _count(handle, commit, sizes, settings, address, check)
    card = info.card_data
    gated = f"gated ({info.gated})" if info.gated else "open"
    return Facts(
        handle=handle.at(commit),
        access="private" if info.private else gated,
        licence=licence(card.get("license") if card else None, info.tags or []),
        task=info.pipeline_tag,
        library=info.library_name,
        renamed_to=None if info.id == handle.locator else info.id,
        last_modified=info.last_modified.date().isoformat() if info.last_modified else None,
        formats=tuple(_format(form, sizes) for form in hf_files.formats(sizes)),
        parameters=parameters,
        dtypes=dtypes,
        counted_from=source,
        claims=hf_files.claims(sizes, info.tags or (), info.library_name),
    )


def _format(form: str, sizes: dict[str, int | None]) -> FormatFacts:
    """Count the weight files of a format in its usual precision."""
    paths = hf_files.weights(sizes, form)
    known = [size for path in paths if (size := sizes[path]) is not None]
    return FormatFacts(form, len(paths), sum(known) if len(known) == len(paths) else None)


def licence(said: object, tags: list[str]) -> str | None:
    """Return the licence of the model card, else that of the tags."""
    if isinstance(said, str):
        return said
    tagged = [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
    return tagged[0] if tagged else None


def _count(
    handle: Handle,
    commit: str | None,
    sizes: dict[str, int | None],
    settings: Settings,
    address: Callable[[str, str], str],
    check: Callable[[httpx2.Response, str], None],
) -> tuple[int | None, dict[str, int], str]:
    """Return parameters, elements by dtype and where they were read; or why they were not."""
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    if handle.format not in (None, "safetensors"):
        return None, {}, f"{handle.format} files state no parameters ahead of their data"
    paths = [
        path
        for path in hf_files.weights(sizes, "safetensors", handle.variant, handle.subfolder)
        if path.endswith(".safetensors")
    ]
    if not paths or commit is None:
        return None, {}, "no safetensors files"
    headers = build_hf_headers(library_name="caniload")
    with open_client(settings) as client, ThreadPoolExecutor(WORKERS) as pool:

        def one(path: str) -> dict[str, int]:
            what = f"{handle.source}, {path}"
            remote = Remote(
                address(path, commit), sizes[path] or 0, headers, lambda got: check(got, what)
            )
            return read_header(client, remote, settings).elements

        try:
            counted = list(pool.map(one, paths))
        except HubError as error:
            return None, {}, f"not read: {error.message}"
    dtypes: dict[str, int] = {}
    for elements in counted:
        for dtype, count in elements.items():
            dtypes[dtype] = dtypes.get(dtype, 0) + count
    one_file = f"the header of {paths[0]}"
    many = f"the headers of {len(paths)} safetensors files"
    return sum(dtypes.values()), dtypes, one_file if len(paths) == 1 else many
