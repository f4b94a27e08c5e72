"""An exported file of made-up evidence: one model that works, one that is claimed, one hostile."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from caniload.publish.embed.answers import Answers, Cell, Model, write
from caniload.words import Verdict

RUN = "20261121T120000Z-abc123"
MEASURED = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>"

WORKS = Cell(
    verdict=Verdict.WORKS,
    result="works, relative RMS 1.10e-06 from keras-hub",
    loader="transformers",
    loader_name="transformers",
    framework="pytorch",
    framework_name="PyTorch",
    framework_version="2.13.0",
    versions={"torch": "2.13.0", "transformers": "5.23.0"},
    device="cpu",
    environment="pytorch",
    python="3.11",
    source="hf:google-bert/bert-base-uncased",
    handle="hf:google-bert/bert-base-uncased",
    artefact="hf:google-bert/bert-base-uncased",
    measured=MEASURED,
    run=RUN,
    observation=f"{RUN}-0001",
    observer="ci",
    install="python -m pip install torch==2.13.0 transformers==5.23.0",
    snippet="model = BertModel.from_pretrained(path)\n",
)
FAILS = WORKS.model_copy(
    update={
        "verdict": Verdict.FAILS,
        "result": "fails: TensorFlow classes were removed (pt.no_tf)",
        "framework": "tensorflow",
        "framework_name": "TensorFlow",
        "framework_version": "2.21.0",
        "versions": {"tensorflow": "2.21.0", "transformers": "5.23.0"},
        "install": None,
        "snippet": None,
    }
)
CLAIMED = Cell(
    verdict=Verdict.CLAIMED,
    result="claimed: a tag says so; nobody measured it",
    loader="transformers",
    loader_name="transformers",
    framework="jax",
    framework_name="JAX",
    source="hf:a/b",
    handle="hf:a/b",
    artefact="hf:a/b",
)


def answers() -> Answers:
    """Return the document."""
    odd = dict.fromkeys(
        ("loader_name", "device", "run", "install", "snippet", "framework_name"), HOSTILE
    )
    hostile = WORKS.model_copy(
        update={**odd, "result": f"works {HOSTILE}", "versions": {HOSTILE: HOSTILE}}
    )
    return Answers(
        caniload_version="0.1.0",
        newest=MEASURED,
        models=(
            Model(id="bert", name="BERT", aliases=("bert-base",), cells=(WORKS, FAILS, CLAIMED)),
            Model(id="dream", name="DeepDream", cells=(CLAIMED,)),
            Model(id="hostile", name=HOSTILE, cells=(hostile,)),
        ),
    )


def put(folder: Path, made: Answers | None = None) -> Path:
    """Write the file into a folder."""
    path = folder / "answers.json"
    path.write_text(write(made or answers()), encoding="utf-8")
    return path
