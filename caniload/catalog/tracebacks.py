"""Read tracebacks as Python prints them, back into a chain of exceptions.

The standard library's `traceback` module writes them and does not read them; chained
exceptions and groups follow the format that module documents
(https://docs.python.org/3/library/traceback.html).
"""

from __future__ import annotations

import re

from caniload.catalog.diagnosis import Diagnosis, Failure, diagnose
from caniload.catalog.rule_model import Rules

_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"
_HEAD = re.compile(r"Traceback \(most recent call last\):$")
_DOTTED = r"[A-Za-z_]\w*(?:\.[A-Za-z_<][\w>]*)*"
_RAISED = re.compile(rf"^({_DOTTED})(?::(?:[ \t]+(.*))?)?$")
_NAMED = re.compile(
    rf"^((?:{_DOTTED}\.)?[A-Z_]\w*(?:Error|Exception|Interrupt|Exit|Fail|InvalidProtobuf"
    r"|InvalidGraph|InvalidArgument|NotImplemented|NoSuchFile|Group)"
    rf"|{_DOTTED}\.[A-Z]\w*(?=:))(?::(?:[ \t]+(.*))?)?$"
)
_LAUNCHER = re.compile(r"^(?:\[rank\d+\]:|\(\w+ pid=\d+\)) ?")
_GROUP = re.compile(r"^\s*(?:\||\+(?= Exception Group)) ?")
_SEPARATOR = re.compile(r"^\s*(?:\+-)?\+-{8,}(?: (?:\d+|\.\.\.) -{8,})?$")
_NEXT = "\x1d"
"""Stands for the line between two exceptions of a group."""

_FRAME = re.compile(r'^\s+File "([^"]+)", line \d+(?:, in (\w+))?')
_RUNNING = ("fit", "predict", "evaluate", "generate", "train_step", "train_function")
"""Functions whose frames tell that the model was loaded and was running."""

Chain = list[tuple[str, str, str]]
"""Exceptions from the outermost inward: type, message, relation to the one outside it."""

_LIBRARIES = (
    ("tensorflow_hub", "tensorflow-hub", "tensorflow"),
    ("sentence_transformers", "sentence-transformers", "pytorch"),
    ("keras_hub", "keras-hub", None),
    ("transformers", "transformers", None),
    ("timm", "timm", "pytorch"),
    ("onnxruntime", "onnx", "onnxruntime"),
    ("ai_edge_litert", "litert", None),
)
"""Packages whose frames name the loader, with the framework where that follows."""


def explain(rules: Rules, text: str) -> Diagnosis | None:
    """Diagnose a traceback, or any text that holds an error, as a user pastes it."""
    return diagnose(rules, parse_failure(text))


def parse_failure(text: str) -> Failure:
    """Make a `Failure` of a pasted text: its exceptions, outermost first, and what is left over.

    Without an exception in it the text itself is the message.
    """
    lines = [_bare(line, text) for line in text.replace("\r\n", "\n").split("\n")]
    chains, rest, frames = _chains(lines)
    if not chains:
        return Failure(message=text.strip())
    loader, framework = _library(frames)
    return Failure(
        exceptions=tuple(_last(chains)),
        log_excerpt="\n".join(rest).strip(),
        loader=loader,
        framework=framework,
        frames="\n".join(frames),
        stage=_stage(frames),
    )


def _last(chains: list[Chain]) -> Chain:
    """Return the chain that ended the program; a group carries all that it gathered."""
    for index, chain in enumerate(chains):
        if chain[0][0].endswith("ExceptionGroup"):
            inner = [
                (name, text, "cause") for later in chains[index + 1 :] for name, text, _ in later
            ]
            return [*chain, *inner]
    return chains[-1]


def _bare(line: str, text: str) -> str:
    """Take off what launchers, pytest and exception groups print before each line."""
    line = _LAUNCHER.sub("", line.rstrip())
    if "Traceback (most recent call last)" not in text:
        return line.removeprefix("E  ").lstrip(" ") if line.startswith("E  ") else line
    if "Exception Group Traceback" not in text:
        return line
    return _NEXT if _SEPARATOR.match(line) else _GROUP.sub("", line)


def _chains(lines: list[str]) -> tuple[list[Chain], list[str], list[str]]:
    """Split lines into chains of exceptions, other text, and the lines of the frames."""
    chains: list[Chain] = []
    rest: list[str] = []
    frames: list[str] = []
    relation = ""
    traced = any(_HEAD.search(line) for line in lines)
    index = 0
    while index < len(lines):
        line = lines[index].strip(" \t")
        if line in (_CAUSE, _CONTEXT):
            relation = "cause" if line == _CAUSE else "context"
            index += 1
            continue
        if line == _NEXT:
            relation = _NEXT
            index += 1
            continue
        if _HEAD.search(line):
            index = _skip_frames(lines, index + 1, frames)
            line = lines[index].strip() if index < len(lines) else ""
            raised = _RAISED.match(line)
        else:
            raised = _NAMED.match(line) if relation or not traced else None
        if raised is None:
            if line:
                rest.append(line)
            index += 1
            continue
        message, index = _message(lines, index + 1, raised.group(2) or "")
        found = (raised.group(1), message)
        if relation in ("cause", "context") and chains:
            name, text, _ = chains[-1][0]
            older = [(name, text, relation), *chains[-1][1:]]
            chains[-1] = [(*found, "raised"), *older]
        else:
            chains.append([(*found, "raised")])
        relation = ""
    return chains, rest, frames


def _skip_frames(lines: list[str], index: int, frames: list[str]) -> int:
    """Pass the indented frames of a traceback; returns the index of the exception's line."""
    while index < len(lines) and (lines[index].startswith((" ", "\t")) or not lines[index]):
        frames.append(lines[index])
        index += 1
    return index


def _message(lines: list[str], index: int, first: str) -> tuple[str, int]:
    """Collect a message of several lines, up to the next exception or the end."""
    parts = [first]
    while index < len(lines):
        line = lines[index].strip(" \t")
        if line in (_CAUSE, _CONTEXT, _NEXT) or _HEAD.search(line):
            break
        parts.append(lines[index])
        index += 1
    return "\n".join(parts).strip(), index


def _library(frames: list[str]) -> tuple[str | None, str | None]:
    """Name loader and framework by the innermost frame that lies in a known library."""
    for line in reversed(frames):
        frame = _FRAME.match(line)
        if frame is None:
            continue
        parts = frame.group(1).replace("\\", "/").split("/")
        if parts[-2:] == ["torch", "hub.py"]:
            return "torch-hub", "pytorch"
        for package, loader, framework in _LIBRARIES:
            if package in parts:
                return loader, framework
    return None, None


def _stage(frames: list[str]) -> str | None:
    """Tell a model that was running from one that was being loaded, where a frame says so."""
    found = (_FRAME.match(line) for line in frames)
    return "run" if any(frame and frame.group(2) in _RUNNING for frame in found) else None
