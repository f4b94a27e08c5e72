"""What `check` prints is pasted: it runs in the environment it names and gives the same numbers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from commandline import Run

DUMP = """
import json as _json
import numpy as _np
_found = output.detach().cpu().numpy() if hasattr(output, "detach") else _np.asarray(output)
_found = _found.astype(float)
print("\\n@" + _json.dumps([list(_found.shape), _found.reshape(-1).tolist()]))
"""


@pytest.mark.framework
@pytest.mark.parametrize(
    ("loader", "framework", "environment", "output"),
    [
        ("transformers", "pytorch", "pytorch", "last_hidden_state"),
        ("sentence-transformers", "pytorch", "pytorch", "sentence_embedding"),
        ("keras-hub", "tensorflow", "tensorflow", "last_hidden_state"),
    ],
)
def test_a_printed_snippet_gives_the_recorded_numbers(
    caniload: Run,
    framework_python: Callable[[str], Path],
    minilm_dir: Path,
    loader: str,
    framework: str,
    environment: str,
    output: str,
) -> None:
    python = str(framework_python(environment))
    limits = ("--loader", loader, "--framework", framework, "--python", python)
    ran = caniload("run", str(minilm_dir), *limits, "--format", "json", timeout=280)
    assert ran.returncode in (0, 1), ran.stderr
    (cell,) = json.loads(ran.stdout)["data"]["cells"]
    assert cell["outcome"] == "passed"
    told = caniload("check", cell["handle"], *limits, "--format", "json")
    (answer,) = json.loads(told.stdout)["data"]
    assert answer["best"]["observation_id"] == cell["observation_id"]
    done = subprocess.run(
        [python, "-c", answer["snippet"] + DUMP],
        cwd=minilm_dir.parent,  # of a local path its last part is recorded, and no more
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shape, values = json.loads(done.stdout.rpartition("\n@")[2])
    prints = caniload(
        "sql",
        f"SELECT shape, rms, mean FROM prints WHERE output = '{output}' "
        f"AND observation_id = '{cell['observation_id']}'",
        "--format",
        "json",
    )
    ((recorded_shape, rms, mean),) = json.loads(prints.stdout)["data"]["rows"]
    assert shape == recorded_shape
    assert values
    kept = _without_padding(shape, values)
    assert sum(kept) / len(values) == pytest.approx(mean, rel=1e-3, abs=1e-6)
    assert (sum(v * v for v in kept) / len(values)) ** 0.5 == pytest.approx(rms, rel=1e-4)


def _without_padding(shape: list[int], values: list[float]) -> list[float]:
    """Set the last quarter of the second row to zero, where outputs have positions."""
    if len(shape) < 3:
        return values
    _, length, hidden = shape
    start = length * hidden + (length - length // 4) * hidden
    return values[:start] + [0.0] * (len(values) - start)
