"""Reduce outputs to what is stored and compared: moments, 256 sampled values, the whole by hash.

Outputs are held as arrays of doubles of the standard library: exact for every float32, and the
same code serves workers without numpy.
"""

from __future__ import annotations

import hashlib
import io
import math
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .inputs import counter

SAMPLES = 256


@dataclass
class Flat:
    """One output, flattened in row-major order, as doubles."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    values: array[float]
    layout: str | None = None


def flatten(
    name: str, value: Any, real: list[int] | None = None, layout: str | None = None
) -> Flat:
    """Flatten one output; positions beyond `real[row]` of each row become zero.

    An output in a channels-first `layout` ("NCHW", "NCDHW") is turned channels-last first, so
    that two layouts of one result are the same numbers in the same order.

    `value` is a numpy array or nested lists of numbers. Padding is zeroed only in outputs that
    follow positions: [batch, length, features], row 0 being whole.
    """
    if layout is not None:
        value = value.transpose(0, *range(2, len(layout)), 1)
        layout = layout[0] + layout[2:] + layout[1]
    if hasattr(value, "dtype") and hasattr(value, "tobytes"):
        shape = tuple(int(extent) for extent in value.shape)
        kind = str(value.dtype)
        flat = array("d")
        if kind.startswith("complex"):
            value, shape = value.view(kind.replace("complex128", "float64")), (*shape, 2)
            if kind == "complex64":
                value = value.view("float32")
        flat.frombytes(value.astype("float64").tobytes())
    else:
        shape, numbers = _nested(value)
        kind, flat = "float64", array("d", numbers)
    if real is not None:
        _zero_padding(flat, shape, real)
    return Flat(name, shape, kind, flat, layout)


def _nested(value: Any) -> tuple[tuple[int, ...], list[float]]:
    """Return shape and numbers of nested lists, all rows of one length."""
    if not isinstance(value, (list, tuple)):
        return (), [float(value)]
    parts = [_nested(item) for item in value]
    shapes = {shape for shape, _ in parts}
    if len(shapes) > 1:
        raise ValueError("an output has rows of several shapes")
    inner = shapes.pop() if shapes else ()
    return (len(parts), *inner), [number for _, numbers in parts for number in numbers]


def _zero_padding(flat: array[float], shape: tuple[int, ...], real: list[int]) -> None:
    """Set the padded positions of [batch, length, features, ...] to zero, in place."""
    if len(shape) < 3 or shape[0] != len(real) or shape[1] != max(real):
        return
    inner = math.prod(shape[2:])
    for row, count in enumerate(real):
        begin = (row * shape[1] + count) * inner
        end = (row + 1) * shape[1] * inner
        flat[begin:end] = array("d", bytes(8 * (end - begin)))


def vector(values: array[float]) -> Any:
    """Return a numpy view of the values, or None where numpy is absent: it is much faster."""
    try:
        import numpy
    except ImportError:
        return None
    return numpy.frombuffer(values, dtype="float64") if values else numpy.zeros(0)


def bad_values(flat: Flat, infinite: bool) -> int:
    """Count the values that are NaN or, unless they may be, infinite."""
    found = vector(flat.values)
    if found is not None:
        import numpy

        bad = numpy.isnan(found) if infinite else ~numpy.isfinite(found)
        return int(bad.sum())
    return sum(
        1 for value in flat.values if math.isnan(value) or (math.isinf(value) and not infinite)
    )


def print_of(flat: Flat, seed: int) -> dict[str, Any]:
    """Return the fields of the parent's `OutputPrint` for one output.

    The sampled positions depend on the seed and the number of elements alone: formats of one
    model name their outputs differently.
    """
    count = len(flat.values)
    positions = (
        range(count)
        if count <= SAMPLES
        else [counter(seed, f"sample:{count}", i) % count for i in range(SAMPLES)]
    )
    return {
        "name": flat.name,
        "shape": list(flat.shape),
        "dtype": flat.dtype,
        "mean": _mean(flat),
        "rms": rms(flat.values),
        "samples": [flat.values[i] for i in positions],
        "layout": flat.layout,
    }


def _mean(flat: Flat) -> float:
    """Return the mean; NaN for nothing and where there is an infinity."""
    found = vector(flat.values)
    if not flat.values:
        return math.nan
    if found is not None:
        import numpy

        return math.nan if numpy.isinf(found).any() else float(found.mean())
    if any(math.isinf(value) for value in flat.values):
        return math.nan
    return math.fsum(flat.values) / len(flat.values)


def rms(values: array[float]) -> float:
    """Return the root mean square, 0 for nothing."""
    found = vector(values)
    if found is not None and len(found):
        return math.sqrt(_squares(found) / len(found))
    return math.sqrt(sum(value * value for value in values) / len(values)) if values else 0.0


def _squares(values: Any) -> float:
    """Return the sum of the squares of a numpy vector.

    Not by a product of vectors, for which numpy's BLAS starts threads: they cost more than the sum.
    """
    return float((values * values).sum())


def relative(a: Flat, b: Flat) -> float:
    """Return the relative RMS difference ||a - b|| / ||b||; infinite for unlike shapes.

    Equal infinities, as masks hold them, differ by nothing and weigh nothing.
    """
    if a.shape != b.shape:
        return math.inf
    ours, theirs = vector(a.values), vector(b.values)
    if ours is not None:
        return _relative(ours, theirs)
    unlike = [(x, y) for x, y in zip(a.values, b.values) if x != y]
    if any(math.isinf(x) or math.isinf(y) for x, y in unlike):
        return math.inf
    difference = math.sqrt(sum((x - y) * (x - y) for x, y in unlike))
    size = math.sqrt(sum(y * y for y in b.values if not math.isinf(y)))
    if size == 0.0:
        return 0.0 if difference == 0.0 else math.inf
    return difference / size


def _relative(a: Any, b: Any) -> float:
    """Return the relative RMS difference of two numpy vectors of one length."""
    import numpy

    unlike = a != b
    if numpy.isinf(a[unlike]).any() or numpy.isinf(b[unlike]).any():
        return math.inf
    gap = a[unlike] - b[unlike]
    finite = b[~numpy.isinf(b)]
    difference, size = math.sqrt(_squares(gap)), math.sqrt(_squares(finite))
    if size == 0.0:
        return 0.0 if difference == 0.0 else math.inf
    return difference / size


def blob(outputs: dict[str, Any], into: str) -> str | None:
    """Write whole outputs as `<sha256>.npz` into a directory and return the hash.

    Returns None where numpy is absent. `numpy.savez` stamps every member with one fixed date,
    so that equal outputs give equal files.
    """
    try:
        import numpy
    except ImportError:
        return None
    buffer = io.BytesIO()
    numpy.savez(buffer, **{name: numpy.asarray(outputs[name]) for name in sorted(outputs)})
    data = buffer.getvalue()
    found = hashlib.sha256(data).hexdigest()
    target = Path(into) / f"{found}.npz"
    if not target.exists():
        part = target.with_suffix(".part")
        part.write_bytes(data)
        part.replace(target)
    return found
