"""A night as JUnit XML, in the form that Jenkins, GitLab and GitHub's reporters read.

Elements and attributes are those of the schema that Jenkins' xUnit plugin accepts
(jenkinsci/xunit-plugin, junit-10.xsd). A `failure` is what makes the suite fail, and nothing
else: a cell that fails as it did before is `skipped`, with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from caniload.catalog.comparison import Change, NightCell, NightReport
from caniload.catalog.tracks import Track
from caniload.publish.night import said

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (https://www.w3.org/TR/xml/#charsets)."""


def write(report: NightReport) -> str:
    """Return the XML document: a suite an environment, a test case a cell of the night."""
    changes: dict[Track, list[Change]] = {}
    for change in report.comparison.changes:
        changes.setdefault(change.track, []).append(change)
    cells: dict[str, list[NightCell]] = {}
    for cell in report.cells:
        if cell.tonight:
            cells.setdefault(cell.track.environment, []).append(cell)
    tried = {cell.track for cell in report.cells if cell.tonight}
    root = ElementTree.Element("testsuites", {"name": _text(report.suite)})
    for name, members in sorted(cells.items()):
        cases = [_cell(cell, changes.get(cell.track, ()), report) for cell in members]
        _suite(root, report, name, cases)
    rest = [
        _bare(change, report)
        for track, found in changes.items()
        if track not in tried
        for change in found
    ]
    if rest:
        _suite(root, report, "not tried", rest)
    if report.controls:
        _suite(root, report, "controls", [_control(s.environment, s.why) for s in report.controls])
    totals = {name: str(sum(int(s.get(name, "0")) for s in root)) for name in _COUNTED}
    root.attrib.update({**totals, "time": f"{sum(float(s.get('time', '0')) for s in root):.3f}"})
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


_COUNTED = ("tests", "failures", "errors")


def _suite(
    root: ElementTree.Element,
    report: NightReport,
    name: str,
    cases: Sequence[ElementTree.Element],
) -> None:
    found = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        {
            "name": _text(f"{report.suite}: {name}"),
            **{key: str(value) for key, value in found.items()},
            "time": f"{sum(float(case.get('time', '0')) for case in cases):.3f}",
            "timestamp": f"{report.started:%Y-%m-%dT%H:%M:%S}",
        },
    )
    properties = ElementTree.SubElement(suite, "properties")
    for key, value in (("run", report.run_id), ("caniload", report.caniload_version)):
        ElementTree.SubElement(properties, "property", {"name": key, "value": _text(value)})
    suite.extend(cases)


def _cell(cell: NightCell, changes: Sequence[Change], report: NightReport) -> ElementTree.Element:
    case = _case(cell.track, cell.seen.wall_seconds)
    failing = [change for change in changes if change.kind in report.failing]
    if failing:
        _failure(case, failing)
    elif not cell.counts or not cell.seen.good:
        ElementTree.SubElement(case, "skipped", {"message": _text(said.result(cell))})
    lines = [f"observation {cell.seen.observation_id}"]
    lines += [f"{each.kind}: {each.reason}" for each in changes]
    ElementTree.SubElement(case, "system-out").text = _text("\n".join(lines))
    return case


def _bare(change: Change, report: NightReport) -> ElementTree.Element:
    """Return the case of a change of which no cell was tried, as one that is gone."""
    case = _case(change.track, 0.0)
    if change.kind in report.failing:
        _failure(case, [change])
    else:
        text = f"{change.kind}: {change.reason}"
        ElementTree.SubElement(case, "skipped", {"message": _text(text)})
    return case


def _control(environment: str, why: str) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase", {"name": _text(environment), "classname": "controls", "time": "0.000"}
    )
    if why:
        error = ElementTree.SubElement(
            case, "error", {"message": _text(why), "type": "controls-misbehaved"}
        )
        error.text = "Nothing that was measured in this environment counts."
    return case


def _case(track: Track, seconds: float) -> ElementTree.Element:
    where = f"{track.environment}.{track.loader}.{track.framework}.{track.device}"
    return ElementTree.Element(
        "testcase",
        {"name": _text(track.artefact), "classname": _text(where), "time": f"{seconds:.3f}"},
    )


def _failure(case: ElementTree.Element, failing: Sequence[Change]) -> None:
    first = failing[0]
    message = f"{said.moved(first)}: {first.reason}"
    failure = ElementTree.SubElement(
        case, "failure", {"message": _text(message), "type": first.kind}
    )
    lines: list[str] = []
    for each in failing:
        lines += [f"{each.kind}: {said.moved(each)}", each.reason]
        lines += [f"also changed: {item}" for item in each.what_else]
        lines += [each.issue] if each.issue else []
    failure.text = _text("\n".join(line for line in lines if line))


def _text(text: str) -> str:
    """Replace what XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)
