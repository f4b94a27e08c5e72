"""The words of a text as the search index has them, in Python and in SQL: both must agree.

On the query path: standard library only.
"""

from __future__ import annotations

import re
import unicodedata

FIELDS = (
    ("name", 1.0),
    ("alias", 0.98),
    ("own name", 0.8),
    ("family", 0.72),
    ("task", 0.85),
    ("source", 0.75),
    ("part of the task", 0.7),
    ("word of the name", 0.7),
    ("word of an alias", 0.65),
    ("word of its own name", 0.55),
    ("word of the task", 0.4),
    ("kind", 0.4),
    ("word of a source", 0.35),
    ("prose", 0.2),
)
"""How a word can lead to an entry, and what that is worth. The first seven are whole names or
tasks written together; `own name` is upstream's, of a source that hangs under no model; `kind`
is a framework, language, hub, library or vendor."""

(NAME, ALIAS, OWN_NAME, FAMILY, TASK, SOURCE, TASK_PART, NAME_WORD, ALIAS_WORD, OWN_WORD,
 TASK_WORD, KIND, SOURCE_WORD, PROSE) = range(len(FIELDS))  # fmt: skip
FIELD_NAMES = ("NAME", "ALIAS", "OWN_NAME", "FAMILY", "TASK", "SOURCE", "TASK_PART", "NAME_WORD",
               "ALIAS_WORD", "OWN_WORD", "TASK_WORD", "KIND", "SOURCE_WORD", "PROSE")  # fmt: skip

OF_NAMES = frozenset((NAME, ALIAS, OWN_NAME, SOURCE, NAME_WORD, ALIAS_WORD, OWN_WORD, SOURCE_WORD))
"""The fields that look at what a thing is called."""

_SMALL = """
a an and any are as at be by can do for from have how i in into is it me my of on or please some
that the this to what which with
"""
SMALL = frozenset(_SMALL.split())
"""Words that say nothing by themselves."""

STEM = "~"
"""Stands before a stem, so that it is nobody's word."""

_WORD = re.compile(r"[^\W_]+")
_JOINED = re.compile(r"([^\W\d_]{2,}?)(v?\d+)")
_ENDING = re.compile(r"(ings?|eds?|ers?|es?|s)\Z")


def fold(text: str) -> str:
    """Write a text in lower case and without accents."""
    apart = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def words(text: str) -> list[str]:
    """Return the words of a text in order: runs of letters and digits, as they are written."""
    return _WORD.findall(fold(text))


def together(text: str) -> str:
    """Write the words of a text as one: `Mask R-CNN` is `maskrcnn`."""
    return "".join(words(text))


def parts(word: str) -> list[str]:
    """Take a number off a word: `resnet50` is `resnet` and `50`, `yolov5` is `yolo` and `v5`."""
    return _JOINED.sub(r" \1 \2 ", word).split()


def stem(word: str) -> str | None:
    """Return the stem of a word, marked as one; None for a short word or one with digits."""
    if len(word) < 4 or not word.isalpha():
        return None
    found = _ENDING.sub("", word)
    return STEM + (found if len(found) >= 3 else word)


def letters(word: str) -> int:
    """Return one bit for each letter and digit that occurs in a word."""
    bits = 0
    for letter in set(word):
        place = _PLACES.find(letter)
        if place >= 0:
            bits |= 1 << place
    return bits


_PLACES = "abcdefghijklmnopqrstuvwxyz0123456789"


MACROS = f"""
CREATE OR REPLACE TEMP MACRO folded(text) AS lower(strip_accents(text));
CREATE OR REPLACE TEMP MACRO words_of(text) AS
    regexp_extract_all(folded(text), '[\\p{{L}}\\p{{N}}]+');
CREATE OR REPLACE TEMP MACRO together_of(text) AS
    regexp_replace(folded(text), '[^\\p{{L}}\\p{{N}}]+', '', 'g');
CREATE OR REPLACE TEMP MACRO parts_of(word) AS
    string_split(trim(regexp_replace(regexp_replace(
        word, '(\\p{{L}}{{2,}}?)(v?[0-9]+)', ' \\1 \\2 ', 'g'), ' +', ' ', 'g')), ' ');
CREATE OR REPLACE TEMP MACRO stem_of(word) AS
    CASE WHEN length(word) >= 4 AND regexp_full_match(word, '\\p{{L}}+') THEN
        '{STEM}' || CASE
            WHEN length(regexp_replace(word, '(ings?|eds?|ers?|es?|s)$', '')) >= 3
                THEN regexp_replace(word, '(ings?|eds?|ers?|es?|s)$', '')
            ELSE word
        END
    END;
CREATE OR REPLACE TEMP MACRO letters_of(word) AS ({
    " | ".join(
        f"(contains(word, '{letter}')::BIGINT << {place})"
        for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz0123456789")
    )
});
"""
"""The same in SQL, for the publisher."""
