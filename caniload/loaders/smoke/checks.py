"""The five checks that tell a pass from a load without an exception."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import artefact, fingerprint, processors, wordpiece
from .failure import NeedsInputs, one_line
from .inputs import HARD_TEXTS, TEXTS
from .loader import CheckResult, Job, Loader

SAME_INPUT = 1e-6
"""Largest relative RMS difference that the same input, run again after a reset, may show."""

OTHER_INPUT = 1e-5
"""Smallest relative RMS difference that another input must show in at least one output.

A randomly initialised MobileNetV2 answers every image alike up to 1e-10: no evidence.
"""


@dataclass
class Tried:
    """What an attempt has in hand when it comes to be checked."""

    loader: Loader
    loaded: Any
    job: Job
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    flats: dict[str, fingerprint.Flat] = field(default_factory=dict)
    print: dict[str, Any] | None = None
    facts: dict[str, str] = field(default_factory=dict)
    forward_seconds: float = 0.0
    """What running again took, within the checks: not a cost of checking itself."""

    def __post_init__(self) -> None:
        """Flatten the outputs, padding zeroed."""
        self.flats = self.flatten(self.outputs, self.inputs)

    @property
    def seed(self) -> int:
        """The recipe's seed."""
        return int(self.job["recipe"]["seed"])

    def flatten(self, outputs: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
        """Flatten outputs that came from the given inputs."""
        real = self.loader.padded(self.loaded, inputs)
        flats = {
            name: fingerprint.flatten(name, value, real, self.loader.layout(name, value))
            for name, value in outputs.items()
        }
        for name, flat in flats.items():
            flat.dtype = self.loader.own_dtype(name) or flat.dtype
        return flats

    def run(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Run once from the state after loading, outputs under the names that they share."""
        began = time.perf_counter()
        outputs = run(self.loader, self.loaded, inputs, self.job)
        self.forward_seconds += time.perf_counter() - began
        return outputs


def run(loader: Loader, loaded: Any, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
    """Reset, run, and give outputs the names that the adapter says, if it says any."""
    loader.reset(loaded, job)
    outputs = loader.run(loaded, inputs, job)
    names = (job.get("hints") or {}).get("outputs") or {}
    if not names:
        return outputs
    lacking = sorted(set(names.values()) - set(outputs))
    if lacking:
        raise NeedsInputs(
            f"the adapter names the output {lacking[0]!r}; outputs are {sorted(outputs)}"
        )
    return {shared: outputs[own] for shared, own in names.items()}


def weights(tried: Tried) -> CheckResult:
    """The live weights are the artefact's."""
    if tried.job["recipe"].get("weights") == "random":
        return CheckResult.not_applicable("weights", "the recipe asks for random weights")
    return tried.loader.weights(tried.loaded, tried.job)


def device(tried: Tried) -> CheckResult:
    """Weights and outputs sit on the device asked for."""
    return tried.loader.device(tried.loaded, tried.outputs, tried.job)


def output(tried: Tried) -> CheckResult:
    """Outputs are finite, depend on the input, and on nothing else."""
    name = "output"
    if not any(flat.values for flat in tried.flats.values()):
        return CheckResult.failed(name, "no_output", "the model returned no numbers")
    loader, loaded, job = tried.loader, tried.loaded, tried.job
    if found := _nonfinite(tried, tried.flats):
        return found
    other_inputs = loader.inputs(loaded, job, tried.seed + 1)
    other = tried.flatten(tried.run(other_inputs), other_inputs)
    again = tried.flatten(tried.run(tried.inputs), tried.inputs)
    if found := _nonfinite(tried, other) or _nonfinite(tried, again):
        return found
    if found := loader.verify(loaded, tried.outputs, job):
        return found
    changed = {key: _difference(other.get(key), flat) for key, flat in tried.flats.items()}
    repeated = {key: _difference(again.get(key), flat) for key, flat in tried.flats.items()}
    numbers = {"other_input": max(changed.values()), "same_input": max(repeated.values())}
    if numbers["same_input"] > SAME_INPUT:
        text = f"the same input again gives a relative difference of {numbers['same_input']:.3g}"
        return CheckResult.failed(name, "nondeterministic", text, **numbers)
    if numbers["other_input"] < OTHER_INPUT:
        text = f"another input changes the outputs by {numbers['other_input']:.3g} relative only"
        return CheckResult.failed(name, "degenerate_output", text, **numbers)
    constant = sorted(key for key, value in changed.items() if value < OTHER_INPUT)
    detail = "finite; another input differs; the same input agrees"
    if constant:
        detail += f"; constant: {', '.join(constant)}"
    return CheckResult(name, "passed", detail, numbers)


def _nonfinite(tried: Tried, flats: dict[str, fingerprint.Flat]) -> CheckResult | None:
    """Return a failure for NaN, or for infinities that the recipe does not declare."""
    infinite = set(tried.job["recipe"].get("options", {}).get("infinite_outputs", []))
    for flat in flats.values():
        bad = fingerprint.bad_values(flat, flat.name in infinite)
        if bad:
            text = f"{bad} of {len(flat.values)} values of {flat.name} are NaN or infinite"
            return CheckResult.failed("output", "nonfinite_output", text, nonfinite=float(bad))
    return None


def _difference(a: fingerprint.Flat | None, b: fingerprint.Flat) -> float:
    """Return the relative difference, infinite for an output that is gone."""
    return math.inf if a is None else fingerprint.relative(a, b)


def fingerprints(tried: Tried) -> CheckResult:
    """Outputs have names, shapes and numbers that agreement can be computed from."""
    job = tried.job
    prints = [fingerprint.print_of(flat, tried.seed) for _, flat in sorted(tried.flats.items())]
    if not any(item["samples"] for item in prints):
        return CheckResult.failed("fingerprint", "no_output", "there is nothing to fingerprint")
    blob = fingerprint.blob(tried.outputs, job["blob_to"]) if job.get("blob_to") else None
    tried.print = {
        "recipe_hash": job["recipe_hash"],
        "outputs": prints,
        "blob_sha256": blob,
        "tf32": tried.loader.tf32,
    }
    count = float(sum(len(item["samples"]) for item in prints))
    detail = ", ".join(f"{item['name']} {item['shape']}" for item in prints)
    return CheckResult("fingerprint", "passed", detail[:1000], {"samples": count})


def preprocessing(tried: Tried) -> CheckResult:
    """The library's token ids and pixels are those that the artefact's own files describe."""
    results = [part(tried) for part in (_tokenized, _processed)]
    failed = [result for result in results if result.status == "failed"]
    if failed:
        return failed[0]
    passed = [result for result in results if result.status == "passed"]
    said = [result for result in passed or results if result.detail]
    numbers = {name: value for result in results for name, value in result.numbers.items()}
    detail = "; ".join(dict.fromkeys(result.detail for result in said))
    return CheckResult("preprocessing", (passed or results)[0].status, detail, numbers)


def _tokenized(tried: Tried) -> CheckResult:
    """Compare the library's token ids with those of the tokenizer's files."""
    name = "preprocessing"
    home = artefact.transformer_dir(artefact.folder(tried.job))
    expected = wordpiece.reference(home)
    try:
        ids = tried.loader.preprocess(tried.loaded, tried.job, TEXTS + HARD_TEXTS)
    except Exception as exc:  # noqa: BLE001 (the finding is that it raises)
        if expected is not None:
            text = f"the tokenizer raised {one_line(exc)}"
            return CheckResult.failed(name, "preprocessing_error", text)
        return CheckResult.not_applicable(name, f"no tokenizer loads: {one_line(exc)}")
    if ids is None:
        return CheckResult.not_applicable(name, "this loader takes tensors, not texts")
    tried.facts["token_ids"] = json.dumps(ids)
    if expected is None:
        why = "ids recorded; no reference of our own for this kind of tokenizer"
        return CheckResult.not_applicable(name, why)
    due = [expected.ids(text) for text in TEXTS + HARD_TEXTS]
    wrong = [
        f"{text!r} gives {got[:24]}, not {right[:24]}"
        for text, got, right in zip(TEXTS + HARD_TEXTS, ids, due)
        if got != right
    ]
    plain = sum(1 for _, got, right in zip(TEXTS, ids, due) if got != right)
    numbers = {
        "texts": float(len(TEXTS)),
        "mismatched": float(plain),
        "hard_texts": float(len(HARD_TEXTS)),
        "hard_mismatched": float(len(wrong) - plain),
    }
    if plain:
        text = f"{plain} of {len(TEXTS)} texts differ; {wrong[0]}"
        return CheckResult.failed(name, "preprocessing_mismatch", text, **numbers)
    detail = f"ids of {len(TEXTS)} texts are those that the tokenizer's files give"
    if wrong:
        detail += f"; accents or ideographs differ: {wrong[0]}"
    return CheckResult(name, "passed", detail, numbers)


def _processed(tried: Tried) -> CheckResult:
    """Compare what the library's processor makes of a fixed picture or sound."""
    name = "preprocessing"
    home = artefact.transformer_dir(artefact.folder(tried.job))
    settings = artefact.read_json(home / "preprocessor_config.json")
    if not settings:
        return CheckResult.not_applicable(name, "")
    try:
        made = {
            key: tried.loader.process(tried.loaded, tried.job, sample)
            for key, sample in processors.samples(settings).items()
        }
    except ImportError as exc:
        return CheckResult.not_applicable(name, f"no processor loads here: {one_line(exc)}")
    except Exception as exc:  # noqa: BLE001 (the finding is that it raises)
        text = f"the processor raised {one_line(exc)}"
        return CheckResult.failed(name, "preprocessing_error", text)
    arrays = {key: value for key, value in made.items() if value is not None}
    if not arrays:
        return CheckResult.not_applicable(name, "this loader has no processor")
    found = processors.look(settings, arrays)
    tried.facts["processed"] = found.told
    if not found.compared:
        why = "numbers recorded; no reference of our own for these settings"
        return CheckResult.not_applicable(name, why)
    numbers = {"processed": float(found.compared), "processed_difference": found.worst}
    if not found.worst <= processors.TOLERANCE:
        text = f"the processor's numbers are off by {found.worst:.3g}{found.detail}"
        return CheckResult.failed(name, "preprocessing_mismatch", text, **numbers)
    detail = f"the processor's numbers are those that its settings give ({found.worst:.1e})"
    return CheckResult(name, "passed", detail, numbers)


CHECKS: dict[str, Callable[[Tried], CheckResult]] = {
    "weights": weights,
    "device": device,
    "output": output,
    "fingerprint": fingerprints,
    "preprocessing": preprocessing,
}
"""The checks in the order in which they run; the first that fails names the attempt's end."""
