"""Decide by policy whether a job may start at all (DESIGN, "Security")."""

from __future__ import annotations

from caniload.runs.job import Job, Obstacle
from caniload.runs.launch import Place
from caniload.words import ArtefactClass, Outcome, Stage


def refusal(job: Job, place: Place) -> Obstacle | None:
    """Return why a job is refused, or None.

    Data may always be loaded. Programs need a real sandbox. Code needs the recipe's
    `allow_code`, which the record then shows, and the sandbox too.
    """
    kind = job.artefact_class
    what = job.artefact.format if job.artefact and job.artefact.format else job.cell.loader
    if kind is ArtefactClass.CODE and not job.cell.recipe.allow_code:
        return _refused(f"loading {what} executes code from the artefact; --allow-code permits it")
    if kind is not ArtefactClass.DATA and place.bwrap is None:
        noun = "a program" if kind is ArtefactClass.PROGRAM else "code"
        return _refused(f"{what} is {noun} and runs only in a sandbox; install bubblewrap")
    return None


def facts(job: Job) -> dict[str, str]:
    """Return what a job's record says of permission: which class of artefact needed it."""
    kind = job.artefact_class
    return {} if kind is ArtefactClass.DATA else {"artefact_class": kind.value}


def _refused(message: str) -> Obstacle:
    return Obstacle(Outcome.REFUSED, Stage.LOAD, "caniload.Refused", message)
