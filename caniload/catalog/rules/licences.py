"""Licences are SPDX expressions, or `unknown`."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from caniload.catalog.entries import DatasetEntry, ModelEntry, SourceEntry, parts
from caniload.catalog.rules import Problem, View


def check(view: View) -> Iterator[Problem]:
    """Find licences that SPDX does not list, or lists in another spelling."""
    for file, entry in view.entries():
        licensed = [("licence", entry)] if isinstance(entry, ModelEntry | DatasetEntry) else []
        found: list[tuple[str, str | None]] = [(field, own.licence) for field, own in licensed]
        for path, part in parts(entry):
            if isinstance(part, SourceEntry):
                found.append((f"{path}.licence", part.licence))
        for field, licence in found:
            if licence is None or licence == "unknown":
                continue
            try:
                canonical = canonicalize_license_expression(licence)
            except InvalidLicenseExpression:
                yield Problem(
                    file, field, f"{licence!r} is no SPDX expression",
                    "write an SPDX id, LicenseRef-… for a text that SPDX does not list, or unknown",
                )  # fmt: skip
                continue
            if canonical != licence:
                yield Problem(file, field, f"{licence!r} is spelt otherwise", f"write {canonical}")
