"""The words of a project that a choice understands, and which tools each of them means.

A target or a need means the tools of some purposes; what a project may say besides is looked up
in the store (models, datasets, vendors of platforms, languages of tools).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from caniload.errors import UnknownNameError
from caniload.words import FRAMEWORKS

if TYPE_CHECKING:
    from caniload.catalog.store import Store

COMPARED = ("pytorch", "tensorflow", "jax")
"""The frameworks that are compared unless the question names others."""

PLATFORMS = ("platform",)
"""The purposes of a tool that a cloud's vendor offers."""

TARGETS: dict[str, tuple[str, ...]] = {
    "server": ("serving", "inference"),
    "mobile": ("mobile",),
    "browser": ("browser",),
    "edge": ("edge", "mobile"),
    "cloud": PLATFORMS,
}
"""Where a project is deployed, and the purposes of the tools that take it there; the vendor of a
platform, by its own name or the platform's, is a target too."""

NEEDS: dict[str, tuple[str, ...]] = {
    "training": ("training", "building", "distributed"),
    "fine-tuning": ("training", "building"),
    "distributed-training": ("distributed",),
    "high-level-api": ("building", "training"),
    "quantisation": ("quantisation",),
    "conversion": ("conversion",),
    "kaggle": (),
    "research-code": (),
}
"""What a project needs besides, and the purposes of the tools that serve it."""


@dataclass(frozen=True, slots=True)
class Words:
    """Hold a project's words in the catalogue's spelling: targets in lower case, vendors as are."""

    deploy: tuple[str, ...]
    languages: tuple[str, ...]
    needs: tuple[str, ...]
    frameworks: tuple[str, ...]


def read(
    store: Store,
    deploy: Iterable[str] = (),
    languages: Iterable[str] = (),
    needs: Iterable[str] = (),
    frameworks: Iterable[str] = (),
) -> Words:
    """Return the words as the catalogue spells them, each once.

    A language that no tool names and that looks like none stays as it is: nothing is known of it.
    Raises `UnknownNameError` for another word that is not known.
    """
    targets = {name: name for name in TARGETS}
    vendors = store.direct(_VENDORS, [list(PLATFORMS)])
    targets |= {vendor: vendor for vendor, _ in vendors}
    called = {name: vendor for vendor, names in vendors for name in names}
    spoken = [name for (name,) in store.direct(_LANGUAGES)]
    return Words(
        _each("target", deploy, targets, called),
        tuple(dict.fromkeys(_language(name, spoken) for name in languages)),
        _each("need", needs, {name: name for name in NEEDS}),
        _each("framework", frameworks, {name: name for name in FRAMEWORKS}) or COMPARED,
    )


_VENDORS = (
    "SELECT vendor, flatten(list([id, name] || aliases)) FROM store.tools "
    "WHERE vendor IS NOT NULL AND list_contains(?, purpose) GROUP BY vendor ORDER BY vendor"
)
_LANGUAGES = "SELECT DISTINCT unnest(languages) AS name FROM store.tools ORDER BY name"


def fold(text: str) -> str:
    """Write a word so that case, underscores and spaces do not matter."""
    return text.casefold().strip().replace("_", "-").replace(" ", "-")


def _each(
    kind: str, words: Iterable[str], known: dict[str, str], others: dict[str, str] | None = None
) -> tuple[str, ...]:
    """Return what each word means among the `known`, which errors list, and `others`.

    Raises `UnknownNameError`.
    """
    spelled = {fold(name): meant for name, meant in {**(others or {}), **known}.items()}
    found: dict[str, None] = {}
    for word in words:
        name = spelled.get(fold(word))
        if name is None:
            near = get_close_matches(fold(word), spelled, 2)
            names = tuple(dict.fromkeys(spelled[each] for each in near))
            raise UnknownNameError(kind, word, names, f"known: {', '.join(known)}")
        found[name] = None
    return tuple(found)


def _language(word: str, known: list[str]) -> str:
    """Return a language in its known spelling, or as it is; raises for one that is misspelled."""
    spelled = {fold(name): name for name in known}
    if (name := spelled.get(fold(word))) is not None:
        return name
    near = get_close_matches(fold(word), spelled, 2, 0.75)
    if near:
        names = tuple(spelled[each] for each in near)
        raise UnknownNameError("language", word, names, f"tools name: {', '.join(known)}")
    return word
