"""What `examples/` holds works: the workflow's own commands are run, the units are read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from caniload.settings import Settings

EXAMPLES = Path(__file__).parents[2] / "examples"
WORKFLOW = yaml.safe_load((EXAMPLES / "github" / "nightly.yml").read_text())
SUITE = """
name = "mine"
environments = ["vision"]

[[models]]
model = ["timm:resnet10t", "timm:resnet14t", "timm:resnet18"]
weights = "random"
"""
GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example.org",
}


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words],
        env={**os.environ, **GIT},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


class Hosted:
    """Do a workflow's steps as GitHub would: actions by what they are for, `run` by bash."""

    def __init__(self, folder: Path, envs: Path, suite: str) -> None:
        self.folder = folder
        self.envs = envs
        self.suite = suite
        self.data = folder / "data"
        shutil.copytree(
            Settings.read({}).data, self.data, ignore=shutil.ignore_patterns("evidence")
        )
        self.artefacts = folder / "artefacts"
        self.remote = folder / "remote.git"
        start = folder / "start"
        start.mkdir(parents=True)
        git(start, "init", "--quiet", "--initial-branch", "caniload-data")
        git(start, "commit", "--quiet", "--allow-empty", "--message", "results of caniload")
        subprocess.run(["git", "clone", "--quiet", "--bare", str(start), str(self.remote)])

    def job(self, name: str, matrix: Mapping[str, Any], night: int) -> list[str]:
        """Run a job in a workspace of its own; return the names of the steps that failed."""
        workspace = self.folder / f"{name}-{'-'.join(map(str, matrix.values()))}-{night}"
        failed: list[str] = []
        for step in WORKFLOW["jobs"][name]["steps"]:
            if failed and "if" not in step:
                continue
            if not self._step(step, workspace, matrix, night):
                failed.append(step["name"])
        return failed

    def _step(
        self, step: dict[str, Any], workspace: Path, matrix: Mapping[str, Any], night: int
    ) -> bool:
        told = {"github.workspace": str(workspace)}
        told |= {f"matrix.{key}": str(value) for key, value in matrix.items()}

        def expanded(text: str) -> str:
            return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: told[found[1]], text)

        given = {key: expanded(str(value)) for key, value in step.get("with", {}).items()}
        action = step.get("uses", "").partition("@")[0]
        if action == "actions/checkout" and "ref" in given:
            subprocess.run(
                ["git", "clone", "--quiet", "--branch", given["ref"], str(self.remote),
                 str(workspace / given["path"])],
                check=True,
            )  # fmt: skip
        elif action == "actions/checkout":
            workspace.mkdir()
            (workspace / "caniload.toml").write_text(self.suite)
        elif action == "actions/upload-artifact":
            if (workspace / given["path"]).exists():
                target = self.artefacts / str(night) / given["name"]
                shutil.copytree(workspace / given["path"], target)
        elif action == "actions/download-artifact":
            assert given["merge-multiple"] == "True"
            for kept in sorted((self.artefacts / str(night)).glob(given["pattern"])):
                shutil.copytree(kept, workspace / given["path"], dirs_exist_ok=True)
        elif action:
            assert action == "actions/setup-python"
        elif step["name"] != "Install":
            return self._run(step, workspace, expanded)
        return True

    def _run(self, step: dict[str, Any], workspace: Path, expanded: Callable[[str], str]) -> bool:
        environ = {
            **{key: expanded(value) for key, value in WORKFLOW["env"].items()},
            **GIT,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "CANILOAD_ENVS": str(self.envs),
            "CANILOAD_DATA": str(self.data),
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(workspace / "summary.md"),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", expanded(step["run"])],
            cwd=workspace / step.get("working-directory", "."),
            env=environ,
            capture_output=True,
            text=True,
        )
        (workspace / f"{step['name']}.txt").write_text(done.stdout + done.stderr)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode == 0


@pytest.fixture
def envs(framework_python: Callable[[str], Path]) -> Path:
    return framework_python("vision").parents[2]


@pytest.mark.framework
@pytest.mark.slow
def test_the_workflow_s_commands_give_one_night_of_all_shards(tmp_path: Path, envs: Path) -> None:
    hosted = Hosted(tmp_path / "hosted", envs, SUITE)
    shards = WORKFLOW["jobs"]["shard"]["strategy"]["matrix"]["shard"]
    assert f"/{len(shards)} " in str(WORKFLOW["jobs"]["shard"]["steps"])
    for night in (1, 2):
        for shard in shards:
            assert hosted.job("shard", {"shard": shard}, night) == []
        assert hosted.job("night", {}, night) == []
        workspace = hosted.folder / f"night--{night}"
        if night == 1:
            assert (
                "3 of 3" in (workspace / "summary.md").read_text()
                or "planned" in (workspace / "summary.md").read_text()
            )
            import json

            told = json.loads((workspace / "data" / "latest" / "night.json").read_text())
            assert told["coverage"]["planned"] == told["coverage"]["attempted"] == 3
            assert told["coverage"]["listed"] == 3
            assert told["coverage"]["omitted"] == {}
    kept = git(hosted.remote, "ls-tree", "-r", "--name-only", "caniload-data").splitlines()
    runs = {name.split("/")[1] for name in kept if name.startswith("segments/")}
    assert len([name for name in kept if name.endswith("/run.json")]) == len(runs) >= 2
    assert "latest/night.html" in kept
    assert not (hosted.artefacts / "2").exists(), "the second night had nothing to attempt"


def test_the_workflow_uses_what_its_jobs_make() -> None:
    jobs = WORKFLOW["jobs"]
    uploaded = next(s for s in jobs["shard"]["steps"] if "upload-artifact" in s.get("uses", ""))
    taken = next(s for s in jobs["night"]["steps"] if "download-artifact" in s.get("uses", ""))
    assert uploaded["with"]["name"].startswith(taken["with"]["pattern"].rstrip("*"))
    assert jobs["night"]["needs"] == "shard"
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_systemd_reads_the_units(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    units = sorted((EXAMPLES / "systemd").glob("*.*"))
    assert [unit.suffix for unit in units] == [".service", ".timer"]
    if verify is None:
        pytest.skip("systemd-analyze is not on this machine")
    program = tmp_path / ".local" / "bin" / "caniload"
    program.parent.mkdir(parents=True)
    shutil.copy("/bin/true", program)
    known = tmp_path / "units"
    known.mkdir()
    for unit in units:
        shutil.copy(unit, known)
    for name in ("basic", "default", "shutdown", "timers"):
        (known / f"{name}.target").write_text(f"[Unit]\nDescription={name}\n")
    said = verified(verify, known, tmp_path, units)
    assert said == (0, ""), "the machine's own units, which may be at fault, are not read"
    service = known / "caniload-nightly.service"
    service.write_text(service.read_text().replace("ExecStart=", "ExecStrat="))
    code, text = verified(verify, known, tmp_path, units)
    assert code != 0
    assert "ExecStrat" in text


def verified(verify: str, known: Path, home: Path, units: list[Path]) -> tuple[int, str]:
    """Let systemd verify the units in a folder that holds all it knows; return code and words."""
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(home)}
    done = subprocess.run(
        [verify, "verify", "--user", "--man=no", *(str(known / unit.name) for unit in units)],
        env={**environ, "SYSTEMD_UNIT_PATH": str(known)},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr
