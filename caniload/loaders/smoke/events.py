"""Write what happens as JSON lines to the file descriptor that the parent reads."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PROTOCOL = 1
MAX_EVENT_BYTES = 1 << 20


class Events:
    """Emit events; each is one line of JSON of at most `MAX_EVENT_BYTES`, written at once."""

    def __init__(self, fd: int) -> None:
        """Take the descriptor; children of the worker do not inherit it."""
        self.fd = fd
        self.stage_now = "import"
        os.set_inheritable(fd, False)

    def emit(self, event: str, **fields: Any) -> None:
        """Write one event; raises `ValueError` when it is longer than the protocol allows."""
        line = json.dumps(portable({"event": event, **fields}), allow_nan=False) + "\n"
        data = line.encode()
        if len(data) > MAX_EVENT_BYTES:
            raise ValueError(f"event {event!r} takes {len(data)} bytes, more than the protocol's")
        while data:
            data = data[os.write(self.fd, data) :]

    def fact(self, name: str, value: object) -> None:
        """State something about the attempt in words."""
        self.emit("fact", name=name, value=str(value))

    def number(self, name: str, value: float) -> None:
        """State something about the attempt as a number."""
        self.emit("number", name=name, value=value)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Announce a stage and, unless it raises, how many seconds it took."""
        self.stage_now = name
        self.emit("stage", stage=name)
        start = time.perf_counter()
        yield
        self.emit("stage_done", stage=name, seconds=time.perf_counter() - start)


def portable(value: Any) -> Any:
    """Return a JSON-able copy in which NaN and infinities are the strings that records read."""
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return value
    if isinstance(value, dict):
        return {str(key): portable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [portable(item) for item in value]
    return value
