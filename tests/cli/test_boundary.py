from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml
from commandline import Run, one_line

from caniload.cli import boundary
from caniload.cli.foreign import bug, translate
from caniload.errors import (
    BusyError,
    CatalogueError,
    CorruptStoreError,
    DiskFullError,
    EnvironmentBuildError,
    HubError,
    NewerStoreError,
    PermissionDeniedError,
    StoreError,
)


def test_help_names_every_command(caniload: Run) -> None:
    from caniload.cli.registry import COMMANDS

    done = caniload("--help")
    assert done.returncode == 0
    for name, entry in COMMANDS.items():
        assert f"\n  {name} " in done.stdout
        assert len(entry.about) < 64
    assert caniload().stdout == done.stdout


def test_version(caniload: Run) -> None:
    from caniload import __version__

    assert caniload("--version").stdout == f"caniload {__version__}\n"


def test_a_mistyped_command_is_met_with_the_near_one(caniload: Run) -> None:
    line = one_line(caniload("chek", "x"), 2)
    assert "'check'" in line
    assert "caniload --help" in line


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("check",), "missing argument"),
        (("check", "x", "--frmework", "y"), "--framework"),
        (("list", "--format", "yaml"), "human"),
        (("env", "bild"), "'build'"),
        (("env", "build"), "see `caniload env build --help`"),
        (("--bad",), "no such option"),
    ],
)
def test_wrong_usage_is_one_line_and_2(caniload: Run, args: tuple[str, ...], says: str) -> None:
    assert says in one_line(caniload(*args), 2)


def test_every_command_has_help_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib import import_module

    from caniload.cli.registry import COMMANDS

    for name, entry in COMMANDS.items():
        commands = [[name]]
        if entry.group:
            module = import_module(entry.module)
            commands += [[name, each.name] for each in module.app.registered_commands]
        for words in commands:
            assert boundary.run([*words, "--help"]) == 0
            text = capsys.readouterr().out
            assert "Examples:\n    " in text, words
            assert f"caniload {' '.join(words)}" in text.partition("Examples:")[2], words


def test_a_bug_is_one_line_with_a_place_and_how_to_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: list[str]) -> int:
        raise KeyError("a\nb")

    monkeypatch.setattr(boundary, "_dispatch", broken)
    assert boundary.run(["check"]) == 4
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "a bug in caniload" in line
    assert "CANILOAD_DEBUG=1" in line
    monkeypatch.setenv("CANILOAD_DEBUG", "1")
    assert boundary.run(["check"]) == 4
    assert "Traceback" in capsys.readouterr().err


def test_the_lines_of_a_failed_build_are_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: list[str]) -> int:
        raise EnvironmentBuildError("pytorch", "torch", "ERROR: one\nERROR: two")

    monkeypatch.setattr(boundary, "_dispatch", broken)
    assert boundary.run(["env"]) == 3
    assert capsys.readouterr().err.splitlines() == [
        "error: environment 'pytorch' could not be built at torch: ERROR: one",
        "  ERROR: two",
    ]


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (errno.ENOSPC, DiskFullError, 4),
        (errno.EFBIG, DiskFullError, 4),
        (errno.EACCES, PermissionDeniedError, 4),
        (errno.EROFS, PermissionDeniedError, 4),
        (errno.ENOTDIR, StoreError, 4),
    ],
)
def test_system_errors_are_translated(number: int, kind: type[StoreError], code: int) -> None:
    known = translate(OSError(number, os.strerror(number), "/x/y"))
    assert type(known) is kind
    assert known.exit_code == code
    assert "/x/y" in str(known)
    assert known.__cause__ is not None
    assert known.hint


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("IO Error: Could not write file: No space left on device", DiskFullError),
        ("IO Error: Cannot open file: Permission denied", PermissionDeniedError),
        ("IO Error: Could not set lock on file: Conflicting lock", BusyError),
        ("IO Error: file is not a valid DuckDB database file!", CorruptStoreError),
        ("Serialization Error: Failed to deserialize: x", CorruptStoreError),
        ("IO Error: created with a newer version of DuckDB", NewerStoreError),
        ("Binder Error: no such column\nLINE 1: x", StoreError),
    ],
)
def test_duckdb_errors_are_translated(text: str, kind: type[StoreError]) -> None:
    known = translate(duckdb.IOException(text))
    assert type(known) is kind
    assert "\n" not in str(known)


def test_other_libraries_are_translated() -> None:
    import httpx2

    assert isinstance(translate(httpx2.ConnectError("refused")), HubError)
    with pytest.raises(yaml.YAMLError) as caught:
        yaml.safe_load("a: [")
    known = translate(caught.value)
    assert isinstance(known, CatalogueError)
    assert "\n" not in str(known)
    assert translate(KeyError("x")) is None
    assert "KeyError" in str(bug(KeyError("x")))


def test_a_reader_that_leaves_is_no_error(environ: dict[str, str]) -> None:
    command = f"{sys.executable} -m caniload --help | head -c 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_ctrl_c_is_one_line_and_130(environ: dict[str, str], tmp_path: Path) -> None:
    """`explain` waits for its stdin, which never ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "caniload", "explain"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
        cwd=tmp_path,
    )
    assert process.stdin is not None
    process.stdin.write("x" * 1_000_000)  # more than a pipe holds: returns when it is read
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert "interrupted" in err
