"""Read tracebacks as Python prints them, back into a chain of exceptions.

The standard library's `traceback` module writes them and does not read them; chained
exceptions and groups follow the format that module documents
(https://docs.python.org/3/library/traceback.html).
"""

from __future__ import annotations

import re

from caniload.catalog.diagnosis import Diagnosis, Failure, Rules, diagnose

_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"
_HEAD = re.compile(r"^(?:Exception Group )?Traceback \(most recent call last\):$")
_DOTTED = r"[A-Za-z_]\w*(?:\.[A-Za-z_<][\w>]*)*"
_RAISED = re.compile(rf"^({_DOTTED})(?::(?:[ \t]+(.*))?)?$")
_NAMED = re.compile(
    rf"^((?:{_DOTTED}\.)?[A-Z_]\w*(?:Error|Exception|Interrupt|Exit|Fail|Fault"
    r"|NotFound|Abort|InvalidProtobuf|InvalidGraph|InvalidArgument|NotImplemented|NoSuchFile"
    r"|Group))(?::(?:[ \t]+(.*))?)?$"
)
_PREFIX = re.compile(r"^(?:\[rank\d+\]:|\(\w+ pid=\d+\)|E  ) ?")
_GROUP = re.compile(r"^\s*(?:\||\+)\s?(?:-\+-+ .* -+$|-*$)?")
_FRAME = re.compile(r'^\s+File "([^"]+)", line \d+')

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
    lines = [_bare(line) for line in text.replace("\r\n", "\n").split("\n")]
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


def _bare(line: str) -> str:
    """Take off what launchers, pytest and exception groups print before each line."""
    line = _PREFIX.sub("", line.rstrip())
    if re.match(r"^\s*(?:\||\+ Exception Group|\+-)", line):
        line = _GROUP.sub("", line)
    return line


def _chains(lines: list[str]) -> tuple[list[Chain], list[str], list[str]]:
    """Split lines into chains of exceptions, other text, and the lines of the frames."""
    chains: list[Chain] = []
    rest: list[str] = []
    frames: list[str] = []
    relation = ""
    traced = any(_HEAD.match(line) for line in lines)
    index = 0
    while index < len(lines):
        line = lines[index].strip()
        if line in (_CAUSE, _CONTEXT):
            relation = "cause" if line == _CAUSE else "context"
            index += 1
            continue
        if _HEAD.match(line):
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
        if relation and chains:
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
        line = lines[index].strip()
        if line in (_CAUSE, _CONTEXT) or _HEAD.match(line):
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
