"""Check what a library's image processor or feature extractor makes of a fixed picture or sound.

The reference is arithmetic of our own on a picture that needs no resampling: its size is the one
that the settings ask for, so that crop, rescale and normalise alone decide. What a processor
makes of a picture that it must resize is recorded, to be compared across frameworks.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any

from . import inputs

RATE = 16000
"""Hertz of the fixed sound, where the settings name none."""

ODD = (97, 131)
"""Height and width of the picture that must be resized."""

TOLERANCE = 1e-4
"""Largest difference from the reference: float32 arithmetic in another order."""

SEED = 20260101

_KNOWN = {
    "do_resize",
    "size",
    "resample",
    "do_center_crop",
    "crop_size",
    "do_rescale",
    "rescale_factor",
    "do_normalize",
    "image_mean",
    "image_std",
    "do_convert_rgb",
    "image_processor_type",
    "feature_extractor_type",
    "processor_class",
    "data_format",
    "input_data_format",
    "device",
    "return_tensors",
    "disable_grouping",
}
"""Settings that the reference understands, or that change nothing of the numbers."""


@dataclass
class Processed:
    """How a processor's arrays differ from the reference; `told` is JSON of their numbers."""

    compared: int = 0
    worst: float = 0.0
    detail: str = ""
    told: str = ""


def is_image(settings: dict[str, Any]) -> bool:
    """Tell an image processor's settings from a feature extractor's."""
    return "sampling_rate" not in settings and "feature_size" not in settings


def samples(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the fixed pictures or sound that a processor is given, by name."""
    if not is_image(settings):
        rate = int(settings.get("sampling_rate") or RATE)
        return {"sound": inputs.floats((rate,), "processor.sound", SEED) * 0.5}
    found = {"odd": picture(*ODD)}
    fitting = fitting_size(settings)
    if fitting is not None:
        found["fitting"] = picture(*fitting)
    return found


def picture(height: int, width: int) -> Any:
    """Return a smooth picture with some noise, uint8 [height, width, 3].

    Smooth, because resampling filters differ most on noise, which no photograph is.
    """
    import numpy

    rows = numpy.linspace(0, 1, height)[:, None]
    columns = numpy.linspace(0, 1, width)[None, :]
    planes = [
        255 * (rows + columns) / 2,
        127.5 + 127.5 * numpy.sin(2 * math.pi * (2 * rows + columns)),
        255 * rows * columns,
    ]
    noise = inputs.floats((height, width, 3), "processor.picture", SEED) * 8
    return (numpy.stack(planes, axis=-1) + noise).round().clip(0, 255).astype(numpy.uint8)


def fitting_size(settings: dict[str, Any]) -> tuple[int, int] | None:
    """Return the height and width that the settings resize to; None where they say another way."""
    size = settings.get("size", settings.get("crop_size"))
    if isinstance(size, int):
        return (size, size)
    if not isinstance(size, dict):
        return None
    if "height" in size and "width" in size:
        return (int(size["height"]), int(size["width"]))
    if set(size) == {"shortest_edge"}:
        return (int(size["shortest_edge"]), int(size["shortest_edge"]))
    return None


def reference(settings: dict[str, Any], sample: Any) -> Any | None:
    """Return what a processor should make of a fitting picture or a sound; None if not known."""
    import numpy

    if not is_image(settings):
        kind = str(settings.get("feature_extractor_type"))
        if kind != "Wav2Vec2FeatureExtractor" or not settings.get("do_normalize"):
            return None
        wide = sample.astype(numpy.float64)
        return (wide - wide.mean()) / numpy.sqrt(wide.var() + 1e-7)
    if any(value not in (None, False) for name, value in settings.items() if name not in _KNOWN):
        return None
    value = sample.astype(numpy.float64)
    if settings.get("do_center_crop"):
        crop = settings.get("crop_size")
        high, wide = (crop, crop) if isinstance(crop, int) else (crop["height"], crop["width"])
        top, left = (value.shape[0] - high) // 2, (value.shape[1] - wide) // 2
        if top < 0 or left < 0:
            return None
        value = value[top : top + high, left : left + wide]
    if settings.get("do_rescale", True):
        value = value * float(settings.get("rescale_factor", 1 / 255))
    if settings.get("do_normalize"):
        mean, deviation = settings.get("image_mean"), settings.get("image_std")
        if mean is None or deviation is None:
            return None
        value = (value - numpy.array(mean)) / numpy.array(deviation)
    return numpy.moveaxis(value, -1, 0)


def look(settings: dict[str, Any], made: dict[str, dict[str, Any]]) -> Processed:
    """Compare what was made of each sample with the reference, and say what to compare later."""
    import numpy

    found = Processed()
    given = samples(settings)
    told: dict[str, Any] = {}
    for name, arrays in made.items():
        expected = None if name == "odd" else reference(settings, given[name])
        for key, value in arrays.items():
            if value.dtype.kind != "f":
                continue
            wide = value.astype(numpy.float64)
            told[f"{name}.{key}"] = {
                "shape": list(value.shape),
                "mean": float(wide.mean()),
                "rms": float(numpy.sqrt((wide * wide).mean())),
                "sha256": hashlib.sha256(value.astype("<f4").tobytes()).hexdigest(),
            }
            if expected is None or key not in ("pixel_values", "input_values"):
                continue
            got = wide.reshape(wide.shape[-expected.ndim :]) if wide.size == expected.size else None
            found.compared += 1
            if got is None or got.shape != expected.shape:
                found.worst = math.inf
                found.detail = f"; {key} is {list(value.shape)}, expected {list(expected.shape)}"
            else:
                found.worst = max(found.worst, float(numpy.abs(got - expected).max()))
    found.told = json.dumps(told, sort_keys=True)
    return found
