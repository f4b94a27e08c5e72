from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from caniload.runs import doctor, hubs_reached, machine
from caniload.runs.built import MARKER
from caniload.runs.doctor import Finding, Status
from caniload.runs.environments import EnvSpec
from caniload.settings import Settings


def _named(found: doctor.Report, section: str, name: str) -> Finding:
    return next(each for each in found.section(section) if each.name == name)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], str]]:
    """Serve a hub over loopback that answers with one status."""
    servers: list[HTTPServer] = []

    def serve(status: int) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.send_response(status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                return

        servers.append(HTTPServer(("127.0.0.1", 0), Answer))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_every_section_is_there_and_what_is_not_well_has_a_next_step(settings: Settings) -> None:
    found = doctor.report(settings)
    sections = list(dict.fromkeys(each.section for each in found.findings))
    assert sections == [
        "interpreters",
        "environments",
        "devices",
        "hubs",
        "sandbox",
        "disk",
        "store",
    ]
    for each in found.findings:
        assert each.detail
        assert each.next_step or each.status is Status.OK, each
    assert _named(found, "environments", "pytorch").next_step == "caniload env build pytorch"
    assert _named(found, "hubs", "hf").detail.endswith("not asked (--online asks)")
    assert found.status is not Status.OK


def test_it_makes_nothing(settings: Settings) -> None:
    doctor.report(settings)
    assert not settings.home.exists()


def test_it_reads_frameworks_of_the_active_interpreter(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    site = next((venv / "lib").glob("python3.*/site-packages"))
    (site / "torch-2.13.0+cpu.dist-info").mkdir()
    monkeypatch.setenv("VIRTUAL_ENV", str(venv))
    assert "torch 2.13.0" in _named(doctor.report(settings), "interpreters", "here").detail
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "absent"))
    assert _named(doctor.report(settings), "interpreters", "here").status is Status.MISSING


@pytest.mark.builds
def test_environments_are_built_stale_forgotten_or_half_built(
    place: Callable[..., EnvSpec], budget_of: Callable[[int], Settings]
) -> None:
    place("pytorch", torch="2.13.0")
    place("forgotten")
    place("half")
    settings = budget_of(10)
    marker = settings.envs / "half" / MARKER
    marker.write_text(marker.read_text().replace('"state": "built"', '"state": "building"'))
    found = doctor.report(settings)
    stale = _named(found, "environments", "pytorch")
    assert stale.status is Status.WARN
    assert "older specification" in stale.detail
    assert "torch 2.13.0" in stale.detail
    assert _named(found, "environments", "forgotten").next_step == "caniload env rm forgotten"
    assert _named(found, "environments", "half").detail == "half-built, never used"
    assert _named(found, "environments", "budget").status is Status.WARN


@pytest.mark.parametrize(("status", "words"), [(200, None), (401, None), (503, "status 503")])
def test_a_hub_that_answers_is_reached(
    hub: Callable[[int], str], status: int, words: str | None
) -> None:
    problem = hubs_reached.ask_http(hub(status))
    assert (words is None and problem is None) or words in (problem or "")


def test_a_hub_that_is_not_there_or_no_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "does not answer" in (hubs_reached.ask_http(f"http://127.0.0.1:{port}") or "")
    assert hubs_reached.ask_http("file:///etc") == "is not an http address"


def test_no_secret_of_an_address_is_shown() -> None:
    shown = hubs_reached.without_secrets("https://me:secret@example.org:8443/hub?token=x")
    assert shown == "https://example.org:8443/hub"


def test_the_sandbox_is_tried_and_not_assumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: no permission to make a namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        assert "no permission" in (machine.bubblewrap_problem() or "")
        broken.unlink()
        assert machine.bubblewrap_problem() == "bwrap is not installed"
    if shutil.which("bwrap"):
        assert "not installed" not in (machine.bubblewrap_problem() or "")


def test_gpus_are_what_nvidia_smi_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.nvidia(proc=tmp_path / "absent") == machine.Gpus()
    assert "no nvidia-smi" in machine.nvidia(proc=tmp_path).problem
    tool.write_text("#!/bin/sh\necho 'NVIDIA A100, 40960 MiB, 550.1, 8.0'\n")
    tool.chmod(0o755)
    gpu = "NVIDIA A100, 40960 MiB, driver 550.1, compute capability 8.0"
    assert machine.nvidia().found == (gpu,)
    tool.write_text("#!/bin/sh\necho 'could not talk to the driver'\nexit 9\n")
    assert machine.nvidia().problem == "could not talk to the driver"


def test_places_that_cannot_be_written_are_missing(tmp_path: Path) -> None:
    blocked = Settings.read({"CANILOAD_HOME": "/proc/caniload"})
    found = doctor.report(blocked)
    assert _named(found, "disk", "home").status is Status.MISSING
    assert machine.writable(tmp_path / "not" / "yet" / "there")
    assert not (tmp_path / "not").exists()


def test_the_store_and_what_did_not_finish(settings: Settings) -> None:
    settings.store.mkdir(parents=True)
    (settings.store / "CURRENT").write_text("{}")
    for run, done in (("20260101T000000Z-aaaaaa", True), ("20260102T000000Z-bbbbbb", False)):
        folder = settings.segments / run
        folder.mkdir(parents=True)
        (folder / ("run.json" if done else "journal.jsonl")).write_text("{}")
    found = doctor.report(settings)
    assert _named(found, "store", "generation").status is Status.OK
    segments = _named(found, "store", "segments")
    assert segments.detail == "1 finished, 1 unfinished"
    assert "20260102T000000Z-bbbbbb" in segments.next_step
