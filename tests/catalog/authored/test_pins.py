"""`pin` writes a hub's answer where it belongs and leaves the rest of the file as it was."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from caniload.catalog.authored import read_entry
from caniload.catalog.entries import ModelEntry
from caniload.catalog.pins import Resolution, pin, unpinned
from caniload.errors import CatalogueError, HubError, UnknownNameError
from caniload.handles import Handle

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TEXT = """\
# A comment at the top.
id: tiny
name: Tiny   # a comment beside
family: tiny
tasks: [fill-mask]
licence: MIT
about: A very small model.
sources:
  # Where it is published.
  - handle: hf:acme/tiny  # the publisher's own
    pin: null  # nobody asked yet
    formats: [safetensors]
  - formats: [onnx]
    handle: "hf:acme/tiny-onnx"
  # The package.
  - handle: pypi:tiny@1.0/model
    pin:
      by: caniload catalog pin
      at: 2026-01-01T00:00:00Z
      sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      answered_by: package index
      # A comment after the pin.
    attempts:
      - {loader: transformers, framework: pytorch, environment: pytorch}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file above, in a catalogue of its own."""
    file = tmp_path / "models" / "tiny.yaml"
    file.parent.mkdir()
    file.write_text(TEXT)
    return file


def _commit(handle: Handle) -> Resolution:
    return Resolution(handle.at(COMMIT), "the hub: its API")


def _model(path: Path) -> ModelEntry:
    entry = read_entry(path)
    assert isinstance(entry, ModelEntry)
    return entry


def _changed(path: Path) -> tuple[list[str], list[str]]:
    lines = list(difflib.ndiff(TEXT.splitlines(), path.read_text().splitlines()))
    return [s[2:] for s in lines if s[0] == "-"], [s[2:] for s in lines if s[0] == "+"]


def test_a_pin_replaces_null_and_keeps_every_other_line(path: Path) -> None:
    done = pin(path, "hf:acme/tiny", _commit, now=NOW)
    assert (done.before, done.after) == ("hf:acme/tiny", f"hf:acme/tiny@{COMMIT}")
    source = _model(path).sources[0]
    assert source.resolved
    assert source.pin is not None
    assert source.pin.by == "caniload catalog pin"
    assert source.pin.at == NOW
    assert source.pin.answered_by == "the hub: its API"
    gone, new = _changed(path)
    assert gone == [
        "  - handle: hf:acme/tiny  # the publisher's own",
        "    pin: null  # nobody asked yet",
    ]
    assert new == [
        f"  - handle: hf:acme/tiny@{COMMIT}  # the publisher's own",
        "    pin:  # nobody asked yet",
        "      by: caniload catalog pin",
        "      at: 2026-11-23T20:00:00Z",
        '      answered_by: "the hub: its API"',
    ]


def test_a_pin_is_added_where_there_was_none(path: Path) -> None:
    pin(path, "hf:acme/tiny-onnx", _commit, now=NOW)
    source = _model(path).sources[1]
    assert source.handle == f"hf:acme/tiny-onnx@{COMMIT}"
    assert source.formats == ("onnx",)
    assert source.resolved


def test_a_pin_is_renewed_with_subfolder_attempts_and_comments_kept(path: Path) -> None:
    pin(path, "pypi:tiny", lambda h: Resolution(h.at("1.1"), "package index", "b" * 64), now=NOW)
    source = _model(path).sources[2]
    assert source.handle == "pypi:tiny@1.1/model"
    assert source.pin is not None
    assert source.pin.sha256 == "b" * 64
    assert len(source.attempts) == 1
    assert "      # A comment after the pin." in path.read_text().splitlines()


@pytest.mark.parametrize(
    "old",
    [
        "    pin: {by: caniload catalog pin, at: 2026-01-01T00:00:00Z, answered_by: x}  # old",
        "    pin: {by: caniload catalog pin,\n"
        "      at: 2026-01-01T00:00:00Z, answered_by: x}  # old",
        "    pin:  # old\n        by: caniload catalog pin\n        at: 2026-01-01T00:00:00Z\n"
        "        answered_by: x",
    ],
)
def test_a_pin_is_renewed_however_it_was_laid_out(path: Path, old: str) -> None:
    path.write_text(
        TEXT.replace("    pin: null  # nobody asked yet", old).replace(
            "hf:acme/tiny  #", f"hf:acme/tiny@{COMMIT[::-1]}  #"
        )
    )
    pin(path, "hf:acme/tiny", _commit, now=NOW)
    assert _model(path).sources[0].handle == f"hf:acme/tiny@{COMMIT}"
    lines = path.read_text().splitlines()
    assert "    pin:  # old" in lines
    assert lines[-1] == TEXT.splitlines()[-1]


def test_pinning_twice_changes_nothing_more(path: Path) -> None:
    pin(path, "hf:acme/tiny", _commit, now=NOW)
    once = path.read_text()
    pin(path, "hf:acme/tiny", _commit, now=NOW)
    assert path.read_text() == once
    assert unpinned(_model(path)) == ("hf:acme/tiny-onnx",)


def test_a_hub_that_does_not_answer_leaves_the_file(path: Path) -> None:
    def down(handle: Handle) -> Resolution:
        raise HubError("hf", "unreachable", "no network")

    with pytest.raises(HubError):
        pin(path, "hf:acme/tiny", down)
    with pytest.raises(CatalogueError, match="gave no revision"):
        pin(path, "hf:acme/tiny", lambda handle: Resolution(handle, "the hub"))
    with pytest.raises(UnknownNameError, match="no source named"):
        pin(path, "hf:acme/other", _commit)
    assert path.read_text() == TEXT


def test_a_source_in_braces_is_refused_and_left(path: Path) -> None:
    text = TEXT.split("sources:")[0] + "sources:\n  - {handle: 'hf:acme/tiny', pin: null}\n"
    path.write_text(text)
    with pytest.raises(CatalogueError, match="braces"):
        pin(path, "hf:acme/tiny", _commit)
    assert path.read_text() == text


def test_nothing_is_left_beside_the_file(path: Path) -> None:
    pin(path, "hf:acme/tiny", _commit, now=NOW)
    assert sorted(p.name for p in path.parent.parent.iterdir()) == ["models"]
    assert [p.name for p in path.parent.iterdir()] == ["tiny.yaml"]
    assert yaml.safe_load(path.read_text())["id"] == "tiny"
