"""`check` answers for here, for an environment, for anywhere; lists say what lies behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

from caniload.catalog import publishing, questions
from caniload.catalog.answers import Place
from caniload.catalog.store import open_store
from caniload.errors import UnknownNameError
from caniload.words import Verdict

pytestmark = pytest.mark.slow

MODEL = ("ValueError", "it cannot be loaded because incompatible")


@pytest.fixture
def check(home):
    def ask(model="tiny", **question):
        with open_store(home) as store:
            return questions.check(store, model, **question)

    return ask


def place(torch="2.13.0", transformers="5.23.0", minor="3.11", **more):
    versions = {"torch": torch, "transformers": transformers, "numpy": "1.0"}
    versions = {name: version for name, version in versions.items() if version}
    return Place(versions, minor, "linux-x86_64", "/venv/bin/python", **more)


def passed(torch, **more):
    return {"outcome": "passed", "versions": {"torch": torch, "transformers": "5.23.0"}, **more}


def test_here_with_the_same_versions_has_the_observations_verdict(evidence, check):
    evidence.run({"outcome": "failed", "error": MODEL})
    answer = check(here=place())
    assert (answer.verdict, answer.inferred) == (Verdict.FAILS, False)
    assert answer.best is not None
    assert answer.best.diagnosis is not None


def test_here_between_two_tested_versions_with_one_outcome_is_inferred(evidence, check):
    evidence.run(passed("2.9.0"), passed("2.11.0"), passed("2.13.0"))
    answer = check(here=place("2.10.0"))
    assert (answer.verdict, answer.inferred) == (Verdict.WORKS, True)
    assert answer.best is not None
    assert answer.best.note == "between torch 2.9.0 and 2.11.0"
    assert answer.best.versions["torch"] == "2.9.0"


@pytest.mark.parametrize(
    "here",
    [
        place("2.8.0"),
        place("2.14.0"),
        place("2.10.0", "5.22.0"),
        place("2.10.0", minor="3.12"),
        place("2.10.0", None),
        place("not a version"),
    ],
)
def test_here_outside_is_unknown_with_the_nearest_and_the_command(evidence, check, here):
    evidence.run(passed("2.9.0"), passed("2.11.0"))
    answer = check(here=here, framework="pytorch")
    assert (answer.verdict, answer.best, answer.inferred) == (Verdict.UNKNOWN, None, False)
    assert answer.nearest is not None
    assert answer.nearest.loader == "transformers"
    assert answer.settle == (
        "caniload run tiny-bert --framework pytorch --loader transformers --python /venv/bin/python"
    )
    assert [c.verdict for c in answer.elsewhere] == [Verdict.WORKS]


def test_here_between_two_outcomes_is_unknown(evidence, check):
    bad = {"outcome": "failed", "error": MODEL}
    evidence.run(passed("2.9.0"), bad | {"versions": passed("2.11.0")["versions"]})
    assert check(here=place("2.10.0")).verdict is Verdict.UNKNOWN


def test_here_without_the_framework_says_what_is_missing(evidence, check):
    evidence.run(passed("2.9.0"))
    answer = check(here=place(None))
    assert (answer.verdict, answer.missing) == (Verdict.UNKNOWN, ("torch",))


def test_an_environment_where_it_was_not_installed_tells_nothing_of_here(evidence, check):
    evidence.run({"outcome": "not_installed", "versions": {"transformers": "5.23.0"}})
    assert check(here=place()).verdict is Verdict.UNKNOWN


def test_a_failure_says_since_which_version_and_what_works(evidence, check):
    bad = {"outcome": "failed", "error": MODEL, "framework": "tensorflow"}
    old = {"torch": "2.9.0", "transformers": "4.57.6"}
    mid = {"torch": "2.9.0", "transformers": "5.0.0"}
    evidence.run(
        bad, bad | {"versions": mid}, passed("2.9.0", framework="tensorflow") | {"versions": old}
    )
    evidence.run({"outcome": "passed"})
    answer = check(framework="tensorflow", here=place())
    assert answer.verdict is Verdict.FAILS
    assert answer.bounds is not None
    assert (answer.bounds.package, answer.bounds.works, answer.bounds.fails) == (
        "transformers",
        "4.57.6",
        "5.0.0",
    )
    assert {(c.loader, c.framework) for c in answer.elsewhere} == {
        ("transformers", "tensorflow"),
        ("transformers", "pytorch"),
    }


@pytest.mark.parametrize("name", ["tiny-bert", "TINYBERT", "tiny", "hf:tiny/bert"])
def test_a_model_is_found_by_id_name_alias_or_handle(evidence, check, name):
    evidence.run({"outcome": "passed"})
    assert check(name, framework="pytorch").verdict is Verdict.WORKS


def test_a_file_that_no_entry_names_is_found_by_its_handle(evidence, check):
    evidence.run({"outcome": "passed", "model": None, "handle": "file:/here@sha256-1"})
    assert check("file:/here").verdict is Verdict.WORKS
    assert check("file:/here@sha256-1").verdict is Verdict.WORKS
    assert check("file:/here@sha256-2").verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("question", "near"),
    [
        ({"model": "tinybret"}, "tiny-bert"),
        ({"framework": "pytroch"}, "pytorch"),
        ({"device": "gpu"}, "cpu"),
        ({"environment": "pytroch"}, "pytorch"),
        ({"model": "hf:no/such"}, "run hf:no/such"),
        ({"whom": "you"}, "me"),
    ],
)
def test_an_unknown_name_is_said_with_what_is_near(check, question, near):
    with pytest.raises(UnknownNameError, match=near):
        check(**question)


def test_questions_narrow_by_loader_device_and_environment(evidence, check):
    evidence.run({"outcome": "passed"}, {"outcome": "failed", "error": MODEL, "device": "cuda:1"})
    assert check(device="cuda").verdict is Verdict.FAILS
    assert check(device="cuda:1", framework="pytorch").verdict is Verdict.FAILS
    assert check(environment="pytorch", loader="transformers").verdict is Verdict.WORKS
    assert check(loader="onnx").verdict is Verdict.UNKNOWN


def test_the_view_ranks_as_the_questions_do(evidence, home):
    evidence.run(
        {"outcome": "passed"},
        {"outcome": "failed", "error": MODEL, "loader": "onnx"},
        {"outcome": "timed_out", "loader": "keras-hub"},
        {"outcome": "passed", "loader": "keras-hub", "framework": "jax", "off_by": 0.1},
    )
    for _ in range(2):
        with open_store(home) as store:
            ours = [(c.cell_id, c.verdict) for c in questions.check(store, "tiny").cells]
            view = store.sql(
                "SELECT cell_id, verdict FROM ranked WHERE model = 'tiny-bert' "
                "ORDER BY place, measured_at DESC NULLS LAST, cell_id"
            )
            best = store.sql("SELECT framework, verdict FROM answers ORDER BY framework")
            assert ours == view
            assert best == [("jax", "differs"), ("pytorch", "works")]
        publishing.publish(home)


def test_the_matrix_of_a_run_rests_on_that_run_alone(evidence, home):
    evidence.run({"outcome": "crashed", "signal": 11})
    run = evidence.run({"outcome": "passed"})
    with open_store(home) as store:
        (cell,) = questions.matrix(store, run=run)
        assert (cell.verdict, cell.run_id) == (Verdict.WORKS, run)
        with pytest.raises(UnknownNameError, match="no run"):
            questions.matrix(store, run="20260101T000000Z-000000")
        (whole,) = questions.matrix(store, "tiny", verdict="flaky")
        assert whole.attempts == 2


def test_lists_say_what_lies_behind(evidence, home):
    run = evidence.run(
        {"outcome": "passed"}, {"outcome": "passed", "kind": "export", "export_format": "onnx"}
    )
    with open_store(home) as store:
        assert [m.id for m in questions.models(store)] == ["lonely", "tiny-bert"]
        shown = questions.show(store, "tiny")
        assert {(c.kind, c.note) for c in shown.cells if c.observation_id} == {
            ("attempt", "reference"),
            ("export", "exported"),
        }
        assert shown.sources[0].handle == "hf:tiny/bert"
        (summary,) = questions.runs(store)
        assert (summary.run_id, summary.observations, summary.passed) == (run, 2, 2)
        rows = questions.evidence(store, model="tiny", run=run)
        assert [row["lock"]["numpy"] for row in rows] == ["2.4.6", "2.4.6"]
        assert rows[0]["started_at"].tzinfo is not None


def test_a_question_imports_neither_pydantic_nor_yaml(evidence, home):
    evidence.run({"outcome": "failed", "error": MODEL})
    publishing.publish(home)
    evidence.run({"outcome": "passed", "loader": "onnx"})
    code = (
        "import sys\n"
        "from caniload.settings import Settings\n"
        "from caniload.catalog.store import open_store\n"
        "from caniload.catalog import questions\n"
        "with open_store(Settings.read()) as store:\n"
        "    print(questions.check(store, 'tiny').verdict)\n"
        "heavy = {'pydantic', 'yaml', 'rich', 'huggingface_hub', 'packaging', 'numpy', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "works\n[]\n"
