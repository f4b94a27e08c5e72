"""transformers on JAX, up to 4: Flax classes, which convert PyTorch's files at load."""

from __future__ import annotations

from typing import Any

from . import artefact, converted, pickles, tree, weights
from .devices import describe, split
from .loader import CheckResult, Job


class Side:
    """What differs on JAX."""

    tensors = "jax"
    tf32: bool | None = None

    def import_(self, job: Job) -> None:
        """Import JAX; on CUDA, exact float32."""
        import jax

        self.seen: set[str] = set()
        if split(job["device"])[0] == "cuda":
            jax.config.update("jax_default_matmul_precision", "highest")
            self.tf32 = False

    def load(self, cls: Any, options: dict[str, Any], job: Job) -> Any:
        """Call `from_pretrained` on the weights of the artefact's format."""
        import jax

        form = job["artefact"].get("format")
        options.update(converted.conversion(job))
        if job["recipe"].get("dtype", "auto") != "auto":
            options["dtype"] = getattr(jax.numpy, job["recipe"]["dtype"])
        if form == "bin" and options.get("from_pt"):
            pickles.refuse_unsafe(artefact.pickle_files(artefact.folder(job), None), job)
        home = converted.alone(artefact.root(job), form, job)
        with jax.default_device(_device(job)):
            return cls.from_pretrained(str(home), **options)

    def random(self, build: Any, config: Any, job: Job) -> Any:
        """Build with random weights from the recipe's seed."""
        import jax

        with jax.default_device(_device(job)):
            return build(config)

    def call(self, loaded: Any) -> Any:
        """Return what names the model's inputs."""
        return type(loaded).__call__

    def run(self, loaded: Any, given: dict[str, Any], job: Job) -> dict[str, Any]:
        """Call the model once without training."""
        import jax

        with jax.default_device(_device(job)):
            result = loaded(**given, train=False, return_dict=True)
        found = tree.results(result, _is_array)
        self.seen = {_place(value) for value in found.values()}
        return {name: self.to_numpy(value) for name, value in found.items()}

    def seed(self, seed: int) -> None:
        """JAX keeps no global state; the classes take their own seed."""

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Find each parameter and each statistic among the file's values."""
        stored = converted.digests(artefact.root(job), job["artefact"].get("format"))
        if not stored:
            text = "the artefact holds no weight file that can be read to compare"
            return CheckResult.failed("weights", "weights_unread", text)
        live = {name: weights.digest(value) for name, value in _leaves(loaded.params)}
        return weights.compare_values(stored, live)

    def device(self, loaded: Any, job: Job) -> CheckResult:
        """Parameters and outputs sit where they were asked to."""
        found = {_place(value) for _, value in _leaves(loaded.params)} | self.seen
        kind, index = split(job["device"])
        wanted = kind if kind == "cpu" else f"{kind}:{index or 0}"
        wrong = sorted(found - {wanted})
        if wrong:
            text = f"asked for {job['device']}, found {wrong[0]}"
            return CheckResult.failed("device", "wrong_device", text)
        return CheckResult("device", "passed", f"parameters and outputs on {wanted}")

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device."""
        return describe(job["device"])

    def to_numpy(self, value: Any) -> Any:
        """Return an array as numpy; bfloat16 widens to float32."""
        import numpy

        held = numpy.asarray(value)
        return held if held.dtype.kind in "fiubc" else held.astype("float32")

    def facts(self, loaded: Any) -> dict[str, Any]:
        """State the computation's dtype and the parameters."""
        return {
            "dtype": str(getattr(loaded.dtype, "__name__", loaded.dtype)),
            "parameters": int(sum(value.size for _, value in _leaves(loaded.params))),
        }


def _device(job: Job) -> Any:
    """Return JAX's device of the job; raises where there is none."""
    import jax

    kind, index = split(job["device"])
    return jax.devices(kind)[index or 0]


def _leaves(params: Any) -> list[tuple[str, Any]]:
    """List parameters and statistics by their path in the tree."""
    found: list[tuple[str, Any]] = []
    rows: list[tuple[str, Any]] = [("", params)]
    while rows:
        name, item = rows.pop()
        if hasattr(item, "items"):
            rows += [(f"{name}/{key}" if name else str(key), value) for key, value in item.items()]
        else:
            found.append((name, item))
    return sorted(found)


def _is_array(value: Any) -> bool:
    """Tell an array of JAX."""
    import jax

    return isinstance(value, jax.Array)


def _place(value: Any) -> str:
    """Name an array's device as jobs do; numpy arrays sit on the host."""
    if not hasattr(value, "devices"):
        return "host memory"
    (found,) = value.devices()
    kind = found.platform
    return "cpu" if kind == "cpu" else f"{'cuda' if kind == 'gpu' else kind}:{found.id}"
