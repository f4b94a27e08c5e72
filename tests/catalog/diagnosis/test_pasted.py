"""A failure is the same however it was printed, wrapped and pasted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from caniload.catalog.rule_model import Rules
from caniload.catalog.tracebacks import explain, parse_failure

FRAMES = """\
Traceback (most recent call last):
  File "/home/ada/project/run.py", line 12, in <module>
    model = load(path)
            ^^^^^^^^^^
  File "/home/ada/project/lib.py", line 3, in load
    return go(path)
"""
TYPED = re.compile(
    r"(?:[A-Za-z_]\w*\.)*[A-Z_]\w*(?:Error|Exception|Failed|Inputs|Only)(?=: )|MemoryError$"
)


def _printed(text: str) -> str:
    """A traceback that ends in the message."""
    if "Traceback" in text or text.startswith("  File"):
        return text
    return FRAMES + (text if TYPED.match(text) else f"RuntimeError: {text}")


def _each_line(prefix: str) -> Callable[[str], str]:
    return lambda text: "\n".join(prefix + line for line in _printed(text).split("\n"))


def _wrapped(sentence: str) -> Callable[[str], str]:
    outer = f"{FRAMES}OSError: could not load the model\n"
    return lambda text: f"{_printed(text)}\n\n{sentence}\n\n{outer}"


WAYS: dict[str, Callable[[str], str]] = {
    "traceback": _printed,
    "cause": _wrapped("The above exception was the direct cause of the following exception:"),
    "context": _wrapped("During handling of the above exception, another exception occurred:"),
    "colours": lambda text: "\n".join(
        f"\x1b[1;31m{line}\x1b[0m" for line in _printed(text).split("\n")
    ),
    "Windows": lambda text: _printed(text).replace("\n", "\r\n"),
    "compose": _each_line("web_1  | "),
    "Kubernetes": _each_line("2026-01-02T03:04:05.678901234Z stderr F "),
    "syslog": _each_line("Jan  2 03:04:05 host app[123]: "),
    "logger": _each_line("2026-01-02 03:04:05,678 ERROR "),
    "Ray": _each_line("(train pid=123, ip=203.0.113.9) "),
    "ranks": _each_line("[rank0]: "),
    "quoted": _each_line("> "),
    "launcher": lambda text: _printed(text) + "\nsrun: error: n7: task 0: Exited with code 1\n",
    "log": lambda text: (
        f"2026-01-02 03:04:05,678 - app - ERROR - no\n{_printed(text)}\n"
        "2026-01-02 03:04:06,000 - app - INFO - bye"
    ),
    "JSON": lambda text: json.dumps({"level": "error", "exception": _printed(text)}),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_failure_is_told_however_it_was_pasted(
    rules: Rules, samples: dict[str, str], variants: dict[str, Any], way: str
) -> None:
    pasted = WAYS[way]
    texts = [*samples.items(), *((name, of["variants"][-1]) for name, of in variants.items())]
    near = [(owner, text) for of in variants.values() for owner, text in of["near"].items()]
    assert len(texts) > 180
    wrong = []
    for name, text in [*texts, *near]:
        found = explain(rules, pasted(text))
        if (found.code if found else None) != name:
            wrong.append((name, found and found.code, text))
    assert wrong == []


def test_prefixes_that_count_up_are_taken_off() -> None:
    lines = (FRAMES + "OSError: [Errno 28] No space left on device").split("\n")
    text = "\n".join(f"[{n + 7}/20] 0{n}:59:1{n} worker  {line}" for n, line in enumerate(lines))
    failure = parse_failure(text)
    assert failure.exceptions == (("OSError", "[Errno 28] No space left on device", "raised"),)
    assert 'File "/home/ada/project/lib.py", line 3, in load' in failure.frames


def test_a_message_ends_where_the_next_record_of_a_log_begins(rules: Rules) -> None:
    text = (
        f"{FRAMES}KeyError: 'x'\n"
        "2026-01-02 03:04:06,000 INFO retrying after [Errno 28] No space left on device"
    )
    assert parse_failure(text).exceptions == (("KeyError", "'x'", "raised"),)
    assert explain(rules, text) is None


def test_an_exception_quoted_by_its_wrapper_is_the_cause(rules: Rules) -> None:
    text = "RuntimeError: engine failed: EOFError('Ran out of input')"
    found = explain(rules, text)
    assert found is not None
    assert found.code == "pt.file-corrupt-or-lfs"


def test_lines_that_a_terminal_broke_are_read_whole(rules: Rules) -> None:
    text = "OSError: [Errno 28] No space\n         left on device"
    found = explain(rules, text)
    assert found is not None
    assert found.code == "env.disk-full"


def test_a_parent_that_reports_a_child_yields_to_the_child(rules: Rules) -> None:
    child = f"{FRAMES}RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB\n"
    parent = (
        f"{FRAMES}subprocess.CalledProcessError: Command '['a']' returned non-zero exit status 1."
    )
    found = explain(rules, child + parent)
    assert found is not None
    assert found.code == "pt.oom"
    assert explain(rules, parent) is None
