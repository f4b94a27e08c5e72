"""Controls: each shipped environment has one that passes and one that fails, and both do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from caniload.records import Observation
from caniload.runs import controls, envspecs
from caniload.runs.executor import Executor
from caniload.runs.interpreters import probe
from caniload.settings import Settings

SHIPPED = [
    pytest.param(name, marks=() if spec.default else pytest.mark.soak)
    for name, spec in sorted(envspecs.specs(Settings.read({})).items())
]
"""`make test` builds the environments that serve by default, `make soak` all."""


@pytest.mark.framework
@pytest.mark.parametrize("name", SHIPPED)
def test_the_controls_of_a_shipped_environment_behave(
    name: str, settings: Settings, framework_python: Callable[[str], Path]
) -> None:
    spec = envspecs.spec(name, settings)
    families = {(loader, each) for loader in spec.loaders for each in spec.frameworks}
    jobs = controls.control_jobs(
        name,
        probe(framework_python(name)),
        settings,
        families,
        patches=spec.patches,
        variables=spec.variables,
    )
    tried = {(job.cell.framework, job.facts["expected"]) for job in jobs}
    assert tried == {(each, said) for each in spec.frameworks for said in ("passed", "failed")}
    observations = Executor(settings, warm=True).run(jobs).observations
    assert controls.behaved(observations) == (True, "")
    for seen in observations:
        expected = seen.facts["expected"]
        assert seen.outcome == expected, (seen.cell.handle, seen.outcome, seen.message)


def _said(seen: Observation, outcome: str, **more: object) -> Observation:
    return seen.model_copy(update={"outcome": outcome, **more})


@pytest.mark.framework
def test_a_control_that_does_what_it_should_not_is_named(
    settings: Settings, framework_python: Callable[[str], Path]
) -> None:
    jobs = controls.control_jobs("onnxruntime", probe(framework_python("onnxruntime")), settings)
    passes, fails = Executor(settings).run(jobs).observations
    for wrong, name in (
        ((_said(passes, "crashed"), fails), "small.onnx"),
        ((passes, _said(fails, "passed")), "unknown-operator.onnx"),
        ((passes, fails, _said(passes, "failed", attempt=2)), "small.onnx"),
        ((passes, _said(fails, "harness_error")), "unknown-operator.onnx"),
    ):
        fine, why = controls.behaved(wrong)
        assert not fine
        assert name in why
    assert controls.behaved([passes, _said(fails, "harness_error"), fails]) == (True, "")
    assert controls.behaved([passes, _said(fails, "refused")]) == (True, "")
    assert controls.behaved([]) == (False, "no control was tried")


@pytest.mark.framework
def test_only_families_that_a_night_plans_are_watched(
    settings: Settings, framework_python: Callable[[str], Path]
) -> None:
    """One without a control of its own is watched by another of its framework."""
    python = probe(framework_python("tensorflow"))

    def watched(*families: tuple[str, str]) -> set[tuple[str, str]]:
        jobs = controls.control_jobs("tensorflow", python, settings, families)
        assert len({job.cell.id for job in jobs}) == len(jobs)
        return {(job.cell.loader, job.cell.framework) for job in jobs}

    assert watched(("saved-model", "tensorflow")) == {("saved-model", "tensorflow")}
    assert watched(("keras-hub", "tensorflow")) == {("keras-file", "tensorflow")}
    assert watched() == set()
