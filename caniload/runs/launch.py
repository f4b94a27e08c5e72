"""Turn a job into a command line: control groups first, then the sandbox, then Python."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from caniload.records import Sandbox
from caniload.runs import memory, processes, sandbox
from caniload.runs.interpreters import Interpreter
from caniload.runs.job import Job

_ENTER = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done; shift; exec "$@"'
"""Shell text by which a process enters its control groups before it becomes the worker."""
_START = (
    "import sys; sys.path.insert(0, {folder!r}); "
    "from caniload_smoke.worker import main; main({job}, {events})"
)
_LIMIT = (
    "import os, resource; nproc = resource.RLIMIT_NPROC; most = resource.getrlimit(nproc)[1]; "
    "most = {most} if most < 0 else min({most}, most); resource.setrlimit(nproc, (most, most)); "
)
"""A limit on processes where no control group gives one; it does not bind root."""
_BECOME = (
    "import ctypes, os; os.setgroups([]); os.setgid({uid}); os.setuid({uid}); "
    "ctypes.CDLL(None).prctl(4, 1, 0, 0, 0); "
)
"""Leave root for good, capabilities with it; PR_SET_DUMPABLE keeps /proc/self readable."""
_DIE_WITH_PARENT = (
    "import ctypes, os; ctypes.CDLL(None).prctl(1, 9, 0, 0, 0); "
    "os.getppid() == {parent} or os._exit(1); "
)
"""PR_SET_PDEATHSIG, for a worker without a sandbox; bubblewrap does it for those within."""


@dataclass(frozen=True)
class Place:
    """Say where and how workers run: their code, the sandbox, the control groups."""

    worker: Path
    bwrap: str | None
    hierarchy: memory.Hierarchy | None

    @classmethod
    def here(cls, worker: Path, kind: sandbox.SandboxKind | None = None) -> Place:
        """Find what this machine offers; `kind` "none" does without the sandbox it has."""
        return cls(
            worker=worker,
            bwrap=None if kind == "none" else sandbox.bubblewrap(),
            hierarchy=memory.find(),
        )


@dataclass(frozen=True)
class Launch:
    """Bring together what one worker's command line is made of."""

    job: Job
    interpreter: Interpreter
    place: Place
    scratch: Path
    export_to: Path | None
    group: memory.Group | None
    start: str | None = None
    """Code to run instead of the worker's own start, as a zygote's."""
    also: tuple[Path, ...] = ()
    """Paths to show beside the job's own artefact."""

    @cached_property
    def limit(self) -> Literal["cgroup", "rlimit", "none"]:
        """What limits the number of processes.

        RLIMIT_NPROC does not bind root, so that its worker becomes another user, unless that
        user could not read what the worker needs.
        """
        if self.group is not None and self.group.limits_processes:
            return "cgroup"
        if self.place.bwrap is None:
            return "none"
        if os.getuid() == 0 and not sandbox.readable_by_all(self.view()):
            return "none"
        return "rlimit"

    @cached_property
    def uid(self) -> int:
        """The user as whom the worker runs: one of its own where its processes are counted."""
        return sandbox.spare_user() if self.limit == "rlimit" and os.getuid() == 0 else os.getuid()

    def describe(self) -> Sandbox:
        """Return the record of what holds the worker."""
        group = self.group
        return Sandbox(
            kind="bubblewrap" if self.place.bwrap else "none",
            network=self.job.allow_network or self.place.bwrap is None,
            memory=group.kind if group is not None and group.limits_memory else "pss",
            processes=self.limit,
        )

    def prepare(self) -> None:
        """Make the folders that the worker writes to, its own if it runs as another user."""
        sandbox.prepare_scratch(self.scratch, self.uid)
        if self.export_to is not None and self.uid != os.getuid():
            os.chown(self.export_to, self.uid, self.uid)

    def command(self, job_fd: int, event_fd: int) -> list[str]:
        """Return the whole command line; makes the link by which the worker finds its package."""
        link = self.scratch / "worker" / "caniload_smoke"
        link.symlink_to(self.place.worker.resolve(), target_is_directory=True)
        text = self.start or _START.format(folder=str(link.parent), job=job_fd, events=event_fd)
        changes_user = self.uid != os.getuid()
        if self.place.bwrap is None:
            text = _DIE_WITH_PARENT.format(parent=os.getpid()) + text
        if changes_user:
            text = _BECOME.format(uid=self.uid) + text
        if self.limit == "rlimit":
            most = memory.MAX_PROCESSES + processes.count(self.uid)
            text = _LIMIT.format(most=most) + text
        command = [str(self.interpreter.python), "-B", "-c", text]
        if self.place.bwrap is not None:
            command = sandbox.wrap(
                self.place.bwrap, command, self.view(), changes_user=changes_user
            )
        if self.group is not None:
            entries = [str(path) for path in self.group.procs]
            command = ["/bin/sh", "-c", _ENTER, "caniload", *entries, "--", *command]
        return command

    def environ(self) -> dict[str, str]:
        """Return the whole environment of the worker; nothing of the parent's leaks into it.

        OpenMP's threads sleep while they wait: where others use the machine, as a second worker
        does, threads that spin for each other made a small model ten times as slow.
        """
        threads = str(min(4, len(os.sched_getaffinity(0))))
        environ = {
            "PATH": f"{self.interpreter.python.parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.scratch / "home"),
            "TMPDIR": str(self.scratch / "tmp"),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "OMP_NUM_THREADS": threads,
            "OMP_WAIT_POLICY": "PASSIVE",
            "MKL_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
        }
        if self.job.allow_network:
            del environ["HF_HUB_OFFLINE"], environ["TRANSFORMERS_OFFLINE"]
        if self.interpreter.user_base is not None:
            environ["PYTHONUSERBASE"] = str(self.interpreter.user_base)
        kept = ["OPENBLAS_CORETYPE"]
        if self.job.cell.device != "cpu":
            kept += ["CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"]
        environ |= {name: os.environ[name] for name in kept if name in os.environ}
        own = dict(self.job.spec.env.get(self.job.cell.framework, {}))
        return environ | dict(self.job.variables) | own

    def view(self) -> sandbox.View:
        """Return what the worker may see."""
        shown = [self.place.worker.resolve(), *sandbox.interpreter_binds(self.interpreter)]
        shown += self.also
        if self.job.spec.smoke_file is not None:
            shown.append(Path(self.job.spec.smoke_file))
        if self.job.exporter_file is not None:
            shown.append(self.job.exporter_file)
        if self.job.artefact is not None and self.job.artefact.root:
            root = Path(self.job.artefact.root).absolute()
            shown += sandbox.artefact_binds(root, (file.path for file in self.job.artefact.files))
        return sandbox.View(
            read_only=tuple(shown),
            writable=() if self.export_to is None else (self.export_to,),
            scratch=self.scratch,
            network=self.job.allow_network,
            accelerator=self.job.cell.device != "cpu",
        )
