"""Attacks armed with the real frameworks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from escape_range import HERE, TOKEN, Listener, Range

from caniload.runs import sandbox
from caniload.runs.interpreters import probe


@pytest.fixture(scope="session")
def attacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    """The range, for what takes no framework."""
    assert sandbox.bubblewrap() is not None, "install bubblewrap: escapes need a real sandbox"
    base = tmp_path_factory.mktemp("escapes")
    arms, home = base / "arms", base / "victim"
    (arms / "plain").mkdir(parents=True)
    (arms / "plain" / "weights").write_text("w")
    (home / ".cache" / "huggingface").mkdir(parents=True)
    (home / ".cache" / "huggingface" / "token").write_text(TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = Listener(server)
        thread = threading.Thread(target=listener.listen, daemon=True)
        thread.start()
        yield Range(arms, home, listener, probe(Path(sys.prefix)).python.resolve(), base)
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture(scope="session")
def armed(attacks: Range, framework_python: Callable[[str], Path]) -> Range:
    """The range, with every artefact written by its own framework."""
    for name in ("pytorch", "tensorflow"):
        attacks.pythons[name] = framework_python(name)
    arm(attacks, "pytorch", "arm_torch.py")
    said: dict[str, Any] = json.loads(arm(attacks, "tensorflow", "arm_tensorflow.py"))
    attacks.registry.update(said["ops"])
    attacks.py_func_ran = said["py_func_ran"]
    return attacks


def arm(attacks: Range, env: str, script: str) -> str:
    """Run a script that writes artefacts; return the last line that it printed."""
    python, home = attacks.pythons[env], attacks.home
    done = subprocess.run(
        [str(python), str(HERE / script), str(attacks.arms), str(home), str(attacks.listener.port)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "TF_CPP_MIN_LOG_LEVEL": "3", "HOME": str(attacks.scratch)},
    )
    assert done.returncode == 0, (env, done.stderr[-3000:])
    return done.stdout.rpartition("\n")[0].rpartition("\n")[2]
