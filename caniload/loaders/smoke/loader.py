"""What every loader of the worker offers; one file a loader, each with a class `Loader`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Job = dict[str, Any]
"""The parent's job as it came: see `worker` for the keys."""


@dataclass
class CheckResult:
    """Result of one check, in the words of the parent's record."""

    name: str
    status: str
    detail: str = ""
    numbers: dict[str, float] = field(default_factory=dict)

    @classmethod
    def not_applicable(cls, name: str, why: str) -> CheckResult:
        """State that a check has nothing to look at, and why."""
        return cls(name, "not_applicable", why)

    @classmethod
    def failed(cls, name: str, code: str, text: str, **numbers: float) -> CheckResult:
        """State that a check failed; `code` opens the detail, as in `wrong_device: ...`."""
        return cls(name, "failed", f"{code}: {text}", dict(numbers))

    def as_dict(self) -> dict[str, Any]:
        """Return the fields of the parent's `Check` record."""
        return {
            "name": self.name,
            "status": self.status,
            "detail": self.detail,
            "numbers": self.numbers,
        }


def counted(name: str, job: Job) -> bool:
    """Tell whether a listing is to count an architecture's parameters, or to name it alone."""
    only = (job.get("hints") or {}).get("only") or ()
    return not only or any(word in name for word in only)


class Loader:
    """Base of all loaders. A subclass says how one public API imports, loads and runs.

    `frameworks` are the runtimes it serves. `modules` names, by framework, the top-level
    modules whose absence means `not_installed`. Outputs are numpy arrays by name; those that
    other loaders of the same model also give carry the shared names (`last_hidden_state`,
    `sentence_embedding`).
    """

    frameworks: tuple[str, ...] = ()
    modules: dict[str, tuple[str, ...]] = {}  # noqa: RUF012 (py3.9: ClassVar adds nothing here)
    tf32: bool | None = None
    channels_first = False
    """Whether the model was given pictures channels-first: then its maps are so, too."""

    def import_(self, job: Job) -> None:
        """Import the library; whatever it raises is the finding."""
        raise NotImplementedError

    def load(self, job: Job) -> Any:
        """Load the artefact on the job's device, or build it with random weights."""
        raise NotImplementedError

    def inputs(self, loaded: Any, job: Job, seed: int) -> dict[str, Any]:
        """Make the inputs that the recipe names; the same for every loader."""
        raise NotImplementedError

    def run(self, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        """Run once and return numpy arrays by output name."""
        raise NotImplementedError

    def weights(self, loaded: Any, job: Job) -> CheckResult:
        """Check that the live weights are the artefact's."""
        raise NotImplementedError

    def device(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult:
        """Check that weights and outputs sit on the device asked for."""
        raise NotImplementedError

    def device_facts(self, job: Job) -> dict[str, Any]:
        """Describe the device that is really used; fields of the parent's `Device`."""
        from .devices import describe

        return describe(job["device"])

    def reset(self, loaded: Any, job: Job) -> None:
        """Bring back the state after loading, so that one input gives one output."""

    def preprocess(self, loaded: Any, job: Job, texts: tuple[str, ...]) -> list[list[int]] | None:
        """Return the library's own token ids without special tokens, or None if it has none."""
        return None

    def process(self, loaded: Any, job: Job, sample: Any) -> dict[str, Any] | None:
        """Return numpy arrays that the library's processor makes of a picture or a sound.

        Pictures are uint8 [height, width, 3], sounds float32. None where it has no processor.
        """
        return None

    def facts(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State what was loaded: class, dtype, parameters, …; numbers become numbers."""
        return {}

    def ran(self, loaded: Any, job: Job) -> dict[str, Any]:
        """State what the first run showed, as the inputs that were found to fit."""
        return {}

    def padded(self, loaded: Any, inputs: dict[str, Any]) -> list[int] | None:
        """Return the count of real positions of each row, for outputs that follow positions."""
        mask = inputs.get("attention_mask")
        if mask is None:
            return None
        return [int(sum(int(flag) for flag in row)) for row in mask]

    def layout(self, name: str, value: Any) -> str | None:
        """Return the layout of an output that is to be turned channels-last, else None."""
        rank = len(getattr(value, "shape", ()))
        return {4: "NCHW", 5: "NCDHW"}.get(rank) if self.channels_first else None

    def verify(self, loaded: Any, outputs: dict[str, Any], job: Job) -> CheckResult | None:
        """Return the failure of what the recipe asks of the outputs beyond the usual, if any."""
        return None

    def architectures(self, job: Job) -> Iterator[dict[str, Any]]:
        """Yield what the library builds by name: `name`, and `parameters` or `omitted`."""
        raise NotImplementedError("this loader builds nothing by name")

    def own_dtype(self, name: str) -> str | None:
        """Return the dtype in which the model has an output, where `run` gives another one."""
        return None

    def export(self, loaded: Any, job: Job) -> None:
        """Write the model to `job["export_to"]` in `job["export_format"]`."""
        raise NotImplementedError(f"this loader exports nothing to {job['export_format']}")
