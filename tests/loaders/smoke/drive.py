"""Start the worker exactly as the parent does, without the parent."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SMOKE = Path(__file__).parents[3] / "caniload" / "loaders" / "smoke"

CODE = (
    "import sys; sys.path.insert(0, {dir!r}); "
    "from caniload_smoke.worker import main; main({job}, {events})"
)

RECIPE: dict[str, Any] = {
    "name": "tokens",
    "inputs": {"kind": "tokens", "batch": 2, "length": 16},
    "dtype": "auto",
    "weights": "pretrained",
    "allow_code": False,
    "seed": 20260101,
    "options": {},
}


@dataclass
class Seen:
    """What one worker said and how it ended."""

    events: list[dict[str, Any]]
    exit_code: int
    log: str
    blobs: Path
    checks: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.checks = {item["check"]["name"]: item["check"] for item in self.all("check")}

    def all(self, event: str) -> list[dict[str, Any]]:
        return [item for item in self.events if item["event"] == event]

    @property
    def final(self) -> dict[str, Any]:
        assert self.events, self.log
        assert self.events[-1]["event"] == "final", self.log
        return self.events[-1]

    @property
    def result(self) -> tuple[str, str]:
        return self.final["outcome"], self.final["stage"]

    @property
    def fingerprint(self) -> dict[str, Any]:
        (found,) = self.all("fingerprint")
        return found["fingerprint"]

    @property
    def facts(self) -> dict[str, str]:
        return {item["name"]: item["value"] for item in self.all("fact")}

    @property
    def numbers(self) -> dict[str, float]:
        return {item["name"]: item["value"] for item in self.all("number")}


def job(
    root: Path, loader: str, framework: str, format_: str | None = "safetensors", **more: Any
) -> dict[str, Any]:
    """A job as the parent writes it; `more` replaces keys."""
    files = [root] if root.is_file() else [p for p in sorted(root.rglob("*")) if p.is_file()]
    made = {
        "protocol": 1,
        "loader": loader,
        "framework": framework,
        "action": "attempt",
        "artefact": {
            "root": str(root),
            "format": format_,
            "files": [
                {
                    "path": p.name if root.is_file() else p.relative_to(root).as_posix(),
                    "size_bytes": p.stat().st_size,
                    "sha256": hashlib.sha256(p.read_bytes()).hexdigest(),
                }
                for p in files
            ],
        },
        "device": "cpu",
        "recipe": RECIPE,
        "recipe_hash": "0123456789abcdef",
        "export_format": None,
        "export_to": None,
        "blob_to": None,
        "hints": {},
        "smoke_file": None,
    }
    return {**made, **more}


def drive(
    python: Path,
    work: dict[str, Any] | bytes,
    scratch: Path,
    env: dict[str, str] | None = None,
    timeout: float = 240,
) -> Seen:
    """Run one job in a fresh process and collect its events."""
    code, cwd, blobs = prepare(scratch, work)
    clean = environ(cwd, scratch, env)
    read_end, write_end = os.pipe()
    with (scratch / "job.json").open("rb") as given, (scratch / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                python,
                "-B",
                "-c",
                CODE.format(dir=str(code), job=given.fileno(), events=write_end),
            ],
            pass_fds=(given.fileno(), write_end),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=clean,
        )
        os.close(write_end)
        with os.fdopen(read_end, "rb") as stream:
            lines = stream.read().splitlines()
        exit_code = process.wait(timeout)
    return seen(lines, exit_code, scratch, blobs)


def prepare(scratch: Path, work: dict[str, Any] | bytes) -> tuple[Path, Path, Path]:
    """Lay out code, an empty working directory, blobs and the job."""
    code, cwd, blobs = scratch / "code", scratch / "cwd", scratch / "blobs"
    cwd.mkdir(parents=True, exist_ok=True)
    blobs.mkdir(exist_ok=True)
    if not code.exists():
        shutil.copytree(
            SMOKE, code / "caniload_smoke", ignore=shutil.ignore_patterns("__pycache__", ".ruff*")
        )
    if isinstance(work, dict):
        work = json.dumps({**work, "blob_to": str(blobs)}).encode()
    (scratch / "job.json").write_bytes(work)
    return code, cwd, blobs


def environ(home: Path, scratch: Path, env: dict[str, str] | None) -> dict[str, str]:
    """The scrubbed environment of a worker."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(scratch), **(env or {})}


def seen(lines: list[bytes], exit_code: int, scratch: Path, blobs: Path) -> Seen:
    text = (scratch / "log").read_text(encoding="utf-8", errors="replace")
    return Seen([json.loads(line) for line in lines], exit_code, text, blobs)


def drive_many(
    python: Path,
    preload: list[str],
    works: dict[str, dict[str, Any]],
    snippets: dict[str, str],
    scratch: Path,
    env: dict[str, str] | None = None,
) -> tuple[dict[str, Seen], dict[str, dict[str, Any]]]:
    """Run many jobs and snippets, each in a fork of one process that imported once."""
    plan: dict[str, Any] = {"preload": preload, "jobs": []}
    for name, work in works.items():
        place = scratch / "jobs" / name
        code, _, _ = prepare(place, work)
        plan["code"] = str(code)
        plan["jobs"].append({"scratch": str(place), "job": True})
    for name, text in snippets.items():
        place = scratch / "snippets" / name
        (place / "cwd").mkdir(parents=True)
        plan["jobs"].append({"scratch": str(place), "code": text})
    (scratch / "plan.json").write_text(json.dumps(plan))
    done = subprocess.run(
        [python, "-B", Path(__file__).with_name("zygote.py"), scratch / "plan.json"],
        env=environ(scratch, scratch, env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = {}
    for name in works:
        place = scratch / "jobs" / name
        lines = (place / "events").read_bytes().splitlines() if (place / "events").exists() else []
        code_text = (place / "exit").read_text()
        answers[name] = seen(lines, int(code_text), place, place / "blobs")
    outputs = {}
    for name in snippets:
        place = scratch / "snippets" / name
        assert (place / "exit").read_text() == "0", (place / "log").read_text()
        outputs[name] = json.loads((place / "output.json").read_text())
    return answers, outputs


def relative_rms(seen: Seen, reference: Seen) -> float:
    """Agreement as the store computes it: over the samples of shared output names."""
    mine = {item["name"]: item["samples"] for item in seen.fingerprint["outputs"]}
    theirs = {item["name"]: item["samples"] for item in reference.fingerprint["outputs"]}
    shared = sorted(set(mine) & set(theirs))
    assert shared, (list(mine), list(theirs))
    a = [float(value) for name in shared for value in mine[name]]
    b = [float(value) for name in shared for value in theirs[name]]
    return math.dist(a, b) / math.hypot(*b)
