"""What changed last, where claims and results disagree, and how much was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, timedelta

from caniload.catalog import comparison, gaps, stats
from caniload.catalog.answers import RunAnswer
from caniload.catalog.store import Store
from caniload.publish import wording
from caniload.publish.markdown import UNMEASURED
from caniload.publish.site import paths, words
from caniload.publish.site.facts import Facts
from caniload.publish.site.page import Page
from caniload.publish.site.page_lists import listing_page
from caniload.publish.site.tabling import Field, Listing, Section, Table, number, share, text
from caniload.words import COPY_OF

NIGHT = timedelta(hours=12)
"""Runs that began so long before the latest one, or later, are told of as one night."""
KINDS = {
    "unexpected-failure": "Fails unexpectedly",
    "unexpected-pass": "Passes unexpectedly",
    "more-memory": "Takes more memory",
    "expired-skip": "Skipped for too long",
    "new": "Measured for the first time",
    "expected": "As expected",
}
"""Titles of the kinds of change that their own word does not name well."""


def pages(store: Store, facts: Facts) -> Iterator[Page]:
    """Yield the three."""
    yield listing_page("changes/", changes(store, facts), facts)
    yield listing_page("gaps/", _gaps(store, facts), facts)
    yield listing_page("coverage/", _coverage(store, facts), facts)


def changes(store: Store, facts: Facts) -> Listing:
    """Compare the last night's runs with what was known before."""
    if not facts.runs:
        return Listing("What changed last", "changes", "", unmeasured=UNMEASURED)
    night = last_night(facts.runs)
    began = min(run.started_at for run in night)
    found = comparison.compare(store, [run.run_id for run in night], since=began)
    names = {model.id: model.name for model in facts.models}
    sections = []
    weights = {each.cell.observation_id: each.cell.weights for each in facts.evidence}
    told = [one for one in found.changes if not one.track.environment.startswith(COPY_OF)]
    for kind in dict.fromkeys(change.kind for change in told):
        rows = []
        for change in (one for one in told if one.kind == kind):
            track = change.track
            random = weights.get(change.observation_id) == "random"
            to = paths.model(track.model) if track.model in names else paths.source(track.artefact)
            what = names.get(track.model or "", track.artefact)
            rows.append(
                (
                    Field(what, to=f"{to}index.html"),
                    text(f"{track.loader} in {words.framework(track.framework)}, {track.device}"),
                    text(track.environment),
                    text(
                        f"{change.before or 'nothing'} → {change.after or 'nothing'}"
                        + (", random weights" if random else "")
                    ),
                    text(change.reason),
                    text(change.what_else[:6]),
                )
            )
        title = KINDS.get(kind, kind.capitalize())
        head = ("what", "with", "environment", "before → after", "why", "what else changed")
        table = Table(f"{title}: {len(rows):,}", head, rows)
        sections.append(Section(kind, title, table=table))
    runs = [
        (
            Field(run.run_id, to=f"{paths.run(run.run_id)}index.html"),
            number(run.observations),
            number(run.passed),
        )
        for run in night
    ]
    table = Table("Runs of that night", ("run", "observations", "passed"), runs)
    sections.append(Section("runs", "Its runs", table=table))
    measured = sum(run.observations for run in night)
    lead = (
        f"In {words.count(len(night), 'run')} that began on {words.day(began)} or after it, "
        f"{words.count(measured, 'observation')} were made; "
        f"{words.count(len(told), 'change')} against what was known before."
    )
    return Listing("What changed last", "changes", lead, sections)


def last_night(runs: Sequence[RunAnswer]) -> list[RunAnswer]:
    """Return the latest run and those that began shortly before it; runs come latest first."""
    latest = runs[0].started_at
    return [run for run in runs if run.started_at >= latest - NIGHT]


def _gaps(store: Store, facts: Facts) -> Listing:
    names = {model.id: model.name for model in facts.models}
    titles = {
        "claimed": "Claimed, and does not load as claimed",
        "unclaimed": "Works, and nothing claims it",
    }
    sections = []
    found = gaps.gaps(store, whom=facts.whom)
    for way, title in titles.items():
        rows = []
        for gap in (one for one in found if one.way == way):
            cell = gap.cell
            to = paths.model(gap.model) if gap.model in names else paths.source(cell.handle)
            rows.append(
                (
                    Field(names.get(gap.model or "", cell.source), to=f"{to}index.html"),
                    text(f"{cell.loader} in {wording.framework(cell)}"),
                    Field(verdict=cell.verdict, to=f"{to}index.html#cell-{cell.cell_id}"),
                    text([f"{one.says} ({one.where})" for one in gap.statements[:3]]),
                    Field(day=words.day(cell.measured_at)),
                )
            )
        head = ("what", "with", "result", "what is stated", "measured")
        table = Table(f"{title}: {len(rows):,}", head, rows, f"data/gaps-{way}")
        sections.append(Section(way, title, table=table))
    lead = (
        "Where what metadata says and what was measured disagree, both ways. What is blocked, "
        "exported or run with random weights contradicts no claim."
    )
    unmeasured = "" if facts.newest else UNMEASURED
    return Listing("Gaps", "gaps", lead, sections, unmeasured=unmeasured)


def _coverage(store: Store, facts: Facts) -> Listing:
    found = stats.stats(store, today(facts))
    sections = []
    for anchor, title, groups in (
        ("frameworks", "Models by framework", found.models_by_framework),
        ("hubs", "Sources by hub", found.sources_by_hub),
        ("catalogues", "Imported sources by catalogue", found.imported_by_catalogue),
    ):
        built = any(row.architecture_ran is not None for row in groups)
        head: tuple[str, ...] = (
            anchor.removesuffix("s"),
            "attempted",
            "ran with published weights",
        )
        rows = []
        for row in groups:
            line = [text(row.group), share(row.attempted, row.total), share(row.ran, row.total)]
            if built:
                line.append(
                    text("-")
                    if row.architecture_ran is None
                    else share(row.architecture_ran, row.total)
                )
            rows.append(line)
        head = (*head, "architecture ran") if built else head
        table = Table(title, head, rows, f"data/coverage-{anchor}")
        sections.append(Section(anchor, title, table=table))
    head = ("catalogue", "read from", "version", "read", "facts", "under a model")
    rows = [
        [
            text(one.catalogue), text(one.upstream), text(one.version),
            Field(day=one.read.isoformat()), number(one.facts), share(one.joined, one.facts),
        ]
        for one in found.imports
    ]  # fmt: skip
    table = Table("Imported catalogues", head, rows, "data/imports")
    sections.append(Section("imports", "Imported catalogues: claims, never results", table=table))
    models, seen = found.models, found.evidence
    lead = (
        f"{words.count(seen.observations, 'observation')} of {words.count(seen.cells, 'cell')}. "
        f"Of {models.total:,} models {models.attempted:,} were attempted and {models.ran:,} ran "
        "with their published weights. Every share is two numbers."
    )
    unmeasured = "" if facts.newest else UNMEASURED
    return Listing("Coverage", "coverage", lead, sections, unmeasured=unmeasured)


def today(facts: Facts) -> date:
    """Return the day from which counts are made: the newest evidence's, so that pages stay."""
    return facts.newest.astimezone(UTC).date() if facts.newest else date(1970, 1, 1)
