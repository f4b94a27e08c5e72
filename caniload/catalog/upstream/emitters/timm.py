"""timm: every pretrained tag with its configuration, and the parameters of the model it builds.

Parameters are counted on PyTorch's meta device, where no weight has a value. A tag whose number
of classes is that of a label set that timm knows classifies pictures; one without a classifier
gives features; what another number means (CLIP's projections, for one) timm does not say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .lines import emit, joined, source

DRAWS = (
    "add_",
    "clamp_",
    "div_",
    "erfinv_",
    "fill_",
    "mul_",
    "normal_",
    "sub_",
    "uniform_",
    "zero_",
)
"""What initialisers call on a tensor. On the meta device each costs milliseconds for nothing."""


def main() -> None:
    """Emit one line a tag."""
    emit("timm", "timm", _tags())


def _tags() -> Iterator[dict[str, Any]]:
    from timm.data import infer_imagenet_subset
    from timm.models import get_pretrained_cfg

    import timm

    _skip_values()
    counted: dict[Any, int | None] = {}
    for name in timm.list_pretrained():
        config = get_pretrained_cfg(name)
        fixed = config.input_size if config.fixed_input_size else None
        key = (config.architecture, config.num_classes, fixed)
        if key not in counted:
            counted[key] = _parameters(name)
        labels = infer_imagenet_subset(config.to_dict()) if config.num_classes else None
        yield source(
            f"timm:{name}",
            name,
            architecture=config.architecture,
            tasks=_tasks(config.num_classes, labels),
            frameworks=["pytorch"],
            loaders=["timm"],
            parameters=counted[key],
            licence=None if config.license == "unknown" else config.license,
            **_place(config),
            facts=_facts(config, labels),
        )


def _tasks(classes: int, labels: str | None) -> list[str]:
    if classes == 0:
        return ["image-feature-extraction"]
    return ["image-classification"] if labels else []


def _place(config: Any) -> dict[str, Any]:
    """Return the address of weights that are not on Hugging Face, with the hash in its name."""
    if config.hf_hub_id:
        return {}
    stated = re.search(r"-([a-f0-9]{8,64})\.\w+\Z", config.url)
    return {"url": config.url, "hash": f"sha256:{stated.group(1)}" if stated else None}


def _facts(config: Any, labels: str | None) -> dict[str, Any]:
    """Return what the configuration says; the repository is one of Hugging Face."""
    return {
        "repository": config.hf_hub_id or None,
        "classes": config.num_classes,
        "labels": labels,
        "input_size": _size(config.input_size),
        "test_input_size": _size(config.test_input_size),
        "crop": config.crop_pct,
        "test_crop": config.test_crop_pct,
        "interpolation": config.interpolation,
        "mean": joined(config.mean),
        "std": joined(config.std),
        "paper": _text(config.paper_ids),
        "origin": config.origin_url,
    }


def _size(size: tuple[int, ...] | None) -> str | None:
    return "x".join(map(str, size)) if size else None


def _text(said: Any) -> str | None:
    return " ".join(said) if isinstance(said, (list, tuple)) else said


def _parameters(name: str) -> int:
    """Build a tag's model without values and count its parameters."""
    import torch

    import timm

    with torch.device("meta"):
        model = timm.create_model(name, pretrained=False)
    return sum(parameter.numel() for parameter in model.parameters())


def _skip_values() -> None:
    """Make initialisers leave a meta tensor as it is: ten times faster, and it has no values."""
    import torch

    for name in DRAWS:
        setattr(torch.Tensor, name, _unless_meta(getattr(torch.Tensor, name)))


def _unless_meta(method: Any) -> Any:
    def drawn(tensor: Any, *arguments: Any, **options: Any) -> Any:
        return tensor if tensor.is_meta else method(tensor, *arguments, **options)

    return drawn
