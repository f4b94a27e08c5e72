"""Ask whether an artefact's own code may run, and keep what it was needed for."""

from __future__ import annotations

from typing import Any

from .failure import Refused

NEEDED = "code_needed"
"""Key of the job under which the reasons stand; the worker tells them as the fact `code_needed`."""


def need_code(job: dict[str, Any], why: str, cause: BaseException | None = None) -> None:
    """Note that loading executes code, as `why` says; raises `Refused` without `allow_code`.

    `why` reads "<what> <does what>", as in "the pickle names os.system".
    """
    if not job["recipe"].get("allow_code"):
        raise Refused(f"{why}; --allow-code permits it") from cause
    reasons = job.setdefault(NEEDED, [])
    if why not in reasons:
        reasons.append(why)
