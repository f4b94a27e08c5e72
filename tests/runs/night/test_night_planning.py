"""What a night attempts, in which order, and why it leaves out the rest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from making_nights import NOW, candidate, past, seat

from caniload.runs.night.planning import CHANGED, NEVER, STALE, Ask, plan


def test_young_evidence_is_left_out_and_counted() -> None:
    cells = [candidate(label=name) for name in ("young", "old", "new", "down")]
    known = {"young": past(days=2), "old": past(days=40), "down": past("unavailable", days=1)}
    night = plan(cells, Ask(NOW, max_age=timedelta(days=30)), known, lambda _: {})
    assert [each.candidate.cell_id for each in night.chosen] == ["new", "down", "old"]
    assert night.omitted == {"unchanged, and measured lately": 1}
    assert night.as_dict() == {"listed": 4, "planned": 3, "omitted": night.omitted}


def test_never_measured_comes_first_then_changed_then_stale_and_long_ones_within() -> None:
    names = ("stale", "long", "changed", "new")
    cells = [candidate(label=name) for name in names]
    known = {"stale": past(days=99, seconds=1), "long": past(days=99, seconds=50)}
    tracks = {cells[2].track: past(seconds=3)}
    asked: list[str] = []

    def of_tracks(wanted: object) -> dict[str, object]:
        asked.extend(wanted)  # type: ignore[call-overload]
        return tracks  # type: ignore[return-value]

    night = plan(cells, Ask(NOW), known, of_tracks)  # type: ignore[arg-type]
    assert [each.candidate.cell_id for each in night.chosen] == ["new", "changed", "long", "stale"]
    assert [each.value for each in night.chosen] == [NEVER, CHANGED, STALE, STALE]
    assert sorted(asked) == sorted(cells[n].track for n in (2, 3))


def test_a_budget_keeps_the_most_valuable() -> None:
    cells = [candidate(label=str(n)) for n in range(4)]
    known = {"0": past(days=99, seconds=10), "1": past(days=99, seconds=20)}
    night = plan(cells, Ask(NOW, budget_seconds=75), known, lambda _: {})
    assert [each.candidate.cell_id for each in night.chosen] == ["2", "3", "0"]
    assert night.omitted == {"past the night's time budget": 1}


@pytest.mark.parametrize("of", [2, 3])
def test_shards_cover_everything_once(of: int) -> None:
    cells = [candidate(label=f"cell{n}") for n in range(20)]
    shards = [plan(cells, Ask(NOW, shard=(i + 1, of)), {}, lambda _: {}) for i in range(of)]
    names = [each.candidate.cell_id for night in shards for each in night.chosen]
    assert sorted(names) == sorted(str(each.cell_id) for each in cells)
    assert all(night.omitted["another shard"] for night in shards)


def test_only_and_skips_say_why() -> None:
    cells = [candidate(label=name) for name in ("bert", "resnet")]
    skip = {"resnet": "skipped: it crashes the machine"}
    night = plan(
        cells,
        Ask(NOW, skipped=lambda each, _: skip.get(str(each.cell_id))),
        {},
        lambda _: {},
    )
    assert night.omitted == {"skipped: it crashes the machine": 1}
    night = plan(cells, Ask(NOW, only=("res",)), {}, lambda _: {})
    assert [each.candidate.cell_id for each in night.chosen] == ["resnet"]
    assert night.omitted == {"not asked for": 1}


def test_a_track_is_the_same_whatever_revision_and_versions() -> None:
    one, two = candidate(label="bert"), candidate(label="bert")
    one.handle, two.handle = "hf:a/b@1111#safetensors", "hf:a/b@2222#safetensors"
    assert one.track == two.track


def test_a_cell_that_two_environments_share_is_planned_once() -> None:
    cells = [candidate(label="a"), candidate(label="a", place=seat("other"))]
    night = plan(cells, Ask(NOW), {}, lambda _: {})
    assert [each.candidate.seat.name for each in night.chosen] == ["here"]
    assert night.omitted == {"the same versions as in another environment": 1}
