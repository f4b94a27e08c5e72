"""How claims are weighed: the inner cause, conditions, evidence that is no exception."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from caniload.catalog.diagnosis import Diagnosis, Failure, diagnose, load_rules
from caniload.catalog.rule_model import Match, Rule, Rules, rules_from_json
from caniload.errors import CatalogueError
from caniload.words import Fault

GONE = "cannot import name 'TFBertModel' from 'transformers' (/v/transformers/__init__.py)"


def raised(*exceptions: tuple[str, str], **facts: Any) -> Failure:
    """A failure with a chain of causes, outermost first."""
    relations = ["raised", *["cause"] * len(exceptions)]
    chain = tuple((*pair, relation) for pair, relation in zip(exceptions, relations, strict=False))
    return Failure(exceptions=chain, **{"outcome": "failed", **facts})


def code(rules: Rules, failure: Failure) -> str | None:
    """The class of a failure."""
    found = diagnose(rules, failure)
    return found.code if found else None


def test_a_diagnosis_names_class_versions_and_last_good_release(rules: Rules) -> None:
    failure = raised(("ImportError", GONE), versions={"transformers": "5.23.0"}, stage="import")
    found = diagnose(rules, failure)
    assert isinstance(found, Diagnosis)
    assert found.code == "hf.tf-class-removed"
    assert found.fault is Fault.MODEL
    assert "transformers 5.23.0 has no TFBertModel" in found.cause
    assert "4.57" in found.cause
    assert found.since is not None
    assert found.since.startswith("transformers 5.0.0")
    assert "huggingface/transformers#40760" in found.citations


def test_a_version_outside_the_bound_is_no_such_failure(rules: Rules) -> None:
    assert code(rules, raised(("ImportError", GONE), versions={"transformers": "4.57.6"})) is None
    assert code(rules, raised(("ImportError", GONE))) == "hf.tf-class-removed"


def test_distribution_names_are_normalised(rules: Rules) -> None:
    old = ("ImportError", "cannot import name 'HfFolder' from 'huggingface_hub' (/v/__init__.py)")
    found = diagnose(rules, raised(old, versions={"huggingface_hub": "2.4.0"}))
    assert found is not None
    assert found.cause.startswith("huggingface_hub 2.4.0 has no HfFolder")


def test_the_inner_cause_wins_over_the_wrapper(rules: Rules) -> None:
    wrapper = (
        "RuntimeError",
        "Failed to import transformers.models.x.modeling_x because of the following error "
        "(look up to see its traceback):\nsomething",
    )
    keras = ("ValueError", "Your currently installed version of Keras is Keras 3, but this is "
             "not yet supported in Transformers.")  # fmt: skip
    assert code(rules, raised(wrapper)) == "hf.lazy-import-wrapper"
    assert code(rules, raised(wrapper, keras)) == "hf.keras3-unsupported"
    assert code(rules, raised(wrapper, ("ModuleNotFoundError", "No module named 'q'"))) == (
        "py.module-missing"
    )


def test_the_inner_of_two_specific_claims_wins(rules: Rules) -> None:
    offline = ("OSError", "We couldn't connect to 'https://hub.example' to load the files")
    limit = ("HfHubHTTPError", "429 Too Many Requests for url: https://hub.example/a")
    assert code(rules, raised(offline, limit)) == "hub.rate-limit"
    assert code(rules, raised(limit, offline)) == "hub.offline"


def test_a_specific_claim_outside_wins_over_a_general_one_inside(rules: Rules) -> None:
    outer = ("RuntimeError", "Missing dependencies: fairseq")
    assert code(rules, raised(outer, ("ModuleNotFoundError", "No module named 'fairseq'"))) == (
        "hub.torch-missing-deps"
    )


def test_two_claims_of_one_rank_and_depth_are_no_diagnosis() -> None:
    def rule(name: str) -> Rule:
        return Rule(name, name, "k", "", "", (Match(contains=("both",)),))

    kinds = {"k": Fault.MODEL}
    failure = raised(("ValueError", "both"))
    assert diagnose(Rules(kinds, (rule("a.one"), rule("a.two"))), failure) is None
    assert code(Rules(kinds, (rule("a.one"),)), failure) == "a.one"


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Failure(outcome="crashed", signal=4, stage="import"), "env.illegal-instruction"),
        (Failure(outcome="crashed", signal=11, stage="run"), None),
        (Failure(outcome="out_of_memory", stage="load"), "pt.oom"),
        (Failure(outcome="timed_out", stage="fetch"), "proc.timeout-or-prompt"),
        (Failure(outcome="timed_out", stage="run"), None),
        (
            Failure(outcome="timed_out", stage="load", log_excerpt="run the custom code? [y/N]"),
            None,
        ),
        (
            Failure(outcome="timed_out", log_excerpt="Do you wish to run the custom code? [y/N] "),
            "proc.timeout-or-prompt",
        ),
        (
            raised(("caniload.CheckFailed", "weights_random: 3 of 3 are not in the file")),
            "silent.missing-weights",
        ),
        (raised(("caniload.CheckFailed", "weights_mismatch: 1 differs")), None),
        (
            raised(("caniload.CheckFailed", "wrong_device: CPU"), framework="onnxruntime"),
            "silent.ep-fallback",
        ),
        (raised(("caniload.CheckFailed", "wrong_device: CPU"), framework="pytorch"), None),
        (raised(("caniload.CheckFailed", "degenerate_output: constant")), None),
        (raised(("FileNotFoundError", "[Errno 2] No such file or directory: 'a'")), None),
        (Failure(outcome="passed", message="CUDA out of memory"), None),
        (Failure(outcome="failed"), None),
    ],
)
def test_evidence_that_is_no_message_counts(
    rules: Rules, failure: Failure, expected: str | None
) -> None:
    assert code(rules, failure) == expected


def test_a_log_is_read_only_when_nothing_was_raised(rules: Rules) -> None:
    log = "EP Error No CUDA when using ['CUDAExecutionProvider']"
    assert code(rules, raised(("KeyError", "'x'"), log_excerpt=log)) is None
    assert code(rules, Failure(outcome="crashed", log_excerpt=log)) == "silent.ep-fallback"


def test_the_loader_decides_whose_refusal_it_is(rules: Rules) -> None:
    no = ("HTTPError", "HTTP Error 403: Forbidden")
    assert code(rules, raised(no, loader="tensorflow-hub")) == "hub.tfhub-403"
    assert code(rules, raised(no, loader="torch-hub")) == "hub.http-403-generic"
    two = ("ValueError", 'Layer "a" expects 1 input(s), but it received 2 input tensors.')
    assert code(rules, raised(two, stage="load")) == "keras.h5-two-inputs"
    assert code(rules, raised(two, stage="run")) is None


def test_groups_fill_the_fix_and_can_do_nothing_else() -> None:
    rule = Rule(
        "a.b", "t", "k", "{x.__class__|none} {name|it}", "{name|it} {0} {absent}",
        (Match(contains=("bad",), pattern="bad (?P<name>.+)"),),
    )  # fmt: skip
    rules = Rules({"k": Fault.MODEL}, (rule,))
    found = diagnose(rules, raised(("E", "bad {os}\x1b[1m" + "y" * 500)))
    assert found is not None
    assert found.cause.startswith("none {os} [1my")
    assert "\x1b" not in found.cause
    assert len(found.fix) < 140


def test_a_long_message_is_read_at_both_ends_and_fast(rules: Rules) -> None:
    filler = "Unknown requires uantiz GPU pip install " * 50_000
    started = time.perf_counter()
    assert code(rules, raised(("ValueError", filler))) is None
    assert time.perf_counter() - started < 2
    full = "[Errno 28] No space left on device"
    assert code(rules, raised(("OSError", filler + full))) == "env.disk-full"


def test_without_the_file_everything_is_undiagnosed(tmp_path: Path) -> None:
    rules = load_rules(tmp_path / "failures.yaml")
    assert rules == Rules()
    assert diagnose(rules, raised(("ImportError", GONE))) is None


def test_rules_travel_as_json(rules: Rules) -> None:
    assert rules_from_json(rules.to_json()) == rules


def test_kinds_map_to_every_fault_by_one_table(rules: Rules) -> None:
    assert len(rules.kinds) == 15
    assert set(rules.kinds.values()) == set(Fault)
    assert {rule.kind for rule in rules.rules} == set(rules.kinds)


def test_texts_have_no_place_without_an_otherwise(rules: Rules) -> None:
    for rule in rules.rules:
        found = diagnose(
            Rules(rules.kinds, (Rule(rule.id, rule.title, rule.kind, rule.cause, rule.fix,
                                     (Match(contains=("x",)),)),)),
            raised(("E", "x")),
        )  # fmt: skip
        assert found is not None
        for text in (found.cause, found.fix):
            assert "|" not in text, rule.id
            assert "  " not in text, rule.id
            assert not re.search(r"\{[a-z]", text), rule.id


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kinds: {}\nrules: [{id: a.b}]", "rules.0"),
        ("kinds: [", "not readable YAML"),
        ("kinds: {}\nrules: []\nmore: 1", "more"),
        (
            "kinds: {k: {fault: model, means: m}}\nrules: [{id: a.b, title: t, kind: k, cause: c,"
            " fix: f, frameworks: [any], match: [{pattern: '('}]}]",
            "not a regular expression",
        ),
        (
            "kinds: {k: {fault: model, means: m}}\nrules: [{id: a.b, title: t, kind: k, cause: c,"
            " fix: f, frameworks: [any], match: [{pattern: 'a'}]}]",
            "needs contains",
        ),
    ],
)
def test_a_file_that_breaks_the_schema_says_where(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "failures.yaml"
    path.write_text(text)
    with pytest.raises(CatalogueError, match=says):
        load_rules(path)


def test_the_query_path_imports_neither_pydantic_nor_yaml() -> None:
    script = (
        "import sys, caniload.catalog.diagnosis, caniload.catalog.tracebacks\n"
        "print(sorted({'pydantic', 'yaml', 'rich', 'duckdb'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
