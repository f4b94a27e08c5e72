"""A night from plan to settlement: controls, repeats, what is cut off, what ends it."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from making_nights import candidate, controls, night, past, planned, seat

from caniload.catalog.store import open_store
from caniload.records import Cell
from caniload.runs import journal, processes
from caniload.runs.night.night import Night, cells_of
from caniload.settings import Settings

pytestmark = pytest.mark.slow


def settled(result: Night) -> dict[str, str]:
    """How each cell that is no control's ended, by its handle."""
    cells = {seen.cell.id: seen.cell for seen in result.observations}
    return {
        cells[each.cell_id].handle: str(each.outcome)
        for each in result.settlements
        if cells[each.cell_id].model is None
    }


def attempts(result: Night) -> Counter[str]:
    """How often each cell was attempted."""
    return Counter(seen.cell.handle for seen in cells_of(result))


def test_controls_run_first_and_last_in_each_environment(settings: Settings) -> None:
    plan = planned(
        candidate(label="a"),
        candidate(label="b", place=seat("other", "2.12.0")),
        before={"a": past(), "b": past()},
    )
    result = night(settings, plan).run("nightly test")
    order = [seen.cell.handle.partition("@")[0] for seen in result.observations]
    both = ["file:scripted/control-pass_", "file:scripted/control-fail"]
    assert order == [*both, "timm:a", *both, *both, "timm:b", *both]
    assert result.controls == {"here": (True, ""), "other": (True, "")}
    assert settled(result) == {"timm:a": "passed", "timm:b": "passed"}


def test_an_environment_that_breaks_in_mid_night_publishes_nothing(
    settings: Settings, tmp_path: Any
) -> None:
    """A file stands for what breaks: the control that passed before it was written fails then."""
    broken = tmp_path / "broken"
    watch = controls(("pass_", "passed"), ("write_then_fail", "passed"))

    def breaking(*given: Any) -> Any:
        jobs = watch(*given)
        for job in jobs:
            job.hints["arguments"].clear()
            if "write_then" in job.cell.handle:
                job.hints["arguments"]["path"] = str(broken)
        return jobs

    plan = planned(candidate(label="a"), candidate("fail", message="no"), before={"a": past()})
    result = night(settings, plan, watch=breaking).run("nightly test")
    ok, why = result.controls["here"]
    assert not ok
    assert "write_then_fail" in why
    assert settled(result) == {"timm:a": "harness_error", "timm:fail": "harness_error"}
    assert {seen.outcome for seen in cells_of(result)} == {"passed", "failed"}, "they stay"
    with open_store(settings) as store:
        kept = store.sql("SELECT count(*) FROM observations WHERE run_id = ?", [result.run_id])
        assert kept == [(len(result.observations),)]
        verdicts = "SELECT count(*) FROM cell_verdicts WHERE run_id = ?"
        assert store.sql(verdicts, [result.run_id]) == [(0,)]


def test_what_changed_is_repeated_three_times_and_what_nobody_explains_twice(
    settings: Settings,
) -> None:
    plan = planned(
        candidate("fail", label="changed", message="odd"),
        candidate("fail", label="as-before", message="odd"),
        candidate("fail", label="new", message="odd"),
        candidate(label="passes"),
        candidate("silent_exit", label="ours"),
        before={
            "changed": past("passed"),
            "as-before": past("failed", signature="failed|load|ValueError|odd"),
            "passes": past("passed"),
        },
    )
    result = night(settings, plan).run("nightly test")
    assert attempts(result) == {
        "timm:changed": 3,
        "timm:as-before": 2,
        "timm:new": 2,
        "timm:passes": 1,
        "timm:ours": 2,
    }
    assert settled(result)["timm:changed"] == "failed"


def test_results_that_disagree_are_flaky_and_not_tried_a_third_time(
    settings: Settings, tmp_path: Any
) -> None:
    plan = planned(
        candidate("write_then_fail", label="flaky", path=str(tmp_path / "seen")),
        before={"flaky": past("failed", signature="failed|run|ValueError|other")},
    )
    result = night(settings, plan).run("nightly test")
    assert [seen.outcome for seen in cells_of(result)] == ["passed", "failed"]


def test_what_was_our_fault_is_no_disagreement(settings: Settings, tmp_path: Any) -> None:
    """A failure that nobody explains must show itself twice, whatever befell us in between."""
    cells = [
        candidate(
            "fail_but_end", label=f"at-{at}", counter=str(tmp_path / str(at)), at=at, message="odd"
        )
        for at in (1, 2)
    ]
    result = night(settings, planned(*cells)).run("nightly test")
    seen: dict[str, list[str]] = {}
    for each in cells_of(result):
        seen.setdefault(each.cell.handle, []).append(str(each.outcome))
    assert seen == {
        "timm:at-1": ["harness_error", "failed", "failed"],
        "timm:at-2": ["failed", "harness_error", "failed"],
    }
    assert settled(result) == {"timm:at-1": "failed", "timm:at-2": "failed"}


def test_a_night_that_is_over_attempts_nothing_more_and_still_settles_everything(
    settings: Settings,
) -> None:
    plan = planned(*(candidate("slow_pass", label=str(n), seconds=0.5) for n in range(6)))
    result = night(settings, plan, seconds=1.0).run("nightly test")
    ended = Counter(str(each.outcome) for each in result.settlements)
    assert 1 <= len(cells_of(result)) < 6
    assert sum(ended.values()) == 6 + 2
    assert ended["harness_error"] == 6 - len(cells_of(result))


def test_ctrl_c_leaves_a_night_that_goes_on(settings: Settings) -> None:
    def interrupt(cell: Cell, event: Mapping[str, object]) -> None:
        if cell.handle == "timm:b" and event["event"] == "stage":
            raise KeyboardInterrupt

    plan = planned(
        *(candidate("slow_pass", label=name, seconds=0.2) for name in "abc"),
        before={name: past() for name in "abc"},
    )
    before = processes.tree(os.getpid())
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        night(settings, plan, on_event=interrupt).run("nightly test")
    assert time.monotonic() - began < 30
    assert processes.tree(os.getpid()) <= before
    (run_id,) = journal.unfinished(settings.segments)
    with open_store(settings) as store:
        seen = store.sql("SELECT count(*) FROM observations WHERE run_id = ?", [run_id])
    assert seen == [(0,)], "nothing of a night is visible before it is judged"
    before = journal.read(settings.segments / run_id).observations
    result = night(settings, plan).resume(run_id)
    assert result.observations[: len(before)] == before
    assert attempts(result) == {"timm:a": 1, "timm:b": 1, "timm:c": 1}
    assert settled(result) == dict.fromkeys(("timm:a", "timm:b", "timm:c"), "passed")
    assert len({seen.id for seen in result.observations}) == len(result.observations)


def test_several_workers_settle_each_cell_once(settings: Settings) -> None:
    cells = [candidate("slow_pass", label=str(n), seconds=0.3) for n in range(6)]
    plan = planned(*cells, before={str(n): past() for n in range(6)})
    result = night(settings, plan, workers=3).run("nightly test")
    assert attempts(result) == {f"timm:{n}": 1 for n in range(6)}
    assert len(result.settlements) == 8
