"""`search`, `gaps` and `show KIND NAME` on what comes with caniload, as a user asks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from caniload.settings import Settings

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_gap_names_its_attempt_and_what_was_stated(caniload: Run) -> None:
    whole = {"CANILOAD_DATA": str(Settings.read({}).data)}
    done = caniload("gaps", "--format", "json", **whole)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["data"]
    assert found
    for gap in found:
        assert gap["way"] in ("unclaimed", "claimed")
        assert gap["cell"]["observation_id"]
        works = gap["cell"]["verdict"] in ("works", "differs")
        assert works == (gap["way"] == "unclaimed")
    text = caniload("gaps", **whole).stdout
    assert all(gap["cell"]["observation_id"] in text for gap in found)


def test_a_facet_that_nothing_has_names_each_value_once(caniload: Run) -> None:
    done = caniload("search", "bert", "--framework", "torchy")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: no framework named 'torchy'. did you mean pytorch? "
        "the most frequent: pytorch, tensorflow, jax, litert, onnxruntime, tfjs\n"
    )


def test_what_is_asked_of_a_gap_must_be_known(caniload: Run) -> None:
    done = caniload("gaps", "--framework", "torchy")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: no framework named 'torchy'. did you mean pytorch?")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (("tool", "torchserve"), ("archived since 2025-08-07", "people move to")),
        (("dataset", "imdb_reviews"), ('tensorflow_datasets.load("imdb_reviews")',)),
        (("model", "bert"), ("hf:google-bert/bert-base-uncased", "tfhub:tensorflow/bert_en")),
        (("tfhub:google/yamnet/1",), ("google/yamnet",)),
    ],
)
def test_an_entry_is_shown_by_kind_and_name(
    caniload: Run, words: tuple[str, ...], lines: tuple[str, ...]
) -> None:
    done = caniload("show", *words)
    assert done.returncode == 0, done.stderr
    assert [line for line in lines if line not in done.stdout] == []


def test_a_kind_that_a_name_is_not_of_is_an_error(caniload: Run) -> None:
    done = caniload("show", "dataset", "torchserve")
    assert done.returncode == 2
    assert "torchserve" in done.stderr


def test_facets_narrow_and_count(caniload: Run) -> None:
    done = caniload("search", "mobilnet", "--framework", "litert", "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["data"][0]["id"].startswith("mobilenet")
    assert found["facets"]
    everything = json.loads(caniload("search", "mobilnet", "--format", "json").stdout)
    assert 0 < found["found"] < everything["found"]
