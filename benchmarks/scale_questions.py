"""Put random questions to a store: how long each took, and how much memory they came to.

    python benchmarks/scale_questions.py HOME KIND ROUNDS

Prints one JSON object. Half of the models asked for are drawn evenly, half by how much evidence
they have, since people ask for what many measured.
"""

from __future__ import annotations

import json
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from caniload.catalog import gaps, generations, questions, search
from caniload.catalog.facets import Facets
from caniload.catalog.store import Store, open_store
from caniload.settings import Settings

SEED = 20261125
FRAMEWORKS = ("pytorch", "tensorflow", "jax", "onnxruntime")
ENVIRONMENTS = ("pytorch", "tensorflow", "keras-jax", "onnxruntime")

Question = tuple[str, Callable[[], object]]


def asked_for(home: Path, rounds: int) -> list[tuple[str, str, str]]:
    """Draw models: id, name and one source of each. Done apart, so that it costs no memory."""
    script = (
        "import sys, json; sys.path.insert(0, sys.argv[1]); import scale_questions as q;"
        "print(json.dumps(q.draw(sys.argv[2], int(sys.argv[3]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(Path(__file__).parent), str(home), str(rounds)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [tuple(row) for row in json.loads(done.stdout)]


def draw(home: str, rounds: int) -> list[tuple[Any, ...]]:
    """Draw models evenly and by evidence, in random order."""
    settings = Settings.read({"CANILOAD_HOME": home})
    current = generations.read_current(settings)
    assert current is not None
    with duckdb.connect(str(current.path(settings)), read_only=True) as database:
        found = []
        for table, column in (("models", "id"), ("cell_verdicts", "model")):
            database.execute("SET threads = 1")
            found += database.execute(
                f"SELECT m.id, m.name, (SELECT min(source) FROM sources s WHERE s.model = m.id) "
                f"FROM (SELECT {column} AS id FROM {table} USING SAMPLE reservoir({rounds} ROWS) "
                f"REPEATABLE ({SEED})) d JOIN models m USING (id) "
                f"WHERE starts_with(m.about, 'Drawn') ORDER BY m.id LIMIT {rounds // 2}"
            ).fetchall()
    random.Random(SEED).shuffle(found)
    return found


def made(store: Store, kind: str, rounds: int, home: Path) -> list[Question]:
    """Make the questions of one kind."""
    chance = random.Random(SEED)
    models = asked_for(home, rounds)
    make = {
        "check": _check,
        "matrix": _matrix,
        "gaps": _gaps,
        "whole": _whole,
        "search": _search,
        "facets": _facets,
    }[kind]
    return [make(store, chance, *model) for model in models]


def _check(store: Store, chance: random.Random, model: str, name: str, source: str) -> Question:
    form = chance.choice(("id", "name", "source", "framework", "environment"))
    text = {"name": name, "source": source}.get(form, model)
    framework = chance.choice(FRAMEWORKS) if form == "framework" else None
    environment = chance.choice(ENVIRONMENTS) if form == "environment" else None
    return form, lambda: questions.check(store, text, framework=framework, environment=environment)


def _matrix(store: Store, chance: random.Random, model: str, name: str, source: str) -> Question:
    framework = chance.choice((None, *FRAMEWORKS))
    form = "whole" if framework is None else "framework"
    return form, lambda: questions.matrix(store, model, framework=framework)


def _gaps(store: Store, chance: random.Random, model: str, name: str, source: str) -> Question:
    return "model", lambda: gaps.gaps(store, model)


def _whole(store: Store, chance: random.Random, model: str, name: str, source: str) -> Question:
    framework = chance.choice((None, *FRAMEWORKS))
    form = "of all" if framework is None else "of one framework"
    return form, lambda: gaps.gaps(store, framework=framework, limit=20)


def _words(name: str) -> list[str]:
    """Take a drawn name apart: made-up word, family, size, use."""
    return name.lower().split()


def _slip(text: str, chance: random.Random) -> str:
    """Swap two letters of a word, or leave one out."""
    at = chance.randrange(1, len(text) - 1)
    if chance.random() < 0.5:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :]


def _search(store: Store, chance: random.Random, model: str, name: str, source: str) -> Question:
    words = _words(name)
    form = chance.choice(("id", "name", "slip", "family", "family and use", "begun", "handle"))
    text = {
        "id": model,
        "name": name,
        "slip": " ".join((_slip(words[0], chance), *words[1:])),
        "family": words[1],
        "family and use": f"{words[1]} {words[3]}",
        "begun": model[: len(model) * 2 // 3],
        "handle": source,
    }[form]
    return form, lambda: search.search(store, text)


def _facets(store: Store, chance: random.Random, model: str, name: str, source: str) -> Question:
    words = _words(name)
    form, text, facets = chance.choice(
        (
            ("name, framework", name, Facets(framework=chance.choice(FRAMEWORKS))),
            ("family, size", words[1], Facets(max_parameters=300_000_000)),
            ("family, hub", words[1], Facets(hub=chance.choice(("hf", "kaggle", "timm")))),
            ("family, measured", words[1], Facets(framework="jax", measured=True)),
            ("task alone", "", Facets(task="fill-mask")),
            ("hub and framework alone", "", Facets(hub="kaggle", framework="tensorflow")),
        )
    )
    return form, lambda: search.search(store, text, facets)


def main() -> None:
    home, kind, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    settings = Settings.read({"CANILOAD_HOME": str(home)})
    with open_store(settings) as store:
        store.direct("SET threads = 2")
        times: dict[str, list[float]] = {}
        spent = time.process_time()
        for form, ask in made(store, kind, rounds, home):
            began = time.perf_counter()
            ask()
            times.setdefault(form, []).append((time.perf_counter() - began) * 1e3)
        spent = time.process_time() - spent
        path = Path("/proc/self/status")
        peak = int(re.findall(r"VmHWM:\s+(\d+) kB", path.read_text())[0]) * 1024
    every = [each for values in times.values() for each in values]
    forms = {form: figures(each) for form, each in sorted(times.items())}
    print(json.dumps({"kind": kind, **figures(every), "peak_bytes": peak,
                      "cpu_ms": round(spent / len(every) * 1e3, 1), "forms": forms}))  # fmt: skip


def figures(times: list[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum in milliseconds."""
    cut = sorted(times)[min(len(times) - 1, int(0.95 * len(times)))]
    return {"count": len(times), "median_ms": round(statistics.median(times), 1),
            "p95_ms": round(cut, 1), "max_ms": round(max(times), 1)}  # fmt: skip


if __name__ == "__main__":
    main()
