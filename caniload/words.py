"""The closed vocabularies of caniload, as enums that import nothing but the standard library.

They stand apart from `records` so that a query, which must answer within a cold process,
does not pay for importing pydantic.
"""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """Name one step of an attempt, in the order in which they happen."""

    RESOLVE = "resolve"
    FETCH = "fetch"
    IMPORT = "import"
    LOAD = "load"
    RUN = "run"
    EXPORT = "export"
    CHECK = "check"


class Outcome(StrEnum):
    """Say how one attempt ended; the parent process decides it, never the worker alone."""

    PASSED = "passed"
    FAILED = "failed"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    LOADS_ONLY = "loads_only"
    UNAVAILABLE = "unavailable"
    NOT_INSTALLED = "not_installed"
    REFUSED = "refused"
    HARNESS_ERROR = "harness_error"


class EvidenceLevel(StrEnum):
    """Tell whether the published weights ran or random ones did."""

    PRETRAINED = "pretrained"
    ARCHITECTURE = "architecture"


class Verdict(StrEnum):
    """Answer "can I load it?" for one cell or for many; best first, as answers are ranked."""

    WORKS = "works"
    DIFFERS = "differs"
    FLAKY = "flaky"
    FAILS = "fails"
    BLOCKED = "blocked"
    CLAIMED = "claimed"
    UNKNOWN = "unknown"


class Fault(StrEnum):
    """Say whose fault a failure is: the kinds that verdicts tell apart."""

    MODEL = "model"
    ENVIRONMENT = "environment"
    ARTEFACT = "artefact"
    NETWORK = "network"
    PERMISSION = "permission"
    POLICY = "policy"
    RESOURCES = "resources"
    HARNESS = "harness"


class CheckName(StrEnum):
    """Name the five checks that a pass must satisfy."""

    WEIGHTS = "weights"
    DEVICE = "device"
    OUTPUT = "output"
    FINGERPRINT = "fingerprint"
    PREPROCESSING = "preprocessing"


class CheckStatus(StrEnum):
    """Say how one check ended; `not_applicable` always comes with a reason."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


class ArtefactClass(StrEnum):
    """Rank an artefact by what loading it may execute: nothing, a graph, or Python."""

    DATA = "data"
    PROGRAM = "program"
    CODE = "code"


class ToolStatus(StrEnum):
    """Say whether a tool is alive; `unknown` is an honest answer."""

    ACTIVE = "active"
    MAINTENANCE = "maintenance"
    ARCHIVED = "archived"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"


FRAMEWORKS = ("pytorch", "tensorflow", "jax", "onnxruntime", "litert")
"""The runtimes a cell can name; Keras is a loader's business, these are what computes."""

FRAMEWORK_NAMES = {
    "pytorch": "PyTorch",
    "tensorflow": "TensorFlow",
    "jax": "JAX",
    "onnxruntime": "ONNX Runtime",
    "litert": "LiteRT",
}
"""The frameworks as their makers write them."""

DEVICES = ("cpu", "cuda", "mps")
"""Device kinds; `cuda:1` names one device of a kind."""

CONTROL = "__control__"
"""The model that control cells of a night name; no entry is called so."""

COPY_OF = "copy-of-"
"""How the environment of a bisection's candidate is named, before the name of what was copied."""
