"""The real service: `caniload serve` in a process of its own, over the packaged evidence."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from serving import Served, Start, environ_of

sys.path.insert(0, str(Path(__file__).parents[2] / "cli"))  # its made-up attempts serve here too


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose store is published, to be copied."""
    home = tmp_path_factory.mktemp("served") / "caniload-home"
    subprocess.run(
        [sys.executable, "-m", "caniload", "list", "tools"],
        env=environ_of(home, home.parent / "user"),
        check=True,
        capture_output=True,
        timeout=300,
    )
    return home


@pytest.fixture(scope="session")
def start(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start services, each with a home of its own; all end with the session."""
    begun: list[subprocess.Popen[bytes]] = []
    clients: list[httpx.Client] = []

    def start(*args: str) -> Served:
        folder = tmp_path_factory.mktemp("service")
        home = folder / "caniload-home"
        shutil.copytree(published, home)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environ = environ_of(home, folder / "user")
        with (folder / "stderr").open("wb") as told:
            process = subprocess.Popen(
                [sys.executable, "-m", "caniload", "serve", "--port", str(port), *args],
                env=environ,
                stdout=subprocess.DEVNULL,
                stderr=told,
            )
        begun.append(process)
        client = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
        clients.append(client)
        served = Served(f"http://127.0.0.1:{port}", home, process, environ, port, client)
        until = time.monotonic() + 120
        while True:
            try:
                assert served.get("/healthz").status_code == 200
                return served
            except httpx.TransportError:
                said = (folder / "stderr").read_text()
                assert process.poll() is None, said
                assert time.monotonic() < until, said
                time.sleep(0.2)

    yield start
    for client in clients:
        client.close()
    for process in begun:
        process.terminate()
    for process in begun:
        assert process.wait(30) in (0, -15), "a service did not end when it was told to"


@pytest.fixture(scope="session")
def served(start: Start) -> Served:
    """One service that tests share; they only read."""
    return start()
