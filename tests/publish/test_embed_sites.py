"""Real `sphinx-build -W` and `mkdocs build --strict` of small sites that embed evidence."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from an_answers_file import FAILS, HOSTILE, RUN, WORKS, answers, put

TODAY = "2026-11-25"

RST = """
Site
====

.. caniload:matrix:: bert
   :claims: yes

.. caniload:snippet:: bert
   :framework: pytorch

:caniload:verdict:`BERT loads in PyTorch <bert framework=pytorch expect=works>`
and :caniload:badge:`bert framework=tensorflow`.
"""

MARKDOWN = """
# Site

![all results of BERT](caniload:bert/matrix?claims=yes)

!!! note

    ![](caniload:bert/snippet?framework=pytorch)

[BERT *loads* in PyTorch](caniload:bert?framework=pytorch&expect=works) and
![](caniload:bert/badge?framework=tensorflow).

`[code](caniload:nobody)` stays code.
"""

NO_SOCKETS = """
import atexit, sys

def refuse(event, args):
    if event.startswith("socket."):
        raise RuntimeError(f"{event} in a docs build that has no network")

def imported():
    odd = {"torch", "tensorflow", "jax", "keras", "onnxruntime", "duckdb"} & set(sys.modules)
    if odd:
        print("IMPORTED", *odd, file=sys.stderr)

sys.addaudithook(refuse)
atexit.register(imported)
"""


@dataclass
class Site:
    """A small site of one tool: `claim` writes a sentence with its claim, `build` builds it."""

    folder: Path
    page: Path
    html: Path
    command: list[str]
    claim: Callable[[str, str, str], str]

    def add(self, text: str) -> None:
        self.page.write_text(self.page.read_text() + "\n" + text + "\n")

    def build(self, today: str = TODAY, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command,
            cwd=self.folder,
            env={**os.environ, "CANILOAD_TODAY": today, "NO_MKDOCS_2_WARNING": "1", **variables},
            capture_output=True,
            text=True,
            check=False,
        )


def sphinx(folder: Path) -> Site:
    (folder / "index.rst").write_text(RST)
    (folder / "conf.py").write_text(
        'project = "site"\nextensions = ["caniload.publish.sphinx"]\n'
        'caniload_answers = "answers.json"\ncaniload_max_age = 90\n'
    )
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", ".", "built"]
    return Site(
        folder,
        folder / "index.rst",
        folder / "built" / "index.html",
        command,
        lambda text, model, options: f":caniload:verdict:`{text} <{model} {options}>`",
    )


def mkdocs(folder: Path, theme: str = "mkdocs") -> Site:
    (folder / "docs").mkdir()
    (folder / "docs" / "index.md").write_text(MARKDOWN)
    (folder / "mkdocs.yml").write_text(
        f"site_name: site\ntheme: {{name: {theme}}}\nmarkdown_extensions: [admonition]\n"
        "plugins:\n  - search\n  - caniload: {answers: answers.json, max_age: 90}\n"
    )
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", "built"]
    return Site(
        folder,
        folder / "docs" / "index.md",
        folder / "built" / "index.html",
        command,
        lambda text, model, options: f"[{text}](caniload:{model}?{options.replace(' ', '&')})",
    )


def material(folder: Path) -> Site:
    return mkdocs(folder, "material")


@pytest.fixture(params=[sphinx, mkdocs, material], ids=lambda make: make.__name__)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    made: Site = request.param(tmp_path)
    put(tmp_path)
    return made


def test_every_embed_shows_run_versions_and_day_without_a_socket(
    site: Site, tmp_path: Path
) -> None:
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(NO_SOCKETS)
    done = site.build(PYTHONPATH=str(hook))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "IMPORTED" not in done.stderr
    html = site.html.read_text()
    parts = {
        kind: html.split(f"caniload caniload-{kind}", 1)[1].split('class="caniload ', 1)[0]
        for kind in ("matrix", "snippet", "verdict", "badge")
    }
    for kind, part in parts.items():
        assert RUN in part, kind
        assert 'datetime="2026-11-21" data-max-age="90"' in part, kind
        assert "5.23.0" in part, kind
    assert "claimed" in parts["matrix"]
    assert WORKS.install in parts["snippet"]
    assert "BertModel.from_pretrained(path)" in parts["snippet"]
    assert "fails on TensorFlow 2.21 · CPU" in parts["badge"]
    assert "</span> works</span>" in parts["verdict"]
    assert "caniload-ages.js" in html
    assert "caniload.css" in html
    for name in ("caniload-ages.js", "caniload.css", "can-i-load.js"):
        assert list((tmp_path / "built").rglob(name)), name


def test_the_build_fails_when_the_clock_moves_past_what_is_allowed(site: Site) -> None:
    done = site.build("2027-02-19")
    assert done.returncode == 0, done.stdout + done.stderr
    done = site.build("2027-02-20")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "bert (tensorflow): evidence is older than 90 days" in said
    assert f"was measured 2026-11-21, 91 days ago (run {RUN})" in said
    assert "Traceback" not in said


def test_the_build_fails_when_evidence_contradicts_the_text(site: Site) -> None:
    site.add(site.claim("BERT loads in TensorFlow", "bert", "framework=tensorflow expect=works"))
    done = site.build()
    assert done.returncode != 0
    assert (
        "bert (tensorflow): the text claims works, the evidence of 2026-11-21 "
        f"(run {RUN}) says {FAILS.result}" in done.stdout + done.stderr
    )


@pytest.mark.parametrize(
    ("model", "options", "says"),
    [
        ("bret", "framework=jax", "bret (jax): no model named 'bret'. did you mean bert?"),
        ("bert", "framwork=jax", "'framwork' is no option"),
        ("bert", "expect=wrks", "expect=wrks is no verdict"),
        ("dream", "expect=works", "dream: the text claims works, which nobody measured"),
        (
            "dream",
            "loader=transformers",
            "dream (transformers): nothing that it shows was measured",
        ),
    ],
)
def test_what_cannot_be_shown_fails_the_build(
    site: Site, model: str, options: str, says: str
) -> None:
    site.add(site.claim("A claim", model, options))
    done = site.build()
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert says in said
    assert "Traceback" not in said


def test_what_upstream_calls_itself_is_never_html(site: Site) -> None:
    text = {
        "index.rst": ".. caniload:matrix:: hostile\n\n.. caniload:snippet:: hostile\n\n"
        ".. caniload:badge:: hostile\n",
        "index.md": "![](caniload:hostile/matrix)\n\n![](caniload:hostile/snippet)\n\n"
        "![](caniload:hostile/badge)\n",
    }
    site.add(text[site.page.name] + "\n" + site.claim("It loads", "hostile", "expect=works"))
    done = site.build()
    assert done.returncode == 0, done.stdout + done.stderr
    for page in (site.folder / "built").rglob("*.html"):
        assert HOSTILE not in page.read_text()
    assert site.html.read_text().count("&lt;script&gt;alert(1)&lt;/script&gt;") > 20


def test_a_file_that_is_none_fails_the_build_in_a_line(site: Site) -> None:
    (site.folder / "answers.json").write_text('{"caniload": "answers"}')
    done = site.build()
    assert done.returncode != 0
    assert "answers.json: caniload_version: field required" in done.stdout + done.stderr


def test_pages_follow_the_answers_in_an_incremental_build(tmp_path: Path) -> None:
    site = sphinx(tmp_path)
    put(tmp_path)
    assert site.build().returncode == 0
    old = site.build("2027-02-20")
    assert "evidence is older than 90 days" in old.stderr
    assert old.returncode != 0
    changed = answers()
    model = changed.models[0]
    cells = tuple(
        cell.model_copy(update={"run": "20261122T000000Z-ffffff"}) for cell in model.cells
    )
    models = (model.model_copy(update={"cells": cells}), *changed.models[1:])
    put(tmp_path, changed.model_copy(update={"models": models}))
    assert site.build().returncode == 0
    html = site.html.read_text()
    assert "20261122T000000Z-ffffff" in html
    assert RUN not in html


def test_other_builders_show_the_same_evidence(tmp_path: Path) -> None:
    site = sphinx(tmp_path)
    put(tmp_path)
    site.command = [*site.command[:-2], "-b", "text", ".", "text"]
    done = site.build()
    assert done.returncode == 0, done.stderr
    text = " ".join((tmp_path / "text" / "index.txt").read_text().split())
    assert "| transformers " in text
    assert RUN in text
    assert "BERT loads in PyTorch (works: BERT with transformers in PyTorch 2.13.0" in text
