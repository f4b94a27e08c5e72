"""A declared patch is in the environment that is built, and imports nothing by itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_packages import specification

from caniload.errors import UnreadableFileError
from caniload.runs import environments, patches
from caniload.settings import Settings


@pytest.mark.builds
@pytest.mark.usefixtures("wheelhouse")
def test_a_build_installs_the_patch_that_its_specification_names(settings: Settings) -> None:
    spec = specification("tiny", "alpha==1.0").model_copy(
        update={"patches": ("as tested",), "patch_modules": ("torchvision_ops",)}
    )
    python = environments.build(spec, settings)
    code = "import sys; print('caniload_patch_torchvision_ops' in sys.modules)"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_a_patch_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    with pytest.raises(UnreadableFileError, match="nonsense"):
        patches.install(tmp_path, ["nonsense"], tmp_path)


def test_the_patch_waits_for_torchvision_and_leaves_a_whole_one_alone(
    tmp_path: Path, settings: Settings
) -> None:
    """A torchvision whose compiled part loads asks for nothing; torch is not even imported."""
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("from . import extension, _meta_registrations\n")
    (package / "extension.py").write_text("def _has_ops():\n    return True\n")
    (package / "_meta_registrations.py").write_text("")
    source = settings.data / "environments" / "patches"
    code = (
        f"import sys; sys.path[:0] = [{str(source)!r}, {str(tmp_path)!r}]\n"
        "import torchvision_ops; assert 'torch' not in sys.modules\n"
        "import torchvision; print('torch' in sys.modules, torchvision_ops._libraries)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False []"


@pytest.mark.framework
def test_torchvision_imports_in_the_patched_environment(
    framework_python: Callable[[str], Path],
) -> None:
    code = (
        "import sys; assert 'torch' not in sys.modules\n"
        "import torchvision; print(len(torchvision.models.list_models()) > 100)"
    )
    python = framework_python("vision")
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr
