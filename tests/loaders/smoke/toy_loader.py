"""A plug-in's worker-side file as docs/writing-a-loader.md shows one: standard library only.

`weights.json` holds {"scale": number}; the model multiplies token ids by it. `behaviour` among
the hints makes it misbehave, so that each check of the worker can be seen to catch it.
"""

from __future__ import annotations

import json
import math

from .artefact import folder
from .failure import LoadsOnly, Refused
from .inputs import TokenFacts, token_rows, token_shape
from .loader import CheckResult
from .loader import Loader as Base


class Loader(Base):
    """Load `weights.json` and run it."""

    frameworks = ("pytorch",)
    modules = {"pytorch": ("toylib",)}  # noqa: RUF012

    def import_(self, job):
        """Import the library."""
        self.behaviour = job["hints"].get("behaviour")
        self.calls = 0
        if self.behaviour == "absent":
            import toylib  # noqa: F401
        if self.behaviour == "half-installed":
            import a_dependency_of_toylib  # noqa: F401

    def load(self, job):
        """Read the weights."""
        if self.behaviour == "bare":
            raise LoadsOnly("a bare state dict: nothing to run")
        if self.behaviour == "foreign-code":
            raise Refused("the repository brings code; it needs --allow-code")
        if self.behaviour == "memory":
            raise MemoryError("cannot allocate 1 TiB")
        if self.behaviour == "chain":
            try:
                {}["no such weight"]
            except KeyError as exc:
                raise ValueError("checkpoint is damaged\nsecond line") from exc
        scale = json.loads((folder(job) / "weights.json").read_text())["scale"]
        return {"scale": 3.0 if self.behaviour == "random" else scale}

    def inputs(self, loaded, job, seed):
        """Make ids and mask."""
        facts = TokenFacts(vocab_size=3000, cls_id=1, sep_id=2)
        batch, length = token_shape(job["recipe"], facts)
        ids, mask = token_rows(facts, batch, length, seed)
        return {"input_ids": ids, "attention_mask": mask}

    def run(self, loaded, inputs, job):
        """Multiply."""
        self.calls += 1
        scale = loaded["scale"]
        if self.behaviour == "nondeterministic":
            scale += self.calls / 1000
        rows = [[[scale * i, scale * i / 2] for i in row] for row in inputs["input_ids"]]
        if self.behaviour == "degenerate":
            rows = [[[0.25, 0.5] for _ in row] for row in inputs["input_ids"]]
        if self.behaviour == "nan":
            rows[0][0][0] = math.nan
        if self.behaviour == "nan-in-padding":
            rows[1][-1][0] = math.nan
        if self.behaviour == "infinite":
            rows[0][0][0] = -math.inf
        return {} if self.behaviour == "silent" else {"last_hidden_state": rows}

    def weights(self, loaded, job):
        """Compare with the file."""
        scale = json.loads((folder(job) / "weights.json").read_text())["scale"]
        if loaded["scale"] != scale:
            return CheckResult.failed("weights", "weights_mismatch", "scale is not the file's")
        return CheckResult("weights", "passed", "scale is the file's")

    def device(self, loaded, outputs, job):
        """There is a cpu and nothing else."""
        if job["device"] != "cpu" or self.behaviour == "elsewhere":
            return CheckResult.failed("device", "wrong_device", "everything sits on the cpu")
        return CheckResult("device", "passed", "on cpu")

    def preprocess(self, loaded, job, texts):
        """Split as WordPiece does, or wrongly."""
        from .wordpiece import reference

        if self.behaviour == "untold":
            raise OSError("no tokenizer here")
        ids = [reference(folder(job)).ids(text) for text in texts]
        return [row[::-1] for row in ids] if self.behaviour == "backwards" else ids

    def export(self, loaded, job):
        """Write the weights in another format."""
        from pathlib import Path

        (Path(job["export_to"]) / "toy.txt").write_text(str(loaded["scale"]))
