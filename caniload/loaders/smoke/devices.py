"""Read what the machine says of a device, without a framework where that is possible."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any


def split(label: str) -> tuple[str, int | None]:
    """Split `cuda:1` into its kind and index; `cpu` has none."""
    kind, colon, index = label.partition(":")
    return kind, int(index) if colon else None


def describe(label: str) -> dict[str, Any]:
    """Describe a device by its label alone, with the processor's own name and memory for cpu."""
    kind, index = split(label)
    facts: dict[str, Any] = {"kind": kind, "index": index}
    if kind == "cpu":
        facts.update(name=processor(), memory_bytes=memory_bytes())
    return facts


def processor() -> str | None:
    """Return the processor's model name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or None


def memory_bytes() -> int | None:
    """Return the machine's physical memory in bytes."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
