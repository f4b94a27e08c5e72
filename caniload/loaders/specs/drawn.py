"""Write the lines of a snippet that draw the inputs which the worker drew for the same model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caniload.loaders.smoke import signature
from caniload.loaders.specs.places import DEFAULT_SEED

_ONE, _LENGTH, _SIZE = signature.BATCH, signature.LENGTH, signature.SIZE


def seed(locator: Mapping[str, Any]) -> int:
    """Return the seed of the recorded recipe."""
    return int((locator.get("recipe") or {}).get("seed", DEFAULT_SEED))


def noise(locator: Mapping[str, Any]) -> list[str]:
    """Define `noise(shape, index)`: uniform numbers in [-1, 1) for the input at a position.

    SHA-256 in counter mode, as `smoke.inputs.uniform`; extents that vary get the worker's sizes.
    """
    return [
        "",
        "def noise(shape, index):",
        f"    usual = {{1: ({signature.SAMPLES},), 2: ({_ONE}, {signature.SAMPLES}), "
        f"3: ({_ONE}, {_LENGTH}, {_LENGTH}),",
        f"             4: ({_ONE}, {_SIZE}, {_SIZE}, 3)}}.get(len(shape), (1,) * len(shape))",
        "    shape = [extent or then for extent, then in zip(shape, usual)]",
        "    count = int(np.prod(shape))",
        f'    keys = [f"{seed(locator)}:input.{{index}}:{{i}}" for i in range(count // 16 + 1)]',
        '    drawn = b"".join(hashlib.sha256(key.encode()).digest() for key in keys)',
        '    values = np.frombuffer(drawn, dtype=">u2")[:count] / 32768 - 1',
        '    return values.astype("float32").reshape(shape)',
        "",
        "",
    ]


def wav(locator: Mapping[str, Any]) -> list[str]:
    """Define `wav(index)`: the bytes of a second of 16-bit noise at 16 kHz, by `noise`."""
    rate = signature.RATE
    return [
        "def wav(index):",
        "    buffer = io.BytesIO()",
        '    with wave.open(buffer, "wb") as file:',
        "        file.setnchannels(1)",
        "        file.setsampwidth(2)",
        f"        file.setframerate({rate})",
        f'        levels = noise([{rate}], index).astype("float64") * 16384',
        '        file.writeframes(levels.astype("<i2").tobytes())',
        "    return buffer.getvalue()",
        "",
        "",
    ]
