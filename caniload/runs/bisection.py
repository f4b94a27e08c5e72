"""Find where an outcome changes along a list of versions, and the record of having looked.

`search` halves every stretch whose ends differ, so that it finds each change that its own
samples show, not the first alone. Between two versions with one outcome it assumes the same:
the record says what was measured and what was assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import AwareDatetime, Field

from caniload.records import Record

RECORD_VERSION = 1


class Try(Record):
    """Say how one version did: measured by this search, known before it, or not installable.

    `result` is a word for a person (works, differs, fails, flaky, blocked, no answer,
    uninstallable); `reason` is what tells one outcome from another: the code of the diagnosis,
    else stage, type and message of what was raised with numbers left out. `moved` has each
    package that pip moved from the base, `lock` all of it. `controls` says whether what is known
    to pass and to fail did so beside it: empty where none was tried, else `behaved`, or what did
    not.
    """

    version: str
    state: Literal["measured", "known", "uninstallable"]
    result: str
    reason: str | None = None
    title: str = ""
    outcome: str | None = None
    stage: str | None = None
    exception_type: str | None = None
    exception_message: str | None = None
    observations: tuple[str, ...] = ()
    agreeing: int = 0
    disagreeing: int = 0
    moved: dict[str, tuple[str | None, str | None]] = Field(default_factory=dict)
    lock: dict[str, str] = Field(default_factory=dict)
    why: str = ""
    controls: str = ""

    @property
    def answered(self) -> bool:
        """Whether it says anything of the model: it was installed and attempted."""
        return self.state != "uninstallable" and self.result != "no answer"

    @property
    def signature(self) -> tuple[str, str | None]:
        """What is compared: works and differs apart, failures by their reason alone."""
        return ("failure", self.reason) if self.reason is not None else (self.result, None)


class Change(Record):
    """Name one place where the outcome changes: the last version before it, the first after.

    `adjacent` says that the registry lists nothing between the two; `between` are the versions
    there that could not be tried. `repeats` is how often each side gave its outcome, and
    `contradicted` that a repeat gave another. `controls` is what the controls did on either side.
    """

    before: str
    after: str
    was: str
    became: str
    adjacent: bool
    between: tuple[str, ...] = ()
    repeats: tuple[int, int] = (0, 0)
    contradicted: bool = False
    controls: tuple[str, str] = ("", "")


class Bisection(Record):
    """Record a search: what was asked, the registry's list, every version tried, the answer.

    A search that was cut off and taken up again is one: it started when it first did.

    `base` is the interpreter that candidates were copied from, `kept` the decisive packages that
    pip was told to keep. `listed` are all versions between the two ends as the registry gave them,
    oldest first, yanked ones and those for another Python left out.
    """

    record_version: int = RECORD_VERSION
    model: str | None
    handle: str
    loader: str
    framework: str
    device: str
    recipe_hash: str
    recipe: dict[str, object]
    package: str
    beside: tuple[str, ...] = ()
    base: str
    base_lock: dict[str, str]
    kept: dict[str, str]
    python: str
    platform: str
    listed: tuple[str, ...]
    tries: tuple[Try, ...] = ()
    changes: tuple[Change, ...] = ()
    complete: bool = False
    caniload_version: str
    started_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    attempts_made: int = 0

    @property
    def assumed(self) -> int:
        """How many listed versions nobody tried: they lie between two with one outcome."""
        return len(set(self.listed) - {each.version for each in self.tries})


Attempt = Callable[[str], Try]


def search(listed: Sequence[str], attempt: Attempt) -> list[Change]:
    """Return every change of outcome that halving finds between the first version and the last.

    `attempt` is called at most once a version. Versions that give no answer are passed over for
    their nearest neighbours; no changes where fewer than two versions answer.
    """
    known: dict[int, Try] = {}

    def ask(at: int) -> Try:
        if at not in known:
            known[at] = attempt(listed[at])
        return known[at]

    low = next((at for at in range(len(listed)) if ask(at).answered), None)
    if low is None:
        return []
    high = next(at for at in range(len(listed) - 1, low - 1, -1) if ask(at).answered)
    return _between(low, high, listed, ask)


def _between(low: int, high: int, listed: Sequence[str], ask: Callable[[int], Try]) -> list[Change]:
    """Search between two versions that answer."""
    first, last = ask(low), ask(high)
    if first.signature == last.signature:
        return []
    middle = next((at for at in _outward(low, high) if ask(at).answered), None)
    if middle is None:
        between = tuple(listed[low + 1 : high])
        return [
            Change(
                before=listed[low],
                after=listed[high],
                was=told(first),
                became=told(last),
                adjacent=not between,
                between=between,
            )
        ]
    return _between(low, middle, listed, ask) + _between(middle, high, listed, ask)


def _outward(low: int, high: int) -> list[int]:
    """List what lies between, the middle first, then its neighbours on either side."""
    middle = (low + high) // 2
    return sorted(range(low + 1, high), key=lambda at: (abs(at - middle), at))


def told(one: Try) -> str:
    """Say a try's outcome in a few words."""
    if one.state == "uninstallable":
        return f"cannot be installed: {one.why}"
    return one.result if one.reason is None else f"{one.result}: {one.title or one.reason}"
