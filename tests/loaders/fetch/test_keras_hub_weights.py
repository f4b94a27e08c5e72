"""Weights of keras.applications: what Keras asks for, laid where Keras looks for it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import stands_torch
from loopback.server import Server

from caniload.errors import HubError
from caniload.handles import Handle, parse
from caniload.loaders import fetch
from caniload.loaders.fetch.keras import KerasHub
from caniload.settings import Settings

TABLE = Path(__file__).parents[3] / "caniload" / "data" / "packages" / "keras.json"


def test_every_application_is_listed_at_the_version_of_the_table(settings: Settings) -> None:
    hub = KerasHub()
    assert len(hub.browse("", settings)) == 40
    assert [str(each.handle) for each in hub.browse("inceptionv", settings)] == [
        "keras:InceptionV3@3.15.1"
    ]
    with pytest.raises(HubError, match="did you mean InceptionV3") as caught:
        fetch.resolve(parse("keras:InceptionV4"), settings)
    assert caught.value.reason == "missing"
    with pytest.raises(HubError, match="write #keras-applications or #keras-applications:notop"):
        fetch.resolve(parse("keras:InceptionV3#keras"), settings)


@pytest.mark.framework
def test_keras_finds_the_file_in_its_own_cache(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    framework_python: Callable[[str], Path],
) -> None:
    stand = stands_torch.keras(server, tmp_path, monkeypatch)
    handle = Handle("keras", "Tiny", None, None, "keras-applications", "notop")
    artefact = fetch.fetch(handle, Settings.read())
    assert artefact.handle == "keras:Tiny@3.15.1#keras-applications:notop"
    told = json.loads((Path(artefact.root) / "application.json").read_text())
    assert (told["version"], told["application"], told["include_top"]) == ("3.15.1", "Tiny", False)
    file = told["files"][0]
    code = (
        "import sys, keras; name, url, md5 = sys.argv[1:]; "
        "print(keras.utils.get_file(name, url, cache_subdir='models', file_hash=md5))"
    )
    done = subprocess.run(
        [framework_python("keras-jax"), "-c", code, file["file"], file["url"], file["md5"]],
        env={**os.environ, "KERAS_BACKEND": "jax", "KERAS_HOME": artefact.root},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.strip() == str(Path(artefact.root) / "models" / file["file"]), done.stderr
    assert stand.weights(Path(artefact.root)) == stands_torch.WEIGHTS


@pytest.mark.framework
def test_the_table_is_what_keras_asks_for(framework_python: Callable[[str], Path]) -> None:
    """Three applications whose names are made in three ways; the import script asks for all."""
    code = (
        "import json, keras\n"
        "from keras.src.utils import file_utils\n"
        "class Asked(Exception): pass\n"
        "def ask(fname, origin, cache_subdir=None, file_hash=None):\n"
        "    raise Asked([fname, origin, file_hash or ''])\n"
        "file_utils.get_file = ask\n"
        "for name in ('MobileNetV2', 'EfficientNetB0', 'ConvNeXtTiny'):\n"
        "    try:\n"
        "        with keras.StatelessScope(initialize_variables=False):\n"
        "            getattr(keras.applications, name)()\n"
        "    except Asked as asked:\n"
        "        print(json.dumps([keras.__version__, name, asked.args[0]]))\n"
    )
    done = subprocess.run(
        [framework_python("keras-jax"), "-W", "ignore", "-c", code],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    table = json.loads(TABLE.read_text("utf-8"))
    asked = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(asked) == 3, done.stderr
    assert asked == [
        [table["version"], name, table["entries"]["applications"][name]["top"]]
        for _, name, _ in asked
    ]
