"""Try one cell: read the job, import, load, run, check, and tell the parent each step.

Job, one JSON object: `protocol`, `loader`, `framework`, `action` (`attempt`, `export` or `list`),
`artefact` {root, format, files}, `device`, `recipe`, `recipe_hash`, `export_format`,
`export_to`, `blob_to`, `hints`, `smoke_file`, `exporter_file`. `disable_checks` is
for the tests of the checks alone. Events are described in `events`; the last is `final`.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import platform
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import artefact, devices
from .checks import CHECKS, Tried, run
from .consent import NEEDED
from .events import PROTOCOL, Events
from .failure import CheckFailed, chain, one_line, outcome
from .loader import CheckResult, Job, Loader

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

EXIT_HARNESS = 70
"""Exit code when the worker itself cannot go on: no `final` was written."""


def main(job_fd: int, event_fd: int) -> None:
    """Run one job and leave the process without teardown, which costs seconds."""
    code = EXIT_HARNESS
    try:
        events = Events(event_fd)
        with os.fdopen(job_fd, "rb") as stream:
            job = json.loads(stream.read())
        events.emit("hello", protocol=PROTOCOL, python=platform.python_version(), pid=os.getpid())
        if job.get("protocol") != PROTOCOL:
            raise ValueError(f"job speaks protocol {job.get('protocol')!r}, worker {PROTOCOL}")
        job["artefact"] = job.get("artefact") or {}
        os.environ.update(_OFFLINE)
        attempt(find_loader(job), job, events)
        code = 0
    except BaseException:  # noqa: BLE001 (the parent reads a missing final as a harness error)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def find_loader(job: Job) -> Loader:
    """Return the job's loader: a file of this package, or a plug-in's file.

    A plug-in's file becomes a module of this package, so that `from .loader import Loader`
    works in it and its name shadows nothing.
    """
    if job.get("smoke_file"):
        module = plugin(job["smoke_file"], "plugin")
    else:
        stem = str(job["loader"]).replace("-", "_")
        if not stem.isidentifier():
            raise ValueError(f"no loader is named {job['loader']!r}")
        module = importlib.import_module(f".{stem}", __package__)
    loader: Loader = module.Loader()
    if job["framework"] not in loader.frameworks:
        raise ValueError(f"{job['loader']} does not serve {job['framework']}")
    return loader


def plugin(path: str, name: str) -> Any:
    """Return an outside file as a module of this package."""
    name = f"{__package__}.{name}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def attempt(loader: Loader, job: Job, events: Events) -> None:
    """Go through the stages; the one place where an exception becomes an outcome."""
    try:
        message, level = ACTIONS[job["action"]](loader, job, events)
    except BaseException as exc:  # noqa: BLE001 (the single boundary: anything is an outcome)
        traceback.print_exc()
        roots = loader.modules.get(job["framework"], ())
        state(devices.peak(job), events)
        events.emit("exceptions", exceptions=chain(exc))
        events.emit(
            "final",
            outcome=outcome(exc, roots, events.stage_now),
            stage=events.stage_now,
            message=one_line(exc),
            evidence_level=None,
        )
        return
    state(devices.peak(job), events)
    events.emit(
        "final",
        outcome="passed",
        stage=events.stage_now,
        message=message,
        evidence_level=level,
    )


def load(loader: Loader, job: Job, events: Events) -> Any:
    """Import and load, stating what was loaded and where."""
    with events.stage("import"):
        loader.import_(job)
    with events.stage("load"):
        try:
            loaded = loader.load(job)
        finally:
            if job.get(NEEDED):
                events.fact(NEEDED, "; ".join(job[NEEDED]))
        events.emit("device", device=loader.device_facts(job))
        state(loader.facts(loaded, job), events)
    return loaded


def state(said: dict[str, Any], events: Events) -> None:
    """Tell what a loader says of an attempt: numbers as numbers, the rest as facts."""
    for name, value in said.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            events.number(name, value)
        else:
            events.fact(name, value)


def trying(loader: Loader, job: Job, events: Events) -> tuple[str, str]:
    """Load, run and check; returns the message and evidence level of a pass."""
    loaded = load(loader, job, events)
    with events.stage("run"):
        inputs = loader.inputs(loaded, job, int(job["recipe"]["seed"]))
        outputs = run(loader, loaded, inputs, job)
        state(loader.ran(loaded, job), events)
        facts = artefact.token_facts(artefact.folder(job))
        if facts is not None and "input_ids" in inputs:
            events.fact("token_facts", json.dumps(asdict(facts)))
    with events.stage("check"):
        tried = Tried(loader, loaded, job, inputs, outputs)
        results = [check(name, tried, events) for name in CHECKS]
        events.number("repeated_forward_seconds", tried.forward_seconds)
        for name, value in tried.facts.items():
            events.fact(name, value)
        raise_first_failure(results)
    level = "architecture" if job["recipe"].get("weights") == "random" else "pretrained"
    return "ran and passed every check that applies", level


def check(name: str, tried: Tried, events: Events) -> CheckResult:
    """Run one check and tell its result."""
    if name in tried.job.get("disable_checks", ()):
        result = CheckResult.not_applicable(name, "switched off by a test")
    else:
        result = CHECKS[name](tried)
    events.emit("check", check=result.as_dict())
    if name == "fingerprint" and tried.print is not None:
        events.emit("fingerprint", fingerprint=tried.print)
    return result


def raise_first_failure(results: list[CheckResult]) -> None:
    """Raise `CheckFailed` for the first check that failed."""
    for result in results:
        if result.status == "failed":
            code, _, text = result.detail.partition(": ")
            raise CheckFailed(code, text)


def exporting(loader: Loader, job: Job, events: Events) -> tuple[str, str]:
    """Load, check the weights, and write the model in another format."""
    loaded = load(loader, job, events)
    level = "architecture" if job["recipe"].get("weights") == "random" else "pretrained"
    with events.stage("export"):
        if level == "pretrained":
            result = loader.weights(loaded, job)
            events.emit("check", check=result.as_dict())
            raise_first_failure([result])
        if job.get("exporter_file"):
            plugin(job["exporter_file"], "exporter").export(loaded, job)
        else:
            loader.export(loaded, job)
        files = artefact.listing(Path(job["export_to"]))
        if not files:
            raise RuntimeError("the exporter wrote no file")
        events.emit("exported", root=job["export_to"], files=files)
    return f"exported {len(files)} files", level


def listing(loader: Loader, job: Job, events: Events) -> tuple[str, Any]:
    """Import, and say in parts which architectures the library builds by name."""
    with events.stage("import"):
        loader.import_(job)
    count = 0
    with events.stage("load"):
        for item in loader.architectures(job):
            events.emit("listed", architectures=[item])
            count += 1
    return f"listed {count} architectures", None


ACTIONS: dict[str, Callable[[Loader, Job, Events], tuple[str, Any]]] = {
    "attempt": trying,
    "export": exporting,
    "list": listing,
}
"""What a job may ask for, by its `action`."""
