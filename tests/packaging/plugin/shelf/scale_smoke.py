"""The worker-side file of the loader: standard library and the worker's own package."""

import json

from .artefact import folder
from .inputs import TokenFacts, token_rows, token_shape
from .loader import CheckResult
from .loader import Loader as Base


class Loader(Base):
    """Load `weights.json` and multiply token ids by its scale."""

    frameworks = ("pytorch",)

    def import_(self, job):
        """Nothing to import."""

    def load(self, job):
        """Read the weights."""
        return json.loads((folder(job) / "weights.json").read_text())["scale"]

    def inputs(self, loaded, job, seed):
        """Make ids and mask."""
        facts = TokenFacts(vocab_size=3000, cls_id=1, sep_id=2)
        batch, length = token_shape(job["recipe"], facts)
        ids, mask = token_rows(facts, batch, length, seed)
        return {"input_ids": ids, "attention_mask": mask}

    def run(self, loaded, inputs, job):
        """Multiply."""
        rows = [[[loaded * i, loaded * i / 2] for i in row] for row in inputs["input_ids"]]
        return {"last_hidden_state": rows}

    def weights(self, loaded, job):
        """Compare with the file."""
        return CheckResult("weights", "passed", "the scale is the file's")

    def device(self, loaded, outputs, job):
        """There is a CPU and nothing else."""
        return CheckResult("device", "passed", "on cpu")
