"""Say which hubs are configured on this machine and, when asked to, whether they answer."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

_SECONDS = 5.0
_PIP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Configured:
    """Name a hub, where it is configured to be, and how to ask it; `ask` returns a problem."""

    name: str
    where: str
    next_step: str
    ask: Callable[[], str | None]


def configured() -> tuple[Configured, ...]:
    """List the hubs that caniload would ask as this machine is configured."""
    from huggingface_hub import constants

    endpoint = constants.ENDPOINT
    source = "HF_ENDPOINT" if os.environ.get("HF_ENDPOINT") else "the default endpoint"
    where = f"{without_secrets(endpoint)} ({source})"
    offline = constants.HF_HUB_OFFLINE
    if offline:
        where += ", HF_HUB_OFFLINE is set"
    return (
        Configured(
            "hf",
            where,
            "unset HF_HUB_OFFLINE" if offline else "set HF_ENDPOINT to a hub that answers",
            lambda: "is switched off" if offline else ask_http(endpoint),
        ),
        Configured(
            "pypi",
            "as pip is configured",
            "check `pip config list`",
            _ask_pip,
        ),
    )


def without_secrets(url: str) -> str:
    """Cut user name and password out of an address."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def ask_http(endpoint: str) -> str | None:
    """Ask for the head of the hub's front page; any answer over HTTP is an answer."""
    if urlsplit(endpoint).scheme not in ("http", "https"):
        return "is not an http address"
    request = urllib.request.Request(without_secrets(endpoint), method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS):
            return None
    except urllib.error.HTTPError as error:
        error.close()
        return None if error.code < 500 else f"answers with status {error.code}"
    except urllib.error.URLError as error:
        return f"does not answer: {error.reason}"
    except OSError as error:
        return f"does not answer: {error}"


def _ask_pip() -> str | None:
    """Let pip ask its own index for its own versions; it knows the user's configuration."""
    command = [sys.executable, "-m", "pip", "index", "versions", "pip"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PIP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"did not answer within {_PIP_SECONDS:.0f} s"
    lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return None if done.returncode == 0 else (lines[-1] if lines else "pip found no index")
