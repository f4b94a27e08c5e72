"""A night with everything in it, as the forms are given one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from caniload.catalog.comparison import (
    Change,
    Comparison,
    ControlState,
    Coverage,
    NightCell,
    NightReport,
)
from caniload.catalog.tracks import Seen, Track

NIGHT = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
HOSTILE = "<script>alert('model')</script>|`x`](http://evil.example)\x1b[31m@all & ::error::"
MODELS = (
    ("bert-base", "hf:google-bert/bert-base-uncased#safetensors"),
    ("minilm", "hf:sentence-transformers/all-MiniLM-L6-v2#safetensors"),
    ("resnet-50", "hf:timm/resnet50.a1_in1k#safetensors"),
    ("inception-v3", "keras:InceptionV3#h5-weights"),
    ("use", "tfhub:google/universal-sentence-encoder#saved-model"),
    (None, "file:model-of-ours.onnx#onnx"),
    ("gpt2", "hf:openai-community/gpt2#safetensors"),
    ("vit", "hf:google/vit-base-patch16-224#safetensors"),
)
PLACES = (
    ("transformers", "pytorch", "pytorch"),
    ("transformers", "pytorch", "transformers-4"),
    ("transformers", "tensorflow", "transformers-4"),
    ("keras-hub", "jax", "keras-jax"),
    ("onnx", "onnxruntime", "onnxruntime"),
)


def seen(at: datetime, outcome: str = "passed", seconds: float = 0.4, **more: object) -> Seen:
    """One attempt."""
    facts: dict[str, object] = {
        "at": at,
        "run_id": f"{at:%Y%m%dT%H%M%SZ}-abcdef",
        "observation_id": f"{at:%Y%m%d}-0001",
        "cell_id": "c" * 24,
        "outcome": outcome,
        "stage": "check" if outcome == "passed" else "load",
        "reason": "" if outcome == "passed" else "TypeError: got an unexpected keyword argument",
        "code": None,
        "fault": None,
        "wall_seconds": seconds + 2,
        "seconds": seconds,
        "memory_bytes": 400_000_000,
        "memory_by": "pss",
        "worker": "warm",
        "machine": "test",
        "revision": "a" * 40,
        "python": "3.11",
        "caniload_version": "0.1.0",
        "decisive": {"torch": "2.13.0", "transformers": "5.23.0"},
        "lock": {"torch": "2.13.0", "transformers": "5.23.0", "numpy": "2.4.6"},
    }
    return Seen(**(facts | more))  # type: ignore[arg-type]


def report(name: str | None = None) -> NightReport:
    """A night in which things broke; with a name, one model is called so."""
    models = MODELS if name is None else (*MODELS, (name, f"file:{name}#onnx"))
    cells: list[NightCell] = []
    changes: list[Change] = []
    moved = ("transformers 5.22.0 → 5.23.0", "numpy 2.4.5 → 2.4.6", "caniload 0.1.0 → 0.2.0")
    old = {"torch": "2.13.0", "transformers": "5.22.0"}
    for row, (model, artefact) in enumerate(models):
        for column, (loader, framework, environment) in enumerate(PLACES):
            if (row * 3 + column * 2) % 7 == 0 and model != name:
                continue
            track = Track(artefact, loader, framework, environment, "cpu", "r" * 16, model=model)
            pace = 0.05 * (1 + row) ** 1.5
            past = tuple(
                seen(
                    NIGHT - timedelta(days=night),
                    "failed" if (row, column) == (4, 2) and night > 3 else "passed",
                    pace * (1 + 0.05 * ((night * 7 + row) % 5)),
                    decisive=old if night > 1 else seen(NIGHT).decisive,
                )
                for night in range(9, 0, -1)
            )
            outcome, seconds = "passed", pace
            if column == 2 and row in (0, 6):
                outcome = "failed"
            elif (row, column) == (7, 3):
                outcome = "timed_out"
            elif (row, column) == (2, 1):
                seconds = pace * 3
            now = seen(NIGHT + timedelta(minutes=row), outcome, seconds)
            broken_place = environment == "keras-jax"
            settled = "harness_error" if broken_place and row > 5 else outcome
            cells.append(NightCell(track, now, settled, 1, past, tonight=row != 1))
            if model == name and column == 0 and name is not None:
                changes.append(
                    Change("broken", track, "passed", "failed", name, (name,), issue=name)
                )
            if outcome == "failed":
                text = "TFBertModel is gone (hf.tf-class-removed): ImportError: cannot import name"
                changes.append(Change("broken", track, "passed", "failed", text, moved))
            if (row, column) == (2, 1):
                numbers = {"seconds": seconds, "median_seconds": pace, "limit_seconds": pace * 1.5}
                text = f"load and run {seconds:.2f} s, usually {pace:.2f} s (9 earlier)"
                changes.append(Change("slower", track, "passed", "passed", text, moved, numbers))
            if (row, column) == (4, 4):
                changes.append(Change("fixed", track, "failed", "passed", "", moved[:1]))
            if (row, column) == (5, 0):
                link = "https://example.org/issues/7"
                text = "expected fails: the export has no opset 21"
                changes.append(
                    Change("unexpected-pass", track, "failed", "passed", text, issue=link)
                )
    order = ("broken", "unexpected-pass", "slower", "fixed")
    changes.sort(key=lambda each: order.index(each.kind))
    omitted = {"unchanged since it was measured": 212, "skipped by the suite": 3, "too large": 9}
    return NightReport(
        "our models",
        "20261125T020000Z-abcdef",
        NIGHT,
        NIGHT + timedelta(minutes=42, seconds=7),
        Coverage(224 + 40, omitted, 40, 38, 33),
        Comparison(("20261125T020000Z-abcdef",), "20261124T020000Z-abcdef", tuple(changes),
                   tuple(cells)),
        (
            ControlState("pytorch", True),
            ControlState("transformers-4", True),
            ControlState("keras-jax", False, "small.keras (keras-file, jax) is known to have "
                         "passed and ended as failed at import: ImportError: libjax"),
            ControlState("onnxruntime", True),
        ),
        ("broken", "unexpected-pass", "unexpected-failure", "expired-skip"),
        "0.2.0",
    )  # fmt: skip
