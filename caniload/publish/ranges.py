"""How ranges of versions read: `works transformers 4.30.0 to 4.52.4; fails from 4.56.0`.

On the query path: standard library only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caniload.catalog.history import Series, Span


def sentence(series: Series) -> str:
    """Say the ranges in one sentence: `works transformers 4.30.0 to 4.52.4; fails from 4.56.0`."""
    words = []
    results = [span.result for span in series.spans]
    for at, span in enumerate(series.spans):
        package = f"{series.package} " if at == 0 else ""
        why = f", {code(span)}" if results.count(span.result) > 1 and code(span) else ""
        if span.first != span.last:
            why = f" ({tested(span)} tested{why})"
        else:
            why = f" ({why.removeprefix(', ')})" if why else ""
        last = at == len(series.spans) - 1
        if last and at:
            words.append(f"{span.result} from {span.first}{why}")
        elif span.first == span.last:
            words.append(f"{span.result} {package}{span.first}{why}")
        else:
            words.append(f"{span.result} {package}{span.first} to {span.last}{why}")
    return "; ".join(words)


def code(span: Span) -> str:
    """Return the code of a range's diagnosis, empty where there is none."""
    return span.reason if span.reason and "|" not in span.reason else ""


def tested(span: Span) -> str:
    """Count the tested versions of a range, of how many where the registry's list is known."""
    count = len(span.points)
    return str(count) if span.untested is None else f"{count} of {count + len(span.untested)}"


def who(series: Series) -> str:
    """Name the loader with its options, the framework and the device."""
    options = "".join(f" {key}={value}" for key, value in series.options.items())
    return f"{series.loader}{options} in {series.framework}, {series.device}"
