"""Attacks armed with the real frameworks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from escape_range import HERE, TOKEN, Listener, Range

from caniload.runs import sandbox


@pytest.fixture(scope="session")
def attacks(
    framework_python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Range]:
    """The range, with every artefact written by its own framework."""
    assert sandbox.bubblewrap() is not None, "install bubblewrap: escapes need a real sandbox"
    base = tmp_path_factory.mktemp("escapes")
    arms, home = base / "arms", base / "victim"
    arms.mkdir()
    (home / ".cache" / "huggingface").mkdir(parents=True)
    (home / ".cache" / "huggingface" / "token").write_text(TOKEN)
    pythons = {name: framework_python(name) for name in ("pytorch", "tensorflow")}
    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = Listener(server)
        thread = threading.Thread(target=listener.listen, daemon=True)
        thread.start()
        armed = {
            name: arm(pythons[name], f"arm_{name}.py", script, arms, home, listener.port)
            for name, script in (("pytorch", "arm_torch.py"), ("tensorflow", "arm_tensorflow.py"))
        }
        said: dict[str, Any] = json.loads(armed["tensorflow"].splitlines()[-1])
        python = Path(os.path.realpath(pythons["pytorch"]))
        yield Range(
            arms=arms,
            home=home,
            listener=listener,
            registry=said["ops"],
            py_func_ran=said["py_func_ran"],
            pythons={**pythons, "": python},
            scratch=base,
        )
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def arm(python: Path, name: str, script: str, arms: Path, home: Path, port: int) -> str:
    """Run a script that writes artefacts; return what it printed."""
    done = subprocess.run(
        [str(python), str(HERE / script), str(arms), str(home), str(port)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "TF_CPP_MIN_LOG_LEVEL": "3", "HOME": str(arms.parent)},
    )
    assert done.returncode == 0, (name, done.stderr[-3000:])
    return done.stdout
