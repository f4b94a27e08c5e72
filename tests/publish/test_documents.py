from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from caniload.errors import UnreadableFileError
from caniload.publish.documents import read, write
from caniload.publish.markdown import UNMEASURED, Row, escape, matrix
from caniload.publish.markers import Place

WORKS = Row(
    "transformers",
    "pytorch",
    "torch 2.13.0",
    "cpu",
    "works",
    datetime(2026, 11, 21, 23, 30, tzinfo=UTC),
    "20261121T233000Z-abcdef",
)
NEVER = Row("keras-hub", "jax", "-", "cpu", "unknown", None, None)
PAGE = "# t\n\n<!-- caniload:begin matrix model=m -->\n<!-- caniload:end -->\n\nend"


def rows(place: Place) -> Sequence[Row]:
    return [WORKS, NEVER] if place.options["model"] == "m" else []


def test_a_table_is_written_once_and_then_stands(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    first = read(page, rows)
    assert len(first.drifted) == 1
    assert write(first)
    assert (
        "| transformers | pytorch | torch 2.13.0 | cpu | works | 2026-11-21 |" in page.read_text()
    )
    assert "`20261121T233000Z-abcdef`" in page.read_text()
    again = read(page, rows)
    assert again.drifted == ()
    assert not write(again)
    assert page.read_text().endswith("<!-- caniload:end -->\n\nend")


def test_only_the_place_that_changed_drifts(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE + "\n" + PAGE)
    write(read(page, rows))
    text = page.read_text()
    at = text.rindex("works")
    page.write_text(text[:at] + "fails" + text[at + 5 :])
    drifted = read(page, rows).drifted
    assert len(drifted) == 1
    assert drifted[0].begin > 8
    write(read(page, rows))
    assert page.read_text() == text


def test_the_rest_of_the_file_keeps_its_bytes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_bytes("\ufeffa\r\nb\nc\u2028d\r\n".encode() + PAGE.replace("\n", "\r\n").encode())
    page.chmod(0o640)
    write(read(page, rows))
    out = page.read_bytes()
    assert out.startswith("\ufeffa\r\nb\nc\u2028d\r\n# t\r\n".encode())
    table = out[out.index(b"begin matrix") : out.index(b"caniload:end")]
    assert table.count(b"\n") == table.count(b"\r\n") == 7
    assert page.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["page.md"]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real.md").write_text(PAGE)
    (tmp_path / "link.md").symlink_to("real.md")
    assert write(read(tmp_path / "link.md", rows))
    assert (tmp_path / "link.md").is_symlink()
    assert "works" in (tmp_path / "real.md").read_text()


def test_a_table_without_a_measured_cell_says_so_first(tmp_path: Path) -> None:
    assert matrix([]) == [UNMEASURED]
    assert matrix([NEVER])[0] == UNMEASURED
    assert matrix([NEVER, WORKS])[0].startswith("| loader")
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace("model=m", "model=other"))
    document = read(page, rows)
    assert document.after.split("\n")[3:5] == ["", UNMEASURED]
    assert document.stale(date(2026, 11, 21), 1) == [(document.places[0], None)]


@pytest.mark.parametrize(
    ("day", "count"), [("2026-11-21", 0), ("2026-12-21", 0), ("2026-12-22", 1)]
)
def test_staleness_counts_whole_days(tmp_path: Path, day: str, count: int) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    assert len(read(page, rows).stale(date.fromisoformat(day), 30)) == count


def test_a_cell_cannot_leave_its_table() -> None:
    assert escape("a|b\n<!-- caniload:end -->\\") == "a\\|b &lt;!-- caniload:end -->\\\\"


def test_files_that_are_not_text_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "x.md", tmp_path, tmp_path / "absent.md"):
        with pytest.raises(UnreadableFileError) as caught:
            read(path, rows)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_sweep_is_summed_up_and_what_did_not_run_is_listed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- caniload:begin architectures loader=timm -->\n<!-- caniload:end -->\n")
    swept = [
        replace(WORKS, loader="resnet18", result=""),
        replace(WORKS, loader="vit_odd", result="failed at run: Out of luck (pt.luck)"),
    ]
    write(read(page, lambda place: swept))
    text = page.read_text()
    assert text.count("resnet18") == 0
    assert "1 of 2 attempted architectures run with random weights" in text
    assert "| vit_odd | failed at run: Out of luck (pt.luck) |" in text
    assert "never for weights" in text
    write(read(page, lambda place: []))
    assert UNMEASURED in page.read_text()
