"""Climb the gradient of a network's layers over the picture: what a forward pass cannot prove.

The recipe's option `ascent` gives the number of steps; the hints name the layers. The climb is
the one of the TensorFlow tutorial: the layers' mean activations are summed, the gradient is
divided by its standard deviation, and the picture stays within [-1, 1]
(https://www.tensorflow.org/tutorials/generative/deepdream).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .loader import CheckResult, Job

STEP = 0.01

Note = Callable[[Any], None]
"""Takes a tensor of the framework's, to keep where it sat."""


def steps(job: Job) -> int:
    """Return how many steps the recipe asks for; 0 where it is no gradient ascent."""
    return int((job["recipe"].get("options") or {}).get("ascent", 0))


def layers(job: Job) -> list[str]:
    """Return the layers to climb, as the library names them; raises `ValueError` without any."""
    named = [str(name) for name in (job.get("hints") or {}).get("layers") or ()]
    if not named:
        raise ValueError("the recipe asks for gradient ascent and no hint names layers")
    return named


def climb(measure: Callable[[Any], tuple[float, Any]], picture: Any, count: int) -> dict[str, Any]:
    """Take steps up the gradient; returns `activation` before and after each, and `picture`.

    `measure` takes a float32 picture and returns the activation and its gradient, of the same
    shape.
    """
    import numpy

    seen = []
    for _ in range(count):
        value, slope = measure(picture)
        seen.append(value)
        slope = slope / (float(numpy.std(slope)) + 1e-8)
        picture = numpy.clip(picture + STEP * slope, -1.0, 1.0).astype("float32")
    seen.append(measure(picture)[0])
    return {"activation": numpy.array(seen, dtype="float64"), "picture": picture}


def verify(outputs: dict[str, Any]) -> CheckResult | None:
    """Return a failure unless the activation rises at every step."""
    values = [float(value) for value in outputs["activation"]]
    if all(before < after for before, after in zip(values, values[1:])):
        return None
    shown = ", ".join(f"{value:.6g}" for value in values)
    text = f"the activation does not rise at every step: {shown}"
    return CheckResult.failed("output", "activation_does_not_rise", text)


def in_torch(model: Any, picture: Any, job: Job, note: Note) -> dict[str, Any]:
    """Climb in PyTorch; `picture` is float32 [1, 3, height, width], the layers are modules.

    Each gradient is shown to `note`, which keeps where it sat.
    """
    import torch

    named = dict(model.named_modules())
    caught: list[Any] = []
    hooks = [
        named[name].register_forward_hook(lambda module, args, result: caught.append(result))
        for name in layers(job)
    ]

    def measure(values: Any) -> tuple[float, Any]:
        caught.clear()
        given = torch.from_numpy(values).to(job["device"]).requires_grad_(True)
        with torch.enable_grad():
            model(given)
            total = torch.stack([result.float().mean() for result in caught]).sum()
            (slope,) = torch.autograd.grad(total, given)
        note(slope)
        return float(total.detach()), slope.to("cpu").numpy()

    try:
        return climb(measure, picture, steps(job))
    finally:
        for hook in hooks:
            hook.remove()


def in_tensorflow(model: Any, picture: Any, job: Job, note: Note) -> dict[str, Any]:
    """Climb in Keras on TensorFlow; `picture` is float32 [1, height, width, 3]."""
    import keras
    import tensorflow

    partial = keras.Model(model.inputs, [model.get_layer(name).output for name in layers(job)])

    def measure(values: Any) -> tuple[float, Any]:
        given = tensorflow.convert_to_tensor(values)
        with tensorflow.GradientTape() as tape:
            tape.watch(given)
            found = partial(given, training=False)
            found = found if isinstance(found, (list, tuple)) else [found]
            total = tensorflow.add_n([tensorflow.reduce_mean(result) for result in found])
        slope = tape.gradient(total, given)
        note(slope)
        return float(total), slope.numpy()

    return climb(measure, picture, steps(job))


def in_keras_torch(model: Any, picture: Any, job: Job, note: Note) -> dict[str, Any]:
    """Climb in Keras on PyTorch; `picture` is float32 [1, height, width, 3]."""
    import keras
    import torch

    partial = keras.Model(model.inputs, [model.get_layer(name).output for name in layers(job)])

    def measure(values: Any) -> tuple[float, Any]:
        given = torch.from_numpy(values).to(job["device"]).requires_grad_(True)
        found = partial(given, training=False)
        found = found if isinstance(found, (list, tuple)) else [found]
        total = torch.stack([result.mean() for result in found]).sum()
        (slope,) = torch.autograd.grad(total, given)
        note(slope)
        return float(total.detach()), slope.to("cpu").numpy()

    return climb(measure, picture, steps(job))
