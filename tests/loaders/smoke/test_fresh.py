"""Workers in processes of their own, started as the parent starts them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from drive import RECIPE, drive, job

pytestmark = pytest.mark.framework


def test_our_transformers_never_shadows_theirs(
    framework_python: Callable[[str], Path], minilm_dir: Path, tmp_path: Path
) -> None:
    seen = drive(framework_python("pytorch"), job(minilm_dir, "transformers", "pytorch"), tmp_path)
    assert seen.result == ("passed", "check"), seen.log
    assert (tmp_path / "code" / "caniload_smoke" / "transformers.py").is_file()
    assert seen.facts["class"] == "BertModel"
    assert seen.checks["weights"]["numbers"]["compared"] == 104


def test_our_onnx_never_shadows_theirs(
    framework_python: Callable[[str], Path], tmp_path: Path
) -> None:
    """The pytorch environment has the real `onnx`, beside our `onnx.py`, and no ONNX Runtime."""
    model = tmp_path / "model.onnx"
    model.write_bytes(b"\x08\x08")
    seen = drive(
        framework_python("pytorch"), job(model, "onnx", "onnxruntime", "onnx"), tmp_path / "run"
    )
    assert seen.result == ("not_installed", "import"), seen.log
    assert "onnxruntime" in seen.final["message"]


def test_tensorflow_classes_are_gone_from_transformers_5(
    framework_python: Callable[[str], Path], minilm_dir: Path, tmp_path: Path
) -> None:
    work = job(minilm_dir, "transformers", "tensorflow")
    seen = drive(framework_python("tensorflow"), work, tmp_path)
    assert seen.result == ("failed", "import")
    (told,) = seen.all("exceptions")
    (fact,) = told["exceptions"]
    assert fact["type"] == "ImportError"
    assert fact["message"].startswith("cannot import name 'TFBertModel' from 'transformers'")


def test_a_missing_framework_is_not_installed(
    framework_python: Callable[[str], Path], minilm_dir: Path, tmp_path: Path
) -> None:
    for index, (loader, framework) in enumerate(
        [("transformers", "pytorch"), ("keras-hub", "jax"), ("sentence-transformers", "pytorch")]
    ):
        seen = drive(
            framework_python("onnxruntime"),
            job(minilm_dir, loader, framework),
            tmp_path / str(index),
        )
        assert seen.result == ("not_installed", "import")


def test_onnx_says_what_it_cannot_do(
    framework_python: Callable[[str], Path], tmp_path: Path
) -> None:
    """Random weights cannot be asked of a file that holds its own."""
    model = tmp_path / "model.onnx"
    model.write_bytes(b"\x08\x08")
    work = job(model, "onnx", "onnxruntime", "onnx", recipe={**RECIPE, "weights": "random"})
    seen = drive(framework_python("onnxruntime"), work, tmp_path / "run")
    assert seen.result == ("refused", "load")
