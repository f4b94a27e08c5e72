"""torch.hub repositories: resolved, laid, and read without running a line of theirs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from loopback import faults, weight_files
from loopback.github import LIMITED, GitHub, Repository
from loopback.server import Server

from caniload.errors import ArtefactError, BadInputError, HubError
from caniload.handles import Handle, parse
from caniload.loaders import fetch
from caniload.loaders.fetch.torchhub import TorchHub
from caniload.settings import Settings

WEIGHTS = bytes(range(256)) * 40
HUBCONF = """
import pathlib
pathlib.Path({marker!r}).write_text("run")
dependencies = ["torch", "numpy"]
from models.net import small as small_net

TABLE = {{"big": "{base}/weights/{big}", "other": "{base}/weights/other.pth"}}

def big(pretrained=False, progress=True):
    import torch
    if pretrained:
        return torch.hub.load_state_dict_from_url(TABLE["big"], progress=progress, check_hash=True)

def _private(): ...
"""
NET = 'def small(size):\n    return {"s": 1}[size]\n'


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "was-run"


@pytest.fixture
def repository(server: Server, marker: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    monkeypatch.setenv("CANILOAD_TORCHHUB_ENDPOINT", server.base)
    big = weight_files.hashed("big", WEIGHTS)
    server.files[f"/weights/{big}"] = WEIGHTS
    conf = HUBCONF.format(marker=str(marker), base=server.base, big=big)
    files = {"hubconf.py": conf.encode(), "models/net.py": NET.encode(), "README.md": b"# Tiny"}
    return Repository("tiny/zoo", files, links={"weights": "/data/weights"})


@pytest.fixture
def github(server: Server, repository: Repository) -> GitHub:
    hub = GitHub(server, token="github_secret")
    hub.add(repository)
    return hub


def _told(root: str) -> dict[str, object]:
    told: dict[str, object] = json.loads((Path(root) / "torchhub.json").read_text())
    return told


@pytest.mark.usefixtures("github")
@pytest.mark.parametrize("ref", [None, "main", "short", "commit"])
def test_a_branch_or_nothing_becomes_the_commit_it_stands_for(
    repository: Repository, settings: Settings, ref: str | None
) -> None:
    named = {"short": repository.commit[:7], "commit": repository.commit}.get(ref or "", ref)
    resolved = fetch.resolve(Handle("torchhub", "tiny/zoo/big", named), settings)
    assert resolved == Handle("torchhub", "tiny/zoo/big", repository.commit)


@pytest.mark.usefixtures("github")
def test_the_tree_and_the_weights_are_laid_and_nothing_is_run(
    repository: Repository, settings: Settings, marker: Path
) -> None:
    artefact = fetch.fetch(parse("torchhub:tiny/zoo/big"), settings)
    root = Path(artefact.root)
    big = weight_files.hashed("big", WEIGHTS)
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert files == {
        "repo/hubconf.py",
        "repo/models/net.py",
        "repo/README.md",
        "repo/weights",
        f"checkpoints/{big}",
        "torchhub.json",
    }
    assert files == {fact.path for fact in artefact.files}
    assert artefact.format == "torch-hub"
    assert (root / "repo" / "weights").read_text() == "/data/weights"
    assert not (root / "repo" / "weights").is_symlink()
    told = _told(artefact.root)
    weights = told.pop("weights")
    assert told == {
        "owner": "tiny",
        "repo": "zoo",
        "commit": repository.commit,
        "entry": "big",
        "call": {"pretrained": True},
        "dependencies": ["torch", "numpy"],
        "unfetched": [],
    }
    fact = next(fact for fact in artefact.files if fact.path.startswith("checkpoints/"))
    assert isinstance(weights, list)
    assert [(one["file"], one["sha256"], one["size_bytes"]) for one in weights] == [
        (big, fact.sha256, len(WEIGHTS))
    ]
    assert not marker.exists()


@pytest.mark.usefixtures("github")
def test_entry_points_are_listed_and_their_needs_told_without_running_them(
    repository: Repository, settings: Settings, marker: Path
) -> None:
    hub = TorchHub()
    found = hub.browse("tiny/zoo", settings)
    assert {str(each.handle) for each in found} == {
        f"torchhub:tiny/zoo/big@{repository.commit}",
        f"torchhub:tiny/zoo/small_net@{repository.commit}",
    }
    assert hub.browse("no repository", settings) == ()
    said = hub.claims(parse("torchhub:tiny/zoo/big"), settings)
    assert [claim.says for claim in said][1:] == ["requires torch", "requires numpy"]
    assert not marker.exists()


@pytest.mark.usefixtures("github")
def test_an_entry_point_that_is_not_there_is_missing_and_those_near_are_named(
    settings: Settings,
) -> None:
    with pytest.raises(HubError, match=r"no entry point 'bigg'\. it has big") as caught:
        fetch.fetch(parse("torchhub:tiny/zoo/bigg"), settings)
    assert caught.value.reason == "missing"
    with pytest.raises(HubError, match="no such commit, branch or tag"):
        fetch.fetch(parse("torchhub:tiny/zoo/big@v9"), settings)
    with pytest.raises(HubError, match="not there, or private"):
        fetch.fetch(parse("torchhub:tiny/nothing/big"), settings)
    with pytest.raises(BadInputError, match="torchhub:owner/repository/entry"):
        fetch.fetch(parse("torchhub:tiny/zoo"), settings)


@pytest.mark.parametrize("told", ["header", "message"])
def test_the_rate_limit_is_throttled_whatever_status_says_it(
    server: Server, github: GitHub, settings: Settings, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    github.limited = True
    if told == "message":
        monkeypatch.setitem(LIMITED.headers, "X-RateLimit-Remaining", "59")
    with pytest.raises(HubError, match="GITHUB_TOKEN") as caught:
        fetch.fetch(parse("torchhub:tiny/zoo/big"), settings)
    assert caught.value.reason == "throttled"
    monkeypatch.setenv("GITHUB_TOKEN", "github_secret")
    assert fetch.fetch(parse("torchhub:tiny/zoo/big"), settings).files


def test_a_token_that_is_refused_is_named(
    github: GitHub, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "stale")
    with pytest.raises(HubError, match="GITHUB_TOKEN is not valid") as caught:
        fetch.fetch(parse("torchhub:tiny/zoo/big"), settings)
    assert caught.value.reason == "gated"


def test_the_token_goes_to_github_alone(
    server: Server,
    other: Server,
    repository: Repository,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repository.private = True
    GitHub(server, token="github_secret", codeload=other).add(repository)
    monkeypatch.setenv("GITHUB_TOKEN", "github_secret")
    fetch.fetch(parse("torchhub:tiny/zoo/big"), settings)
    api = [asked for asked in server.asked if asked.path.startswith("/repos/")]
    elsewhere = [asked for asked in server.asked if asked.path.startswith("/weights/")]
    assert {asked.headers.get("authorization") for asked in api} == {"Bearer github_secret"}
    assert other.asked
    assert elsewhere
    assert all("authorization" not in asked.headers for asked in [*other.asked, *elsewhere])


def test_a_zip_of_another_commit_is_refused(
    github: GitHub, repository: Repository, settings: Settings
) -> None:
    handle = Handle("torchhub", "tiny/zoo/big", repository.commit)
    another = Repository("tiny/zoo", {"hubconf.py": b"def big(): ..."})
    repository.archive = another.zipped()
    with pytest.raises(ArtefactError, match=f"is of commit {another.commit}"):
        fetch.fetch(handle, settings)


@pytest.mark.usefixtures("github")
def test_weights_that_are_gone_or_wrong_are_the_hubs_failure(
    server: Server, settings: Settings
) -> None:
    server.fail("/weights/", faults.status(404))
    with pytest.raises(HubError, match="/weights/big") as caught:
        fetch.fetch(parse("torchhub:tiny/zoo/big"), settings)
    assert caught.value.reason == "missing"
    server.faults.clear()
    server.fail("/weights/", faults.corrupted)
    with pytest.raises(ArtefactError, match="sha256"):
        fetch.fetch(parse("torchhub:tiny/zoo/big"), settings)


def test_code_cannot_make_the_fetch_ask_this_machine(
    other: Server, github: GitHub, repository: Repository, settings: Settings
) -> None:
    """Only the mirror may be asked there; the address is recorded as not fetched."""
    other.files["/secret.pth"] = b"secret"
    url = f"{other.base}/secret.pth"
    repository.files["hubconf.py"] = f"def big():\n    load_state_dict_from_url('{url}')".encode()
    artefact = fetch.fetch(parse("torchhub:tiny/zoo/big"), settings)
    assert other.asked == []
    assert _told(artefact.root)["unfetched"] == [url]


@pytest.mark.framework
def test_pytorch_loads_what_was_laid_without_a_network(
    server: Server,
    github: GitHub,
    repository: Repository,
    settings: Settings,
    tmp_path: Path,
    framework_python: Callable[[str], Path],
) -> None:
    python = framework_python("pytorch")
    made = tmp_path / "made.pth"
    save = f"import torch; torch.save({{'w': torch.arange(6.0)}}, {str(made)!r})"
    subprocess.run([python, "-c", save], check=True, timeout=120)
    body = made.read_bytes()
    name = weight_files.hashed("tiny", body)
    server.files[f"/{name}"] = body
    repository.files["hubconf.py"] = (
        "dependencies = ['torch']\nimport torch\n"
        "def big(pretrained=False):\n"
        f"    return torch.hub.load_state_dict_from_url({server.base + '/' + name!r}, "
        "check_hash=True)\n"
    ).encode()
    artefact = fetch.fetch(parse("torchhub:tiny/zoo/big"), settings)
    asked = len(server.asked)
    code = (
        "import sys, json, torch\n"
        "root = sys.argv[1]\n"
        "told = json.load(open(root + '/torchhub.json'))\n"
        "torch.hub.set_dir(root)\n"
        "got = torch.hub.load(root + '/repo', told['entry'], source='local', **told['call'])\n"
        "print(got['w'].tolist())\n"
    )
    done = subprocess.run(
        [python, "-c", code, artefact.root], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip() == "[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]", done.stderr
    assert len(server.asked) == asked
    assert "torch" not in sys.modules
