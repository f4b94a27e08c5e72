"""Where attacks are tried: jobs that carry them, a home to break into, a listener to reach."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from scripted import ENVIRONMENT, ScriptedSpec

from caniload.loaders.fetch.hashing import hash_tree
from caniload.records import Cell, FetchedArtefact, Observation, Recipe, utcnow
from caniload.runs.executor import Executor
from caniload.runs.job import Job
from caniload.settings import Settings
from caniload.words import ArtefactClass

HERE = Path(__file__).parent
TOKEN = "hf_theTokenThatNobodyMaySee"
SECONDS = 20.0

Held = Literal["bare", "boxed"]


@dataclass
class Listener:
    """A server on this machine; keeps what it is sent."""

    server: socket.socket
    heard: list[bytes] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.server.getsockname()[1])

    def listen(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection:
                self.heard.append(connection.recv(1000))


@dataclass
class Range:
    """Where attacks are tried: their files, the home that they are after, the listener."""

    arms: Path
    home: Path
    listener: Listener
    python: Path
    scratch: Path
    registry: dict[str, list[str]] = field(default_factory=dict)
    py_func_ran: bool = False
    pythons: dict[str, Path] = field(default_factory=dict)

    def traces(self) -> set[str]:
        """Return what attacks left in the home."""
        return {path.name for path in self.home.iterdir()} - {".cache"}

    def clean(self) -> None:
        for name in self.traces():
            (self.home / name).unlink()
        self.listener.heard.clear()

    def job(
        self,
        attack: str,
        arm: str = "plain",
        *,
        env: str | None = None,
        form: str | None = None,
        kind: ArtefactClass = ArtefactClass.DATA,
        allow_code: bool = False,
        seconds: float = SECONDS,
        inputs: dict[str, Any] | None = None,
    ) -> Job:
        """A job that hands an armed artefact to a loader.

        With `form`, the artefact's format, `attack` is a real loader's name; without, a method
        of the plug-in loader.
        """
        root = self.arms / arm
        cell = Cell(
            model="attack",
            handle=f"file:attack/{attack}/{arm}@1#{form or 'pt'}",
            loader=attack if form else "transformers",
            framework="tensorflow" if env == "tensorflow" else "pytorch",
            environment="here",
            environment_key=ENVIRONMENT.key,
            device="cpu",
            recipe=Recipe(allow_code=allow_code),
        )
        artefact = FetchedArtefact(
            handle=cell.handle,
            root=str(root),
            format=form or "pt",
            files=hash_tree(root),
            resolved_by="a test",
            resolved_at=utcnow(),
        )
        hints = {
            "attack": attack,
            "port": self.listener.port,
            "beat": str(self.home / "beat"),
            **({"inputs": inputs} if inputs else {}),
        }
        return Job(
            cell=cell,
            interpreter=self.pythons[env] if env else self.python,
            environment=ENVIRONMENT,
            artefact=artefact,
            spec=ScriptedSpec(
                kind=kind,
                name=cell.loader,
                env={"tensorflow": {"KERAS_BACKEND": "tensorflow"}},
                smoke_file=None if form else HERE / "escape_smoke.py",
            ),
            timeout_seconds=seconds,
            hints=hints,
        )

    def run(self, held: Held, *jobs: Job) -> list[Observation]:
        """Run attacks, a quiet cell after each; assert that those ran, and return the attacks'."""
        home = self.scratch / f"home-{time.monotonic_ns()}"
        settings = Settings.read({"CANILOAD_HOME": str(home)})
        box = "none" if held == "bare" else None
        quiet = self.job("quiet")
        plan: list[Job] = []
        for number, job in enumerate(jobs):
            cell = quiet.cell.model_copy(update={"handle": f"file:quiet/{number}@1#pt"})
            plan += [job, replace(quiet, cell=cell)]
        result = Executor(settings, sandbox=box).run(plan)
        last = {seen.cell.id: seen for seen in result.observations}
        assert [each.cell_id for each in result.settlements] == [job.cell.id for job in plan]
        for after in plan[1::2]:
            seen = last[after.cell.id]
            assert seen.outcome == "passed", f"the next cell must run: {seen.message}"
        return [last[job.cell.id] for job in jobs]
