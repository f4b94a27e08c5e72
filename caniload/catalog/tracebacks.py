"""Read tracebacks as Python prints them, back into a chain of exceptions.

The standard library's `traceback` module writes them and does not read them; chained
exceptions and groups follow the format that module documents
(https://docs.python.org/3/library/traceback.html).
"""

from __future__ import annotations

import re

from caniload.catalog.diagnosis import CARRIER, Diagnosis, Failure, diagnose
from caniload.catalog.pasted import HEAD, NEXT, lines
from caniload.catalog.rule_model import Rules

_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"
_DOTTED = r"[A-Za-z_]\w*(?:\.[A-Za-z_<][\w>]*)*"
_RAISED = re.compile(rf"^({_DOTTED})(?::(?:[ \t]+(.*))?)?$")
_NAMED = re.compile(
    rf"^((?:{_DOTTED}\.)?[A-Z_]\w*(?:Error|Exception|Interrupt|Exit|Fail|InvalidProtobuf"
    r"|InvalidGraph|InvalidArgument|NotImplemented|NoSuchFile|Group)"
    rf"|{_DOTTED}\.[A-Z]\w*(?=:))(?::(?:[ \t]+(.*))?)?$"
)
_RECORD = re.compile(
    r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\[?(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b[\]: ]"
    r"|={9,}|(?:_ ){9}|\S+\.py:\d+: \w+$"
)
"""How a record of a logger or a line of pytest begins, which belongs to no message."""

_FRAME = re.compile(
    r"""(?P<path>[^\s":│]*\.py)(?:"?,\ line\ |:)\d+[:,]?(?:\ in\ (?P<name>\w+))?
    |(?P<older>[^\s":│]*\.py)\ in\ (?P<called>\w+)\(""",
    re.VERBOSE,
)
"""A frame as Python, IPython (the older one too), Rich and pytest print it."""

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
    found = lines(text)
    chains, rest, frames = _chains(found)
    if not chains:
        return Failure(message="\n".join(found).strip())
    places = _places(frames or rest)
    loader, framework = _library(places)
    return Failure(
        exceptions=tuple(_last(chains)),
        log_excerpt="\n".join(rest).strip(),
        loader=loader,
        framework=framework,
        frames="\n".join(frames),
        stage=_stage(places),
    )


def _last(chains: list[Chain]) -> Chain:
    """Return the chain that ended the program; a group carries all that it gathered.

    One that only reports a child's failure yields to what the child printed before.
    """
    while len(chains) > 1 and all(CARRIER.search(name) for name, _, _ in chains[-1]):
        chains = chains[:-1]
    for index, chain in enumerate(chains):
        if chain[0][0].endswith("ExceptionGroup"):
            inner = [
                (name, text, "cause") for later in chains[index + 1 :] for name, text, _ in later
            ]
            return [*chain, *inner]
    return chains[-1]


def _chains(printed: list[str]) -> tuple[list[Chain], list[str], list[str]]:
    """Split lines into chains of exceptions, other text, and the lines of the frames."""
    chains: list[Chain] = []
    rest: list[str] = []
    frames: list[str] = []
    relation = ""
    traced = False
    index = 0
    while index < len(printed):
        line = printed[index].strip(" \t")
        if line in (_CAUSE, _CONTEXT):
            relation = "cause" if line == _CAUSE else "context"
            index += 1
            continue
        if line == NEXT:
            relation = NEXT
            index += 1
            continue
        if HEAD.search(line):
            traced = True
            index = _skip_frames(printed, index + 1, frames)
            line = printed[index].strip() if index < len(printed) else ""
            raised = _RAISED.match(line)
        else:
            raised = _NAMED.match(line) if relation or not traced else None
        if raised is None:
            if line:
                rest.append(line)
            index += 1
            continue
        message, index = _message(printed, index + 1, raised.group(2) or "")
        found = (raised.group(1), message)
        if relation in ("cause", "context") and chains:
            name, text, _ = chains[-1][0]
            older = [(name, text, relation), *chains[-1][1:]]
            chains[-1] = [(*found, "raised"), *older]
        else:
            chains.append([(*found, "raised")])
        relation = ""
    return chains, rest, frames


def _skip_frames(printed: list[str], index: int, frames: list[str]) -> int:
    """Pass the indented frames of a traceback; returns the index of the exception's line."""
    while index < len(printed) and (printed[index].startswith((" ", "\t")) or not printed[index]):
        frames.append(printed[index])
        index += 1
    return index


def _message(printed: list[str], index: int, first: str) -> tuple[str, int]:
    """Collect a message of several lines, up to the next exception, log record or the end."""
    parts = [first]
    while index < len(printed):
        line = printed[index].strip(" \t")
        if line in (_CAUSE, _CONTEXT, NEXT) or HEAD.search(line) or _RECORD.match(line):
            break
        parts.append(printed[index])
        index += 1
    return "\n".join(parts).strip(), index


def _places(printed: list[str]) -> list[tuple[str, str]]:
    """List path and function of the frames, outermost first."""
    found = [_FRAME.search(line) for line in printed if ".py" in line]
    return [
        (frame["path"] or frame["older"], frame["name"] or frame["called"] or "")
        for frame in found
        if frame
    ]


def _library(places: list[tuple[str, str]]) -> tuple[str | None, str | None]:
    """Name loader and framework by the innermost frame that lies in a known library."""
    for path, _ in reversed(places):
        parts = path.replace("\\", "/").split("/")
        if parts[-2:] == ["torch", "hub.py"]:
            return "torch-hub", "pytorch"
        for package, loader, framework in _LIBRARIES:
            if package in parts:
                return loader, framework
    return None, None


def _stage(places: list[tuple[str, str]]) -> str | None:
    """Tell a model that was running from one that was being loaded, where a frame says so."""
    return "run" if any(name in _RUNNING for _, name in places) else None
