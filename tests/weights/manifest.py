"""Read what a manifest of real weights says was seen, as things that can be checked.

A manifest is YAML: files with sha256 and a line `seen`. That line is prose; its clauses are read
by the rules below, and a clause that none of them reads is an error: nothing is passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_ERROR = re.compile(r"\b([A-Z]\w*Error|NOT_IMPLEMENTED)\b")
_NUMBER = re.compile(r"\d(?:\.\d+)?e-\d+")
_TENSORS = re.compile(r"gives (?:(\d+) )?tensors")
_PARAMETERS = re.compile(r"(\d+) parameters")
_NOTES = re.compile(
    r"opset \d+|written by Keras \d|no architecture inside|The model keeps state|"
    r"its static output shape|once the layout"
)
"""Clauses that describe the file, not what a load of it gives."""


@dataclass(frozen=True)
class Expected:
    """One thing that must be seen: the cells it speaks of, and what they must say.

    `verdict` is works, fails, loads_only or refused. `words` must stand in what was raised.
    """

    clause: str
    verdict: str
    loader: str | None = None
    tf_keras: bool | None = None
    compile: bool | None = None
    words: tuple[str, ...] = ()
    tensors: int | None = None
    parameters: int | None = None


@dataclass
class Entry:
    """One model file or directory, and all that the manifest says of it."""

    path: Path
    sha256: str
    format: str
    expected: list[Expected] = field(default_factory=list)
    agrees_to: float | None = None
    loose: bool = False
    equal: bool = False
    notes: list[str] = field(default_factory=list)


def read(folder: Path) -> list[Entry]:
    """Return the manifest's models; the parts of a directory belong to its graph's file."""
    found = yaml.safe_load((folder / "MANIFEST.yaml").read_text(encoding="utf-8"))
    return [_entry(folder, facts) for facts in found if "seen" in facts]


def _entry(folder: Path, facts: dict[str, Any]) -> Entry:
    path = folder / facts["file"]
    if path.name == "saved_model.pb":
        path = path.parent
    entry = Entry(path, facts["sha256"], facts["format"])
    for clause in clauses(facts["seen"]):
        _read_clause(entry, clause)
    if not entry.expected:
        raise ValueError(f"{facts['file']}: nothing to check in {facts['seen']!r}")
    return entry


def clauses(seen: str) -> list[str]:
    """Cut a line into its clauses: at semicolons and at the ends of sentences."""
    return [part.strip() for part in re.split(r"; |\. (?=[A-Z]|tf_keras|keras\.)", seen)]


def _read_clause(entry: Entry, clause: str) -> None:
    """Add what a clause says to an entry; raise `ValueError` where it cannot be read."""
    before = (len(entry.expected), entry.agrees_to, entry.loose, entry.equal)
    if number := _NUMBER.findall(clause):
        entry.agrees_to = max(float(each) for each in number)
    entry.loose |= "agreement is loose" in clause
    entry.equal |= "equal to" in clause
    if "weights without a graph" in clause:
        entry.expected.append(Expected(clause, "loads_only"))
    elif match := _TENSORS.search(clause):
        count, parameters = match[1], _PARAMETERS.search(clause)
        entry.expected.append(
            Expected(
                clause,
                "loads_only",
                loader="torch-file",
                tensors=int(count) if count else None,
                parameters=int(parameters[1]) if parameters else None,
            )
        )
    elif _ERROR.search(clause) or re.search(r"\b(fails|refuses)\b", clause):
        entry.expected.append(_failure(clause))
    elif re.search(r"\b(works|runs)\b|loads in", clause):
        entry.expected += _works(clause)
    elif match := re.fullmatch(r"(\d+) parameters", clause):
        entry.expected.append(Expected(clause, "works", parameters=int(match[1])))
    elif _NOTES.match(clause):
        entry.notes.append(clause)
    unread = before == (len(entry.expected), entry.agrees_to, entry.loose, entry.equal)
    if unread and clause not in entry.notes:
        raise ValueError(f"{entry.path.name}: cannot read {clause!r}")


def _failure(clause: str) -> Expected:
    """Read a clause that says no: where, and words of what was raised."""
    where, _, said = clause.rpartition(": ") if ": " in clause else ("", "", clause)
    if "{" in said or "{" in clause:
        where, said = clause.split(": ", 1)
    loader = None
    if clause.startswith("torch.load refuses"):
        return Expected(clause, "refused", loader="torch-file", words=("TorchScript",))
    if clause.startswith("keras.models.load_model refuses"):
        return Expected(clause, "fails", loader="keras-file", tf_keras=False)
    tf_keras = None
    if "without tf_keras" in where or where.startswith("Keras 3"):
        tf_keras = False
    said = re.sub(r"^(ValueError|TypeError|AttributeError|RuntimeError),? ", "", said)
    return Expected(clause, "fails", loader, tf_keras, True, tuple(_words(said)))


def _words(said: str) -> list[str]:
    """Return the telling words of a message: names and long words."""
    dull = {"argument", "has", "no", "got", "the", "requires", "parameter", "attribute", "op"}
    words = re.findall(r"[A-Za-z_][\w-]*", said)
    return [word for word in words if word.lower() not in dull]


def _works(clause: str) -> list[Expected]:
    """Read a clause that says yes, perhaps of several places at once."""
    parameters = _PARAMETERS.search(clause)
    number = int(parameters[1]) if parameters else None
    loader = "torchscript" if "torch.jit.load" in clause else None
    if "compile=False" in clause:
        found = [Expected(clause, "works", tf_keras=False, compile=False)]
        if "tf_keras" in clause:
            found.append(Expected(clause, "works", tf_keras=True))
        return found
    if "Keras 3" in clause and "tf_keras" in clause:
        return [
            Expected(clause, "works", tf_keras=False, parameters=number),
            Expected(clause, "works", tf_keras=True, parameters=number),
        ]
    tf_keras = True if "tf_keras" in clause else None
    return [Expected(clause, "works", loader, tf_keras, parameters=number)]
