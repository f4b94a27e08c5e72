"""Measure what checking costs beside loading and running, for models of 100 MB and more.

python benchmarks/check_cost.py PYTHON [ATTEMPTS]

PYTHON has torch and transformers. Models with random weights are written by the library itself
(BERT base, 438 MB; ViT base, 343 MB; DistilBERT in half precision, 132 MB) and then loaded as
published ones are, every tensor compared with the file. The cost is the check stage less the
repeated forward passes, over load and run.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

WRITE = """
import sys
import torch
from transformers import (BertConfig, BertModel, DistilBertConfig, DistilBertModel, ViTConfig,
                          ViTModel)
torch.manual_seed(1)
out = sys.argv[1]
BertModel(BertConfig()).save_pretrained(out + "/bert-base")
ViTModel(ViTConfig()).save_pretrained(out + "/vit-base")
DistilBertModel(DistilBertConfig()).half().save_pretrained(out + "/distilbert-half")
"""
LIMIT = 0.10


class Silent:
    """Watch a run and say nothing."""

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


def main() -> int:
    python = Path(sys.argv[1])
    attempts = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as home:
        os.environ["CANILOAD_HOME"] = home
        models = Path(home) / "models"
        models.mkdir()
        subprocess.run([python, "-c", WRITE, str(models)], check=True)
        found = {path.name: measure(path, python, attempts) for path in sorted(models.iterdir())}
    print(json.dumps({"limit": LIMIT, "models": found}, indent=2))
    return 0 if all(each["ratio_median"] < LIMIT for each in found.values()) else 1


def measure(folder: Path, python: Path, attempts: int) -> dict[str, object]:
    """Attempt a model so often and return the medians."""
    from caniload.runs.plan import Wish
    from caniload.runs.workflow import Request, attempt
    from caniload.settings import Settings

    wish = Wish(framework="pytorch", loader="transformers")
    request = Request((str(folder),), wish, python=python)
    ratios, load, run, check, again, outcomes = [], [], [], [], [], set()
    for _ in range(attempts):
        for seen in attempt(request, Settings.read(), Silent()).observations:
            outcomes.add(str(seen.outcome))
            if str(seen.outcome) != "passed":
                raise SystemExit(f"{folder.name}: {seen.message}")
            stages, repeated = seen.stage_seconds, seen.numbers["repeated_forward_seconds"]
            load.append(stages["load"])
            run.append(stages["run"])
            check.append(stages["check"] - repeated)
            again.append(repeated)
            ratios.append(check[-1] / (load[-1] + run[-1]))
    size = sum(path.stat().st_size for path in folder.iterdir())
    return {
        "bytes": size,
        "outcomes": sorted(outcomes),
        "load_seconds": round(statistics.median(load), 3),
        "run_seconds": round(statistics.median(run), 3),
        "check_seconds": round(statistics.median(check), 3),
        "repeated_forward_seconds": round(statistics.median(again), 3),
        "ratio_median": round(statistics.median(ratios), 3),
        "ratio_max": round(max(ratios), 3),
    }


if __name__ == "__main__":
    sys.exit(main())
