"""The commands by name, each with the module that holds it, so that one is imported alone.

A module of one command defines `command`, a function that returns an exit code, and EXAMPLES,
the command lines that its help shows; a module of several defines `app`, made by `app.group`.
Nothing here imports either.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """Say where a command lives and what `caniload --help` says of it.

    A `query` only reads the store: it must be as quick as a cold process can be.
    """

    module: str
    about: str
    group: bool = False
    query: bool = False


COMMANDS: dict[str, Entry] = {
    "check": Entry(
        "caniload.cli.check", "Answer whether a model loads here, with the evidence.", query=True
    ),
    "run": Entry("caniload.cli.run", "Attempt a model now, and record what happened."),
    "sweep": Entry(
        "caniload.cli.sweep", "Attempt every architecture of a library with random weights."
    ),
    "nightly": Entry("caniload.cli.nightly", "Attempt what a suite lists; say what changed."),
    "suite": Entry("caniload.cli.suite", "Write and check caniload.toml, a night's list.", True),
    "demo": Entry("caniload.cli.demo", "Fetch, load and run one real model in every framework."),
    "show": Entry(
        "caniload.cli.show", "Show one model, dataset or tool with all that is known.", query=True
    ),
    "list": Entry(
        "caniload.cli.list", "List models, sources, datasets, tools or results.", query=True
    ),
    "search": Entry("caniload.cli.search", "Find models, datasets and tools by words.", query=True),
    "choose": Entry(
        "caniload.cli.choose", "Say what each framework has for a project.", query=True
    ),
    "fit": Entry("caniload.cli.fit", "Say whether a model fits into memory.", query=True),
    "gaps": Entry(
        "caniload.cli.gaps", "Show where claims and results disagree, both ways.", query=True
    ),
    "env": Entry("caniload.cli.env", "Build, list, show, remove and export environments.", True),
    "doctor": Entry("caniload.cli.doctor", "Say what this machine can attempt, and what not."),
    "history": Entry(
        "caniload.cli.history", "Say since when and until when a model loads.", query=True
    ),
    "bisect": Entry("caniload.cli.bisect", "Find the release at which an outcome changes."),
    "upgrade": Entry("caniload.cli.upgrade", "Say what an upgrade would break for you."),
    "sql": Entry("caniload.cli.sql", "Query the evidence read-only, in SQL.", query=True),
    "dump": Entry("caniload.cli.dump", "Write the documented tables for others to use."),
    "explain": Entry("caniload.cli.explain", "Diagnose a traceback read from stdin or a file."),
    "log": Entry("caniload.cli.log", "Show the runs, one run, or the log of one attempt."),
    "cache": Entry("caniload.cli.cache", "List and remove fetched files.", True),
    "ingest": Entry("caniload.cli.ingest", "Take in evidence that another machine measured."),
    "catalog": Entry("caniload.cli.catalog", "Lint, pin, publish and rebuild what is known.", True),
    "docs": Entry(
        "caniload.cli.docs", "Put evidence into pages: tables, badges, embeds.", True, True
    ),
    "site": Entry("caniload.cli.site", "Build a static site of everything known.", True, True),
    "serve": Entry("caniload.cli.serve", "Answer over HTTP, read-only, from the evidence."),
}
"""In the order in which `caniload --help` lists them."""
