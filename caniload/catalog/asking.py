"""From what somebody typed to words of the index: written together, stemmed, begun, misspelt.

On the query path: standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

from caniload.catalog.search_words import SMALL, fold, letters, parts, stem, words

if TYPE_CHECKING:
    from caniload.catalog.store import Store

_MOST_WORDS = 12
_SPAN = 5
"""How many words in a row are tried as one."""

_BEGUN = 30
"""How many words that begin like one of the question are looked at."""

EXACT, STEMMED, BEGUN, APART, SLIP, TWO_SLIPS = 1.0, 0.93, 0.8, 0.85, 0.8, 0.66
"""What a match is worth: the word itself, its stem, its beginning, its parts, one slip, two."""

_URL = re.compile(r"https?://[^/\s]+/?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Match:
    """Say that a term of the index stands for some words of the question, and how well.

    `docs` are what it leads to by one field, those that stand highest first.
    """

    term: str
    first: int
    count: int
    worth: float
    field: int
    docs: Sequence[int]


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold a question's words, how much each tells, what matches them, and what nothing does."""

    words: tuple[str, ...]
    shares: tuple[float, ...]
    matches: tuple[Match, ...]
    unknown: tuple[str, ...]
    handles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Wish:
    """Ask the index for a term that would stand for some words."""

    first: int
    count: int
    worth: float


_Wishes = dict[str, list[_Wish]]


def read(store: Store, text: str) -> Asked:
    """Look the words of a question up in the index.

    A word that nothing is called by is looked for as the beginning of others, and with a slip:
    one for four letters and more, two for eight and more.
    """
    bare = _URL.sub("", text)
    found = words(bare)[:_MOST_WORDS]
    told = [word for word in found if word not in SMALL] or found
    spans = _spans(found, told)
    matches = _looked_up(store, _exact(told, spans))
    missing = [at for at in range(len(told)) if at not in _covered(matches, APART)]
    if missing:
        wishes = _misspelt(store, spans, missing)
        for term, more in _begun(store, told, missing).items():
            wishes.setdefault(term, []).extend(more)
        matches += _looked_up(store, wishes)
    touched = _covered(matches)
    every = store.direct("SELECT count(*) FROM store.search_docs")[0][0]
    weights = []
    for at in range(len(told)):
        docs = sum(len(m.docs) for m in matches if (m.first, m.count, m.worth) == (at, 1, EXACT))
        weights.append(log(2 + every / (1 + docs)))
    total = sum(weights) or 1.0
    return Asked(
        tuple(told),
        tuple(weight / total for weight in weights),
        tuple(matches),
        tuple(word for at, word in enumerate(told) if at not in touched),
        _handles(bare, text) if "/" in text or ":" in text else (),
    )


def _covered(matches: list[Match], least: float = 0.0) -> set[int]:
    """Return the places of the words that something stands for, at least so well."""
    return {at for m in matches if m.worth >= least for at in range(m.first, m.first + m.count)}


def _spans(found: list[str], told: list[str]) -> list[tuple[str, int, int]]:
    """Return every row of words written as one, small words with them and without.

    Each comes with the place of its first word among those that tell, and with their count.
    """
    rows: dict[tuple[str, int, int], None] = {}
    for every in (found, told):
        place = 0
        for first, word in enumerate(every):
            if word in told:
                for last in range(first, len(every)):
                    held = [each for each in every[first : last + 1] if each in told]
                    if len(held) <= _SPAN or (last == len(every) - 1 and not place):
                        rows["".join(every[first : last + 1]), place, len(held)] = None
                place += 1
    return list(rows)


def _exact(told: list[str], spans: list[tuple[str, int, int]]) -> _Wishes:
    """Ask for words as they are, in a row, by stem, and by their parts."""
    wanted: _Wishes = {}

    def want(term: str | None, first: int, count: int, worth: float) -> None:
        if term:
            wanted.setdefault(term, []).append(_Wish(first, count, worth))

    for term, first, count in spans:
        want(term, first, count, EXACT)
    for at, word in enumerate(told):
        want(stem(word), at, 1, STEMMED)
        for part in parts(word) if any(map(str.isdigit, word)) else ():
            if part != word:
                want(part, at, 1, APART * len(part) / len(word))
    return wanted


def _looked_up(store: Store, wishes: _Wishes) -> list[Match]:
    """Return what the index has of the terms asked for."""
    if not wishes:
        return []
    marks = ", ".join("?" for _ in wishes)
    rows = store.direct(
        f"SELECT term, field, docs FROM store.search_terms WHERE term IN ({marks})", list(wishes)
    )
    return [
        Match(term, wish.first, wish.count, wish.worth, field, docs)
        for term, field, docs in rows
        for wish in wishes[term]
    ]


def _begun(store: Store, told: list[str], missing: list[int]) -> _Wishes:
    """Ask for the most frequent words that begin with one that has no match."""
    wanted: _Wishes = {}
    for at in missing:
        word = told[at]
        if len(word) >= 3:
            rows = store.direct(
                "SELECT term FROM store.search_words WHERE starts_with(term, ?) "
                f"ORDER BY docs DESC, term LIMIT {_BEGUN}",
                [word],
            )
            for (term,) in rows:
                worth = BEGUN * (len(word) / len(term)) ** 0.5
                wanted.setdefault(term, []).append(_Wish(at, 1, worth))
    return wanted


def _misspelt(store: Store, spans: list[tuple[str, int, int]], missing: list[int]) -> _Wishes:
    """Ask for what is spelt almost like the rows of words that hold one without a match.

    What differs by a slip differs in two letters at most, which is much quicker to see.
    """
    wanted: _Wishes = {}
    for word, first, count in spans:
        if 4 <= len(word) <= 60 and any(first <= at < first + count for at in missing):
            slips = 2 if len(word) >= 8 else 1
            rows = store.direct(
                "SELECT term, damerau_levenshtein(term, ?) FROM store.search_words "
                f"WHERE size BETWEEN {len(word) - slips} AND {len(word) + slips} "
                f"AND bit_count(xor(letters, {letters(word)})) <= {2 * slips}",
                [word],
            )
            for term, apart in rows:
                if 0 < apart <= slips:
                    worth = SLIP if apart == 1 else TWO_SLIPS
                    wanted.setdefault(term, []).append(_Wish(first, count, worth))
    return wanted


def _handles(bare: str, text: str) -> tuple[str, ...]:
    """Return what could be a handle or upstream's name, the longest first.

    Of an address the host is left out, and its first or last parts may be somebody's own.
    """
    whole = fold(bare).strip().strip("/")
    if not whole or any(map(str.isspace, whole)):
        return ()
    whole = re.split(r"[@#?]", whole)[0]
    steps = whole.split("/")
    found = [whole]
    if len(steps) > 1:
        begins = (0, 1) if bare != text else (0,)
        for first in begins:
            found += ["/".join(steps[first:last]) for last in range(len(steps), first + 1, -1)]
    return tuple(sorted(set(found), key=lambda each: (-each.count("/"), each)))
