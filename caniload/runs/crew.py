"""Work a list off with several threads, admitting a job when cores and memory allow it.

One worker is the caller's own thread. Several are threads that live until the list is done:
Linux ends a child whose PR_SET_PDEATHSIG is set when the thread that started it ends.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from caniload.runs.supervise import Stop

Item = TypeVar("Item")

UNKNOWN_BYTES = 2_000_000_000
"""What a job is taken to need that was never measured."""
SHARE = 0.8
"""How much of the memory that is available when the run begins jobs may take together."""
HEADROOM = 1.2
"""Over the most that earlier attempts of a job took."""


@dataclass
class Admission:
    """Let jobs in while the memory that they are expected to take fits; one is always let in."""

    budget_bytes: float
    taken_bytes: float = 0.0
    inside: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    @classmethod
    def here(cls, memory_bytes: int | None = None) -> Admission:
        """Take a share of what this machine has available now, or the budget given."""
        return cls(SHARE * available_bytes() if memory_bytes is None else float(memory_bytes))

    def enter(self, need_bytes: float, stop: Stop) -> None:
        """Wait until there is room; a run that is being stopped lets everyone pass."""
        with self.changed:
            self.changed.wait_for(
                lambda: (
                    stop.rung
                    or self.inside == 0
                    or self.taken_bytes + need_bytes <= self.budget_bytes
                )
            )
            self.inside += 1
            self.taken_bytes += need_bytes

    def leave(self, need_bytes: float) -> None:
        """Give the room back."""
        with self.changed:
            self.inside -= 1
            self.taken_bytes -= need_bytes
            self.changed.notify_all()


@dataclass
class Crew(Generic[Item]):
    """Do something with each item of a list, so many at once.

    `need` says how many bytes an item is expected to take, None where nobody knows.
    """

    workers: int
    admission: Admission
    stop: Stop
    need: Callable[[Item], int | None] = lambda _: None

    def work(self, items: Sequence[Item], do: Callable[[Item], None]) -> None:
        """Do all items, in order as workers become free.

        The first exception, `KeyboardInterrupt` too, stops the others and is raised.
        """
        if self.workers <= 1:
            for item in items:
                do(item)
            return
        waiting = iter(items)
        lock = threading.Lock()

        def serve() -> None:
            while not self.stop.rung:
                with lock:
                    item = next(waiting, None)
                if item is None:
                    return
                known = self.need(item)
                need = UNKNOWN_BYTES if known is None else HEADROOM * known
                self.admission.enter(need, self.stop)
                try:
                    if not self.stop.rung:
                        do(item)
                finally:
                    self.admission.leave(need)

        with ThreadPoolExecutor(self.workers, thread_name_prefix="caniload") as pool:
            futures = [pool.submit(serve) for _ in range(min(self.workers, len(items)))]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
            except BaseException:
                self.stop.ring()
                with self.admission.changed:
                    self.admission.changed.notify_all()
                raise


def available_bytes() -> int:
    """Return the memory that can be had without swapping, by /proc/meminfo."""
    with Path("/proc/meminfo").open(encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
