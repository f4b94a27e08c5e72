from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from caniload.cli import dates
from caniload.cli.out import Out, document, plain
from caniload.cli.tables import table
from caniload.words import Verdict


@dataclass(frozen=True, slots=True)
class Thing:
    verdict: Verdict
    when: datetime
    where: Path
    number: float


def test_json_is_one_document_that_json_can_hold() -> None:
    east = timezone(timedelta(hours=2))
    thing = Thing(Verdict.WORKS, datetime(2026, 11, 21, 1, tzinfo=east), Path("/a"), float("nan"))
    read = json.loads(document("check", {"things": (thing,), "inf": float("-inf"), "ü": True}))
    assert read["caniload"] == "check"
    assert read["schema_version"] == 1
    assert read["data"]["things"] == [
        {"verdict": "works", "when": "2026-11-20T23:00:00Z", "where": "/a", "number": "NaN"}
    ]
    assert read["data"]["inf"] == "-Infinity"
    assert read["data"]["ü"] is True
    assert plain(datetime(2026, 1, 2)) == "2026-01-02T00:00:00Z"


def test_only_the_rendering_that_is_asked_for_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    def never() -> str:
        raise AssertionError

    Out("json").show("x", [1], never)
    assert json.loads(capsys.readouterr().out)["data"] == [1]
    Out("quiet").show("x", [1], never, lambda: ["a", "b"])
    assert capsys.readouterr().out == "a\nb\n"
    Out("quiet").show("x", [1], never)
    Out("human").show("x", [1], lambda: "text")
    assert capsys.readouterr().out == "text\n"


def test_talk_goes_to_stderr_and_quiet_hears_warnings_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Out("quiet").talk("x")
    Out("quiet").warn("y")
    Out("json").talk("z")
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err == "warning: y\nz\n"


def test_a_table_fits_its_width_and_loses_nothing_without_one() -> None:
    rows = [("a", "x" * 60, None), ("bb", ["p", "q"], "two\nlines")]
    whole = table(("id", "long_name", "c"), rows)
    assert whole.splitlines()[0].split() == ["ID", "LONG", "NAME", "C"]
    assert "x" * 60 in whole
    assert "two lines" in whole
    cut = table(("id", "long_name", "c"), rows, 40)
    assert max(len(line) for line in cut.splitlines()) <= 40
    assert "…" in cut


def test_ages_are_counted_in_days_from_a_day_that_can_be_given() -> None:
    when = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
    assert dates.age(when, date(2026, 11, 21)) == "today"
    assert dates.age(when, date(2026, 11, 22)) == "yesterday"
    assert dates.age(when, date(2026, 11, 23)) == "2 days ago"
    assert dates.age(when, date(2026, 11, 20)) == "today"


def test_amounts_read_as_people_write_them() -> None:
    assert dates.size(0) == "0 B"
    assert dates.size(90_868_376) == "90.9 MB"
    assert dates.size(4_500_000_000_000) == "4500.0 GB"
    assert dates.seconds(0.034) == "0.03 s"
    assert dates.seconds(185) == "3 min 5 s"
    assert dates.number(0.00113) == "1.13e-03"
    assert dates.number(0.0) == "0"
