"""Say whether a cell is attempted once more before its outcome counts. Pure; no I/O.

What is nobody's "no" is retried, what changed since last time is repeated, and what nobody can
explain must show itself twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from caniload.catalog.past import Past, signature
from caniload.records import Observation
from caniload.words import Fault, Outcome

MOST = 3
"""Attempts at one cell in one night."""

NOT_THE_MODELS = frozenset({Fault.NETWORK, Fault.RESOURCES, Fault.HARNESS})
"""Faults that may be gone a moment later."""

_BY_OUTCOME = {
    Outcome.TIMED_OUT: Fault.RESOURCES,
    Outcome.OUT_OF_MEMORY: Fault.RESOURCES,
    Outcome.UNAVAILABLE: Fault.NETWORK,
}


def again(seen: Sequence[Observation], past: Past | None, fault: Fault | None) -> bool:
    """Tell whether to attempt a cell again; `fault` is that of the last attempt's diagnosis.

    Two attempts for a failure that is not the model's, and for one without a diagnosis: alone it
    is no verdict. Up to three where the result differs from the last time's, unless they have
    disagreed already: that is `flaky`. What was our own fault agrees and disagrees with nothing,
    and is tried once more.
    """
    if len(seen) >= MOST:
        return False
    last = seen[-1]
    ours = [each for each in seen if each.outcome is Outcome.HARNESS_ERROR]
    if last.outcome is Outcome.HARNESS_ERROR:
        return len(ours) < 2
    seen = [each for each in seen if each not in ours]
    if len({result(each) for each in seen}) > 1:
        return False
    if fault in NOT_THE_MODELS or _BY_OUTCOME.get(last.outcome) is not None:
        return len(seen) < 2
    if past is not None and result(last) != past.signature:
        return True
    undiagnosed = last.outcome in (Outcome.FAILED, Outcome.CRASHED) and fault is None
    return undiagnosed and len(seen) < 2


def result(seen: Observation) -> str:
    """Return what tells one result from another, as the store does for earlier ones."""
    first = seen.exceptions[0] if seen.exceptions else None
    return signature(
        str(seen.outcome),
        str(seen.stage),
        seen.signal,
        None if first is None else first.type,
        seen.message if first is None else first.message,
    )
