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


def peak(job: dict[str, Any]) -> dict[str, int]:
    """Return the most memory that PyTorch held on the job's device: `peak_device_bytes`.

    Empty for the cpu, for other frameworks, and where PyTorch was not imported.
    """
    import sys

    torch = sys.modules.get("torch")
    kind, index = split(job["device"])
    if torch is None or job["framework"] != "pytorch" or kind not in ("cuda", "mps"):
        return {}
    try:
        if kind == "cuda":
            used = torch.cuda.max_memory_allocated(index or 0)
        else:  # mps keeps no highest figure: what its driver holds now, nothing being given back
            used = torch.mps.driver_allocated_memory()
    except Exception:  # noqa: BLE001 (a device that is not there: the finding stands elsewhere)
        return {}
    return {"peak_device_bytes": int(used)}


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
