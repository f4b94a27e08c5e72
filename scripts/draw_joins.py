"""Draw joins to look at one by one; the same seed draws the same joins of the same rules.

    python scripts/draw_joins.py SEED [COUNT] [DATA]

Prints YAML to fill in: `caniload/data/joins/reviewed.yaml` holds what was looked at and found.
Joins of what an entry lists itself are left out, since no rule made them. When one is wrong, its
rule is mended and another seed drawn.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from caniload.catalog import joining
from caniload.catalog.authored import load

DATA = Path(__file__).parent.parent / "caniload/data"


def main(seed: str, count: str = "50", data: str = str(DATA)) -> int:
    """Print the joins that a seed draws, in the order in which they were drawn."""
    for join in draw(int(seed), int(count), Path(data)):
        print(  # noqa: T201
            f"  - {{model: {join.model}, source: {json.dumps(join.handle)}, rule: {join.rule}, "
            "right: , looked_at: }"
        )
    return 0


def draw(seed: int, count: int, data: Path = DATA) -> list[joining.Join]:
    """Draw from all joins that rules make of the packaged snapshots."""
    joins = joining.of(data, load(data), joining.read_rules(data)).joins
    made = [join for join in joins if join.rule != joining.AUTHORED]
    return random.Random(seed).sample(made, count)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
