"""torchvision: every member of its weights enums: pictures, detection, video, quantised.

A size is stated in MiB with three decimals, so `size_bytes` is right to 525 bytes; the hash is
the start of the sha256 that the file's name states.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from .lines import emit, joined, source

TASKS = {
    "torchvision.models.segmentation": ("image-segmentation",),
    "torchvision.models.video": ("video-classification",),
    "torchvision.models.optical_flow": (),
    "torchvision.models.detection.mask_rcnn": ("image-segmentation", "object-detection"),
    "torchvision.models.detection.keypoint_rcnn": ("keypoint-detection", "object-detection"),
    "torchvision.models.detection": ("object-detection",),
    "torchvision.models": ("image-classification",),
}
"""What the models below a module do; the first that matches. No task word means optical flow."""


def main() -> None:
    """Emit one line a member of an enum."""
    emit("torchvision", "torchvision", _members())


def _members() -> Iterator[dict[str, Any]]:
    from torchvision.models import get_model_builder, get_model_weights, list_models

    for builder in list_models():
        module = get_model_builder(builder).__module__
        for one in get_model_weights(builder):
            meta = one.meta
            stated = re.search(r"-([a-f0-9]{8,64})\.\w+\Z", one.url)
            parent = meta.get("unquantized")
            yield source(
                f"torchvision:{one}",
                str(one),
                architecture=builder,
                parent=f"torchvision:{parent}" if parent else None,
                tasks=_tasks(module),
                frameworks=["pytorch"],
                loaders=["torchvision"],
                formats=["torchvision"],
                parameters=meta["num_params"],
                size_bytes=round(meta["_file_size"] * 2**20),
                hash=f"sha256:{stated.group(1)}" if stated else None,
                url=one.url,
                metrics={
                    f"{data} {name}": number
                    for data, numbers in meta["_metrics"].items()
                    for name, number in numbers.items()
                    if math.isfinite(number)
                },
                facts=_facts(one),
            )


def _tasks(module: str) -> list[str]:
    return next(
        list(tasks)
        for prefix, tasks in TASKS.items()
        if module == prefix or module.startswith(f"{prefix}.")
    )


def _facts(one: Any) -> dict[str, Any]:
    """Return what the enum says besides; sizes are those that its own transforms give."""
    meta, transforms = one.meta, one.transforms()
    return {
        "default": 1 if one is getattr(type(one), "DEFAULT", None) else None,
        "file_size_mib": meta["_file_size"],
        "giga_operations": meta.get("_ops"),
        "categories": len(meta.get("categories") or ()) or None,
        "keypoints": len(meta.get("keypoint_names") or ()) or None,
        "min_size": _plain(meta["min_size"]),
        "min_frames": meta.get("min_temporal_size"),
        "backend": meta.get("backend"),
        "crop_size": _plain(getattr(transforms, "crop_size", None)),
        "resize_size": _plain(getattr(transforms, "resize_size", None)),
        "mean": joined(transforms.mean) if hasattr(transforms, "mean") else None,
        "std": joined(transforms.std) if hasattr(transforms, "std") else None,
        "recipe": meta.get("recipe"),
        "licence_page": meta.get("license"),
    }


def _plain(size: Any) -> Any:
    """Write a size as one number where it is one."""
    if size is None or isinstance(size, int):
        return size
    return size[0] if len(size) == 1 else "x".join(map(str, size))
