"""The Model Garden: names that its package registers, at its version, as a file."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from caniload.errors import HubError
from caniload.handles import parse
from caniload.loaders import fetch
from caniload.loaders.fetch.tables import read_table
from caniload.loaders.hub import load_hubs
from caniload.settings import Settings

SCRIPTS = Path(__file__).parents[3] / "scripts"


def test_an_experiment_is_laid_at_the_package_s_version(settings: Settings) -> None:
    got = fetch.fetch(parse("garden:resnet_imagenet"), settings)
    assert got.handle == "garden:resnet_imagenet@2.20.0#garden"
    assert got.format == "garden"
    assert json.loads((Path(got.root) / "experiment.json").read_text()) == {
        "version": "2.20.0",
        "experiment": "resnet_imagenet",
        "module": "official.vision.configs.image_classification",
    }
    nested = fetch.fetch(parse("garden:bert/sentence_prediction@2.20.0"), settings)
    assert nested.handle == "garden:bert/sentence_prediction@2.20.0#garden"


def test_names_and_versions_that_are_not_known_are_refused(settings: Settings) -> None:
    with pytest.raises(HubError, match="did you mean resnet_imagenet") as unknown:
        fetch.resolve(parse("garden:resnet_imagnet"), settings)
    assert unknown.value.reason == "missing"
    with pytest.raises(HubError, match="not known here") as caught:
        fetch.resolve(parse("garden:resnet_imagenet@1.0"), settings)
    assert caught.value.reason == "unresolved"
    with pytest.raises(HubError, match="has no onnx"):
        fetch.resolve(parse("garden:resnet_imagenet#onnx"), settings)


def test_without_a_table_nothing_is_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANILOAD_DATA", str(tmp_path))
    with pytest.raises(HubError, match="no table") as caught:
        fetch.resolve(parse("garden:resnet_imagenet"), Settings.read())
    assert caught.value.reason == "unresolved"


@pytest.mark.framework
@pytest.mark.soak
def test_the_table_holds_every_name_that_the_package_registers(
    settings: Settings, framework_python: Callable[[str], Path]
) -> None:
    table = read_table("garden", settings)
    assert table is not None
    script = (
        "import json, importlib, sys, tensorflow_models; from official.core import exp_factory\n"
        "importlib.import_module(sys.argv[2]); exp_factory.get_exp_config(sys.argv[1])\n"
        "def names(d, path=()):\n"
        " for key, each in d.items():\n"
        "  if isinstance(each, dict): yield from names(each, (*path, key))\n"
        "  else: yield '/'.join((*path, key))\n"
        "print(json.dumps(sorted(names(exp_factory._REGISTERED_CONFIGS))))"
    )
    named = "bert/sentence_prediction"
    done = subprocess.run(
        [framework_python("model-garden"), "-c", script, named, table["entries"][named]["module"]],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    registered = set(json.loads(done.stdout.splitlines()[-1]))
    assert named in registered
    assert registered <= set(table["entries"])


def test_claims_say_that_no_weights_come_with_it(settings: Settings) -> None:
    served = load_hubs()["garden"]
    (claim,) = served.claims(parse("garden:resnet_imagenet"), settings)
    assert "no weights come with it" in claim.says
    assert (claim.format, claim.loader) == ("garden", "model-garden")
    found = [each.handle.locator for each in served.browse("maxvit", settings)]
    assert found
    assert all("maxvit" in name for name in found)


def test_the_script_reads_decorators_and_guesses_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    import import_garden

    source = (
        "@exp_factory.register_config_factory('one')\ndef a(): ...\n"
        "@register_config_factory('two/three')\ndef b(): ...\n"
        "@exp_factory.register_config_factory(NAME)\ndef c(): ...\n"
        "@task_factory.register_task_cls(X)\nclass D: ...\n"
    )
    assert import_garden.registered(ast.parse(source)) == ["one", "two/three", None]
    sys.modules.pop("import_garden")
