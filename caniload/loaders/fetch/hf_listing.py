"""List repositories of a Hugging Face hub by a query, as the lines that an import takes in.

One call of `HfApi.list_models`, which follows the hub's pages; nothing is downloaded, and what a
repository's owner states (licence, languages, base model) is taken as stated.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from caniload.errors import BadInputError
from caniload.handles import Handle
from caniload.loaders.fetch import hf, hf_files
from caniload.loaders.fetch.hf_facts import licence
from caniload.settings import Settings

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ExpandModelProperty_T, ModelInfo

CATALOGUE = "hf"

_EXPAND: list[ExpandModelProperty_T] = [
    "sha", "pipeline_tag", "library_name", "tags", "siblings", "gated", "createdAt",
    "safetensors", "cardData",
]  # fmt: skip
_LOCATOR = re.compile(r"[\w.-]+/[\w.-]+\Z|[\w.-]+\Z", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]+)*\Z")


@dataclass(frozen=True, slots=True)
class Query:
    """Say which repositories are asked for; one field at least must be given."""

    search: str | None = None
    author: str | None = None
    task: str | None = None
    library: str | None = None
    limit: int = 1000

    @property
    def text(self) -> str:
        """The query as one text, the same for the same question."""
        asked = {
            "author": self.author,
            "library": self.library,
            "search": self.search,
            "task": self.task,
        }
        return urlencode({name: value for name, value in asked.items() if value})

    @property
    def tag(self) -> str:
        """The query as part of a file's name."""
        return re.sub(r"[^a-z0-9]+", "-", self.text.lower()).strip("-")


def lines(
    query: Query, settings: Settings, read: str, tasks: Container[str]
) -> Iterator[dict[str, Any]]:
    """Ask the hub and return header and one line a repository.

    `tasks` are the pipeline tags that we know; another one is kept as a fact alone. Raises
    `BadInputError` for an empty query, `HubError` where the hub does not answer: nothing was
    returned then.
    """
    if not query.text:
        raise BadInputError(
            "a query of Hugging Face is empty", "give --search, --author, --task or --library"
        )
    found = hf.listed(
        settings,
        query.text,
        search=query.search,
        author=query.author,
        pipeline_tag=query.task,
        filter=query.library,
        limit=query.limit,
        expand=_EXPAND,
    )
    yield {
        "kind": "header",
        "catalogue": CATALOGUE,
        "upstream": "hf:api/models",
        "version": f"{query.text}, at most {query.limit}",
        "read": read,
    }
    for info in found:
        yield _line(info, tasks)


def _line(info: ModelInfo, tasks: Container[str]) -> dict[str, Any]:
    """Return the line of one repository."""
    from huggingface_hub import ModelCardData

    card = info.card_data or ModelCardData()
    tags = list(info.tags or ())
    paths = [sibling.rfilename for sibling in info.siblings or ()]
    claims = hf_files.claims(paths, tags, info.library_name)
    facts = {
        "commit": info.sha,
        "library": info.library_name,
        "pipeline_tag": info.pipeline_tag,
        "gated": str(info.gated) if info.gated else None,
    }
    return {
        "kind": "source",
        "catalogue": CATALOGUE,
        "handle": str(Handle("hf", info.id)),
        "name": info.id,
        "parent": _base(card.get("base_model")),
        "tasks": [info.pipeline_tag] if info.pipeline_tag in tasks else [],
        "languages": [text for text in _texts(card.get("language")) if _LANGUAGE.match(text)],
        "frameworks": sorted({each.framework for each in claims if each.framework}),
        "loaders": sorted({each.loader for each in claims if each.loader}),
        "formats": sorted({each.format for each in claims if each.format}),
        "parameters": info.safetensors.total if info.safetensors else None,
        "licence": licence(card.get("license"), tags),
        "published": info.created_at.date().isoformat() if info.created_at else None,
        "facts": {name: said for name, said in facts.items() if said},
    }


def _base(said: Any) -> str | None:
    """Return the one repository that a card names as its base."""
    bases = [text for text in _texts(said) if _LOCATOR.match(text)]
    return str(Handle("hf", bases[0])) if len(bases) == 1 else None


def _texts(said: Any) -> list[str]:
    """Return what a card gives as a text or a list of texts; other values are no words."""
    values = said if isinstance(said, list) else [said]
    return [value for value in values if isinstance(value, str) and value.strip()]
