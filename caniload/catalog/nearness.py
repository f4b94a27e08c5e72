"""Compare versions: what evidence says about an interpreter that was not itself measured.

DESIGN, "Here": the same decisive versions give their own verdict; one decisive package between
two tested versions with one outcome, the rest equal, gives an inferred one; else unknown.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from caniload.catalog.answers import Answer, Bounds, CellAnswer, Place
from caniload.words import Verdict

if TYPE_CHECKING:
    from packaging.version import Version

_PLACES = tuple(Verdict)
_INFERABLE = (Verdict.WORKS, Verdict.DIFFERS, Verdict.FAILS)


def narrow(answer: Answer, here: Place) -> Answer:
    """Return the answer for one interpreter, from the cells that the question covers."""
    installed = {canonical(name): version for name, version in here.versions.items()}
    measured = [c for c in answer.cells if c.observation_id and c.versions]
    candidates = [c for c in measured if c.outcome != "not_installed"]
    exact = [c for c in candidates if _same(c, here, installed)]
    told = exact + inferred(candidates, here, installed)
    if told:
        told.sort(key=lambda c: (_PLACES.index(c.verdict), c.inferred))
        best = told[0]
        return replace(
            answer, verdict=best.verdict, best=best, cells=tuple(told), inferred=best.inferred
        )
    claims = tuple(c for c in answer.cells if c.verdict is Verdict.CLAIMED)
    nearest = min(candidates or measured, key=lambda c: _distance(c, here, installed), default=None)
    missing = tuple(
        n for n in (nearest.versions if nearest else ()) if canonical(n) not in installed
    )
    only_claims = nearest is None and bool(claims)
    return replace(
        answer,
        verdict=Verdict.CLAIMED if only_claims else Verdict.UNKNOWN,
        best=claims[0] if only_claims else None,
        cells=claims if only_claims else (),
        nearest=nearest,
        missing=missing,
        settle=_command(answer, nearest, here),
    )


def inferred(
    cells: Iterable[CellAnswer], here: Place, installed: Mapping[str, str]
) -> list[CellAnswer]:
    """Return the cells that tell of `here` because it lies between two of them.

    Each is the lower of its two neighbours, marked as inferred, with the range in its note.
    """
    groups: defaultdict[tuple[object, ...], list[CellAnswer]] = defaultdict(list)
    for found in cells:
        if found.python_minor != here.python_minor or found.platform != here.platform:
            continue
        apart = [n for n, v in found.versions.items() if installed.get(canonical(n)) != v]
        if len(apart) == 1 and canonical(apart[0]) in installed:
            groups[
                found.loader,
                found.framework,
                found.handle,
                found.device,
                found.recipe_hash,
                tuple(sorted(found.versions)),
                apart[0],
            ].append(found)
    told = []
    for key, members in groups.items():
        package = str(key[-1])
        wanted = _version(installed[canonical(package)])
        known = [(_version(c.versions[package]), c) for c in members]
        if wanted is None:
            continue
        below = [(v, c) for v, c in known if v is not None and v < wanted]
        above = [(v, c) for v, c in known if v is not None and v > wanted]
        if not below or not above:
            continue
        low = _outcome(below, max(v for v, _ in below))
        high = _outcome(above, min(v for v, _ in above))
        if low is not None and high is not None and low.verdict is high.verdict:
            span = f"{package} {low.versions[package]} and {high.versions[package]}"
            told.append(replace(low, inferred=True, note=f"between {span}"))
    return told


def bounds(best: CellAnswer, cells: Sequence[CellAnswer]) -> Bounds | None:
    """Say between which versions of which package a loader ceased to work, as measured.

    Only where the versions part cleanly: all that work lie below all that fail.
    """
    works = [c for c in cells if c.verdict is Verdict.WORKS and c.source == best.source]
    fails = [c for c in cells if c.verdict is Verdict.FAILS and c.source == best.source]
    own_first = sorted(best.versions, key=lambda name: canonical(name) != canonical(best.loader))
    for package in own_first if works else ():
        good = _by_version(works, package)
        bad = _by_version([*fails, best], package)
        if good and bad:
            last, first = max(good), min(bad)
            if last < first:
                return Bounds(package, str(last), str(first), good[last])
    return None


def _by_version(cells: Iterable[CellAnswer], package: str) -> dict[Version, CellAnswer]:
    """Return cells by the version of a package; those without it are left out."""
    found = ((_version(c.versions.get(package)), c) for c in cells)
    return {version: c for version, c in found if version is not None}


def canonical(name: str) -> str:
    """Write a distribution's name in its canonical form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _outcome(near: Sequence[tuple[Version, CellAnswer]], version: Version) -> CellAnswer | None:
    """Return a cell of one version if all cells of it agree on a verdict that can be inferred."""
    cells = [c for v, c in near if v == version]
    verdicts = {c.verdict for c in cells}
    return cells[0] if len(verdicts) == 1 and cells[0].verdict in _INFERABLE else None


def _same(found: CellAnswer, here: Place, installed: Mapping[str, str]) -> bool:
    return (
        found.python_minor == here.python_minor
        and found.platform == here.platform
        and all(installed.get(canonical(n)) == v for n, v in found.versions.items())
    )


def _distance(found: CellAnswer, here: Place, installed: Mapping[str, str]) -> tuple[int, int]:
    """Rank evidence by how little would have to change: missing packages weigh most."""
    apart = 0
    for name, version in found.versions.items():
        have = installed.get(canonical(name))
        apart += 3 if have is None else int(have != version)
    apart += found.python_minor != here.python_minor
    apart += 2 * (found.platform != here.platform)
    return apart, _PLACES.index(found.verdict)


def _command(answer: Answer, nearest: CellAnswer | None, here: Place) -> str:
    """Write the command that would settle the question."""
    import shlex

    parts = ["caniload", "run", answer.model]
    framework = answer.framework or (nearest.framework if nearest else None)
    loader = answer.loader or (nearest.loader if nearest else None)
    for option, value in (
        ("--framework", framework),
        ("--loader", loader),
        ("--device", answer.device if answer.device != "cpu" else None),
    ):
        if value is not None:
            parts += [option, value]
    if here.python is not None:
        parts += ["--python", here.python]
    return shlex.join(parts)


def _version(text: str | None) -> Version | None:
    """Read a version; None if it is none. packaging costs 20 ms, so it is imported here."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text) if text is not None else None
    except InvalidVersion:
        return None
