"""Make inputs for a Hugging Face model: what its main input is, as large as its configuration says.

Pictures and sounds are the first stream of `signature`, so that an export of the model, which
knows no configuration, is asked the same.
"""

from __future__ import annotations

from typing import Any

from . import artefact, inputs, signature
from .failure import NeedsInputs

KINDS = {
    "input_ids": "tokens",
    "pixel_values": "pixels",
    "input_values": "audio",
    "input_features": "features",
}
"""Kind of inputs by the model's main input."""

CONTRASTIVE = ("align", "altclip", "chinese_clip", "clip", "groupvit", "siglip", "siglip2")
"""Model types that cannot run on texts alone: they compare them with pictures."""

FRAMES = 100
"""Frames of audio features where the model takes any number."""


def make(main: str, job: dict[str, Any], seed: int, encoder_decoder: bool) -> dict[str, Any]:
    """Return inputs by name for a model whose main input is `main`.

    An adapter's inputs come instead. Raises `NeedsInputs` where neither says what to make.
    """
    adapter = (job.get("hints") or {}).get("inputs") or {}
    if adapter:
        declared = [
            signature.Declared(
                name, tuple(spec.get("shape") or ()), str(spec.get("dtype", "float32"))
            )
            for name, spec in adapter.items()
        ]
        return signature.make(declared, job, seed)
    config = artefact.config(artefact.root(job))
    recipe = job["recipe"]
    kind = inputs.kind(recipe, KINDS.get(main, main))
    if kind == "pixels":
        made = pixels(config, recipe, seed)
    elif kind == "audio":
        made = {"input_values": sound(config, seed)}
    elif kind == "features":
        made = {"input_features": features(config, seed)}
    elif kind == "tokens":
        made = inputs.tokens(_vocabulary(job, main), recipe, seed)
        if config.get("model_type") in CONTRASTIVE:
            made.update(pixels({**config, **_part(config, "vision_config")}, recipe, seed))
    else:
        raise NeedsInputs(f"nothing here makes {main!r}; give --inputs")
    if encoder_decoder and kind == "tokens":
        made["decoder_input_ids"] = made["input_ids"]
    elif encoder_decoder:
        rows = len(next(iter(made.values())))
        ids = inputs.tokens(_vocabulary(job, "decoder_input_ids"), recipe, seed)["input_ids"]
        made["decoder_input_ids"] = ids[:rows]
    return made


def pixels(config: dict[str, Any], recipe: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return one picture, or one clip where the configuration counts frames."""
    import numpy

    config = {**_part(config, "encoder"), **config}
    frames = config.get("num_frames")
    if not isinstance(frames, int):
        return inputs.pixels(config, recipe, seed)
    size = config.get("image_size") or 224
    height, width = size if isinstance(size, (list, tuple)) else (size, size)
    shape = (1, frames, int(height), int(width), int(config.get("num_channels") or 3))
    values = numpy.moveaxis(inputs.floats(shape, "input.0", seed), -1, 2)
    return {"pixel_values": numpy.ascontiguousarray(values)}


def sound(config: dict[str, Any], seed: int) -> Any:
    """Return one second of noise, or a spectrogram for models that take one as `input_values`."""
    bins, length = config.get("num_mel_bins"), config.get("max_length")
    if isinstance(bins, int) and isinstance(length, int):
        return inputs.floats((1, length, bins), "input.0", seed)
    return inputs.floats((1, signature.SAMPLES), "input.0", seed)


def features(config: dict[str, Any], seed: int) -> Any:
    """Return audio features in the shape that the configuration's kind of encoder takes."""
    config = {**_part(config, "encoder"), **config}
    bins, positions = config.get("num_mel_bins"), config.get("max_source_positions")
    if isinstance(bins, int) and isinstance(positions, int):
        return inputs.floats((1, bins, 2 * positions), "input.0", seed)
    width = config.get("input_feat_per_channel") or config.get("feature_projection_input_dim")
    if isinstance(width, int):
        wide = width * int(config.get("input_channels", 1) or 1)
        return inputs.floats((1, FRAMES, wide), "input.0", seed)
    raise NeedsInputs("config.json does not say how many audio features the model takes")


def _vocabulary(job: dict[str, Any], name: str) -> inputs.TokenFacts:
    """Return what is known of the vocabulary, also where it is the decoder's."""
    facts = artefact.token_facts(artefact.root(job))
    if facts is not None:
        return facts
    decoder = _part(artefact.config(artefact.root(job)), "decoder")
    size, longest = decoder.get("vocab_size"), decoder.get("max_position_embeddings")
    if not isinstance(size, int) or size < 2:
        raise NeedsInputs(f"no config.json says how large the vocabulary of {name!r} is")
    return inputs.TokenFacts(size, max_length=longest if isinstance(longest, int) else None)


def _part(config: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a nested configuration, or {}."""
    found = config.get(name)
    return found if isinstance(found, dict) else {}
