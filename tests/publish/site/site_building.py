"""Build a site as a user does; texts that would like to be scripts."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOSTILE = "<script>document.title='stolen'</script>\"'><img src=x onerror=document.title='stolen'>"
HOSTILE_HANDLE = f"hf:evil/{HOSTILE.replace('/', '')}"


def environ_of(home: Path) -> dict[str, str]:
    """An environment with that home and nothing of the developer's."""
    user = home.parent / "user"
    user.mkdir(exist_ok=True)
    return {
        "HOME": str(user),
        "PATH": "/usr/bin:/bin",
        "CANILOAD_HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONWARNINGS": "error",
    }


def build(home: Path, target: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Build a site as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "caniload", "site", "build", str(target), *args],
        env=environ_of(home),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(site: Path) -> Iterator[str]:
    """Serve a site on loopback below a path, as hosts of projects have it."""
    handler = partial(_Quiet, directory=str(site.parent))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{site.name}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
