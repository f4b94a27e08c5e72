"""Write the lines of a snippet that make inputs as an attempt had them, from its adapter.

The adapter is the attempt's fact `inputs`: by name, in order, what each input was. Noise and
tokens are the numbers of `smoke.inputs`: SHA-256 in counter mode.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caniload.loaders.smoke import signature
from caniload.loaders.specs.places import DEFAULT_SEED

_DRAWN = ("noise", "audio", "image", "tokens")
_TAKEN = ("model", "path", "torch", "np", "hashlib", "noise", "tokens", "output", "weights")

_NOISE = """
def noise(stream, *shape):  # the recipe's numbers, in [-1, 1)
    count = int(np.prod(shape))
    names = (f"{seed}:{{stream}}:{{i}}".encode() for i in range(count // 16 + 1))
    drawn = b"".join(hashlib.sha256(name).digest() for name in names)
    values = np.frombuffer(drawn, dtype=">u2")[:count] / 32768 - 1
    return torch.tensor(values.reshape(shape), dtype=torch.float32)
"""

_TOKENS = """
def tokens(stream, low, high, *shape):  # the recipe's integers, in [low, high)
    names = (f"{seed}:{{stream}}:{{i}}".encode() for i in range(int(np.prod(shape))))
    drawn = (int.from_bytes(hashlib.sha256(name).digest(), "big") for name in names)
    return torch.tensor([low + each % (high - low) for each in drawn]).reshape(shape)
"""


@dataclass(frozen=True)
class Arrays:
    """Hold the parts of a snippet: imports, functions, one line an input, the call's arguments."""

    imports: tuple[str, ...]
    functions: tuple[str, ...]
    lines: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def call(self) -> str:
        """The arguments by position."""
        return ", ".join(self.names)


def in_torch(locator: Mapping[str, Any], default: Mapping[str, Any]) -> Arrays:
    """Return the lines that make an attempt's inputs in PyTorch; `default` where none is known."""
    given = locator.get("inputs")
    adapter = json.loads(given) if isinstance(given, str) else (given or default)
    seed = int((locator.get("recipe") or {}).get("seed", DEFAULT_SEED))
    lines, names, drawn, kinds = [], [], 0, set()
    for name, spec in adapter.items():
        kind = str(spec.get("kind", "value" if "value" in spec else "noise"))
        stream = str(spec.get("stream", f"input.{drawn}"))
        drawn += kind in _DRAWN
        kinds.add("tokens" if kind == "tokens" else "noise" if kind in _DRAWN else kind)
        names.append(_variable(name))
        lines.append(f"{names[-1]} = {_value(kind, spec, stream)}")
    functions: list[str] = []
    if "noise" in kinds:
        functions += [*_NOISE.format(seed=seed).splitlines(), ""]
    if "tokens" in kinds:
        functions += [*_TOKENS.format(seed=seed).splitlines(), ""]
    imports = ("import hashlib", "", "import numpy as np") if functions else ()
    return Arrays(imports, tuple([*functions, ""] if functions else []), tuple(lines), tuple(names))


def _variable(name: str) -> str:
    """Return a Python name for an input's."""
    found = re.sub(r"\W", "_", name)
    return f"{found}_" if found in _TAKEN or keyword.iskeyword(found) else found


def _value(kind: str, spec: Mapping[str, Any], stream: str) -> str:
    """Return the expression that makes one input."""
    dtype = spec.get("dtype")
    if kind == "value":
        held = repr(spec["value"])
        return f"torch.tensor({held}, dtype=torch.{dtype})" if dtype else held
    shape = [int(extent) for extent in spec.get("shape") or ()]
    if kind in ("zeros", "ones"):
        return f"torch.{kind}({shape}{f', dtype=torch.{dtype}' if dtype else ''})"
    if kind == "tokens":
        made = f'tokens("{stream}", {spec.get("low", 1)}, {spec.get("high", 100)}, {_row(shape)})'
        return made + _cast(dtype, "int64")
    if kind not in _DRAWN:
        return f"...  # {kind}: see --inputs"
    left = int(spec.get("pad_left", 0))
    where = signature.layout(tuple(shape))
    if where in ("NCHW", "NCDHW"):
        last = [shape[0], *shape[2:], shape[1]]
        turned = [0, len(shape) - 1, *range(1, len(shape) - 1)]
        made = f'noise("{stream}", {_row(last)}).permute({_row(turned)}).contiguous()'
    else:
        made = f'noise("{stream}", {_row([*shape[:-1], shape[-1] - left] if left else shape)})'
    if spec.get("range") is not None:
        low, high = (float(bound) for bound in spec["range"])
        made = f"({made} + 1) * {(high - low) / 2} + {low}"
    if left:
        made = f"torch.nn.functional.pad({made}, ({left}, 0))"
    return made + _cast(dtype, "float32")


def _row(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in numbers)


def _cast(dtype: Any, held: str) -> str:
    return f".to(torch.{dtype})" if dtype and dtype != held else ""
