"""`caniload list`: what there is, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer

from caniload.cli.options import Format, Framework, From, Loader
from caniload.cli.out import Out, width
from caniload.cli.tables import table
from caniload.settings import Settings

EXAMPLES = (
    "caniload list",
    "caniload list sources --model minilm",
    "caniload list tools",
    "caniload list results --framework tensorflow --verdict fails",
)
Kind = Literal["models", "sources", "datasets", "tools", "results"]


def command(
    kind: Annotated[
        Kind, typer.Argument(help="models, sources, datasets, tools or results.")
    ] = "models",
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Sources or results of one model.")
    ] = None,
    framework: Framework = None,
    loader: Loader = None,
    verdict: Annotated[
        str | None, typer.Option("--verdict", help="Results with this verdict: works, fails, ….")
    ] = None,
    whose: From = "all",
    form: Format = "human",
) -> int:
    """List models, sources, datasets, tools or results.

    The options that name a verdict, framework or loader narrow results; a framework narrows
    datasets and tools too.
    """
    from caniload.catalog.store import open_store
    from caniload.publish import listing

    with open_store(Settings.read()) as store:
        if kind == "models":
            facts = listing.models(store, whose)
        elif kind == "sources":
            facts = listing.sources(store, model)
        elif kind == "results":
            facts = listing.results(store, model, framework, loader, verdict, whose)
        else:
            facts = listing.entries(store, kind, framework)
    heads = listing.HEADS[kind]

    def human() -> str:
        if not facts:
            return f"no {kind}"
        return table(heads, [[fact[key] for key in heads] for fact in facts], width())

    Out(form).show(f"list {kind}", facts, human, lambda: _bare(facts, heads[0]))
    return 0


def _bare(facts: Sequence[dict[str, Any]], key: str) -> list[str]:
    """The first column, each value once."""
    return list(dict.fromkeys(str(fact[key]) for fact in facts))
