"""Split texts as BERT's WordPiece does, from the artefact's own files, standard library only.

An implementation of its own, to compare every library's tokenizer with: J. Devlin et al.,
"BERT" (2018), and the algorithm as https://huggingface.co/docs/tokenizers names it
(BertNormalizer, BertPreTokenizer, WordPiece).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from .artefact import read_json

MAX_WORD = 100

_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


@dataclass(frozen=True)
class WordPiece:
    """A vocabulary and the settings that decide how text is split."""

    vocab: dict[str, int]
    lower: bool
    strip_accents: bool
    ideographs: bool
    unknown: str
    prefix: str = "##"

    def ids(self, text: str) -> list[int]:
        """Return the ids of a text, without special tokens."""
        return [self.vocab[piece] for word in self.words(text) for piece in self.pieces(word)]

    def words(self, text: str) -> list[str]:
        """Normalise a text and split it at spaces, punctuation and ideographs."""
        cleaned: list[str] = []
        for char in text:
            if char in "\t\n\r" or unicodedata.category(char) == "Zs":
                cleaned.append(" ")
            elif ord(char) in (0, 0xFFFD) or unicodedata.category(char).startswith("C"):
                continue
            elif self.ideographs and _ideograph(char):
                cleaned.append(f" {char} ")
            else:
                cleaned.append(char)
        text = "".join(cleaned)
        if self.strip_accents:
            parts = unicodedata.normalize("NFD", text)
            text = "".join(char for char in parts if unicodedata.category(char) != "Mn")
        if self.lower:
            text = text.lower()
        spaced = "".join(f" {char} " if _punctuation(char) else char for char in text)
        return spaced.split()

    def pieces(self, word: str) -> list[str]:
        """Split one word greedily into the longest pieces of the vocabulary."""
        if len(word) > MAX_WORD:
            return [self.unknown]
        found: list[str] = []
        start = 0
        while start < len(word):
            end = len(word)
            while end > start:
                piece = (self.prefix if start else "") + word[start:end]
                if piece in self.vocab:
                    break
                end -= 1
            if end == start:
                return [self.unknown]
            found.append(piece)
            start = end
        return found


def reference(home: Path) -> WordPiece | None:
    """Return the tokenizer that a directory's files describe, or None if it is another kind."""
    whole = read_json(home / "tokenizer.json")
    settings = read_json(home / "tokenizer_config.json")
    if whole.get("class_name") == "BertTokenizer":
        return _keras(home, whole.get("config") or {})
    if whole:
        model = whole.get("model") or {}
        normal = whole.get("normalizer") or {}
        before = whole.get("pre_tokenizer") or {}
        kinds = (model.get("type"), normal.get("type"), before.get("type"))
        if kinds != ("WordPiece", "BertNormalizer", "BertPreTokenizer"):
            return None
        lower = bool(normal.get("lowercase", True))
        accents = normal.get("strip_accents")
        return WordPiece(
            dict(model["vocab"]),
            lower,
            lower if accents is None else bool(accents),
            bool(normal.get("handle_chinese_chars", True)),
            str(model.get("unk_token", "[UNK]")),
            str(model.get("continuing_subword_prefix", "##")),
        )
    family = str(settings.get("tokenizer_class", "")).removesuffix("Fast")
    if not (home / "vocab.txt").is_file() or family != "BertTokenizer":
        return None
    lines = (home / "vocab.txt").read_text(encoding="utf-8").splitlines()
    lower = bool(settings.get("do_lower_case", True))
    accents = settings.get("strip_accents")
    return WordPiece(
        {token: index for index, token in enumerate(lines)},
        lower,
        lower if accents is None else bool(accents),
        bool(settings.get("tokenize_chinese_chars", True)),
        str(settings.get("unk_token", "[UNK]")),
    )


def _keras(home: Path, settings: dict[str, object]) -> WordPiece | None:
    """Return the tokenizer of a KerasHub preset, whose options KerasHub's WordPiece names."""
    file = home / "assets" / "tokenizer" / "vocabulary.txt"
    if not file.is_file():
        return None
    lines = file.read_text(encoding="utf-8").splitlines()
    return WordPiece(
        {token: index for index, token in enumerate(lines)},
        bool(settings.get("lowercase", False)),
        bool(settings.get("strip_accents", False)),
        bool(settings.get("split_on_cjk", True)),
        str(settings.get("oov_token", "[UNK]")),
        str(settings.get("suffix_indicator", "##")),
    )


def _ideograph(char: str) -> bool:
    """Tell whether a character is a CJK ideograph, which BERT splits off."""
    return any(low <= ord(char) <= high for low, high in _IDEOGRAPHS)


def _punctuation(char: str) -> bool:
    """Tell punctuation as BERT does: every ASCII symbol and Unicode's P categories."""
    code = ord(char)
    ascii_symbol = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return ascii_symbol or unicodedata.category(char).startswith("P")
