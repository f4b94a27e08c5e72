"""Ask the golden queries and say how many find first, or among three, what must be first.

python benchmarks/golden.py [--misses]
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from caniload.catalog import search
from caniload.catalog.store import open_store
from caniload.settings import Settings

QUERIES = Path(__file__).parent.parent / "tests" / "catalog" / "golden_queries.yaml"


def queries() -> list[dict[str, Any]]:
    """The queries with their judged answers."""
    found: list[dict[str, Any]] = yaml.safe_load(QUERIES.read_text())["queries"]
    return found


def right(query: dict[str, Any], hit: search.Hit) -> bool:
    """Whether a hit is what the query's judgement names."""
    if "task" in query:
        return hit.kind in ("model", "source") and query["task"] in hit.tasks
    called = {_bare(f"{hit.kind}:{text}") for text in (hit.id, hit.name)} | {_bare(hit.id)}
    return any(_bare(answer) in called for answer in query["first"])


def place(query: dict[str, Any], hits: tuple[search.Hit, ...]) -> int | None:
    """The place, from 1, of the first right hit; for nothing to be found, 1 if nothing was."""
    if query.get("none"):
        return None if hits else 1
    return next((hit.rank for hit in hits if right(query, hit)), None)


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def main() -> int:
    judged: dict[str, list[int | None]] = {}
    misses: list[dict[str, Any]] = []
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as home:
        settings = Settings.read({**os.environ, "CANILOAD_HOME": home})
        with open_store(settings) as store:
            documents = store.direct("SELECT kind, count(*) FROM store.search_docs GROUP BY kind")
            for query in queries():
                search.search(store, query["ask"])
                began = time.perf_counter()
                found = search.search(store, query["ask"])
                seconds.append(time.perf_counter() - began)
                at = place(query, found.hits)
                judged.setdefault(query["kind"], []).append(at)
                if at != 1:
                    first = [f"{hit.kind}:{hit.id}" for hit in found.hits[:3]]
                    wanted = query.get("first") or query.get("task") or "nothing"
                    misses.append({"ask": query["ask"], "want": wanted, "at": at, "first": first})
    every = [at for places in judged.values() for at in places]
    print(
        json.dumps(
            {
                "date": datetime.now(UTC).date().isoformat(),
                "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
                "documents": dict(sorted(documents)),
                "queries": len(every),
                "success@1": sum(at == 1 for at in every),
                "success@3": sum(at is not None and at <= 3 for at in every),
                "by_kind": {
                    kind: f"{Counter(places)[1]} of {len(places)}"
                    for kind, places in judged.items()
                },
                "milliseconds": {
                    "median": round(statistics.median(seconds) * 1e3, 1),
                    "p95": round(sorted(seconds)[int(len(seconds) * 0.95)] * 1e3, 1),
                },
                "misses": misses,
            },
            indent=1,
            ensure_ascii=False,
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
