"""Each lint rule finds its violation, says what to write, and leaves the clean catalogue alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from caniload.catalog import lint
from caniload.catalog.rules import formats
from caniload.loaders.specs import load_specs

TODAY = date(2026, 11, 24)
LOADERS = {"transformers": ("pytorch", "tensorflow"), "onnx": ("onnxruntime",)}
Files = dict[str, dict[str, Any]]
Write = Callable[[Files], Path]
CITE = {"page": "https://example.org/card", "read": "2026-11-23", "says": "It says so."}

MODEL, DREAM = "models/tiny-bert.yaml", "models/dream.yaml"
DATASET, TOOL = "datasets/digits.yaml", "tools/saw.yaml"


def _try(files: Files) -> dict[str, Any]:
    found: dict[str, Any] = files[DREAM]["tries"][0]
    return found


def _source(files: Files, index: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = files[MODEL]["sources"][index]
    return found


JOINS = {
    "catalogue": "timm", "field": "name", "page": "timm==1", "read": "2026-11-23",
    "rules": [{"model": "tiny-bert", "like": "tiny.*", "why": "Built by tiny.py."}],
}  # fmt: skip
VIOLATIONS: list[tuple[str, str, str, Callable[[Files], object], str]] = [
    ("pinned", MODEL, "sources[0].handle",
     lambda f: _source(f).update(pin=None, attempts=[]), "caniload catalog pin pypi:tiny"),
    ("pinned", MODEL, "sources[0].pin.by",
     lambda f: _source(f)["pin"].update(by="me"), "a person never writes a revision"),
    ("pinned", MODEL, "sources[1].pin",
     lambda f: _source(f, 1).update(pin=_source(f)["pin"]), "write pin: null"),
    ("cited", MODEL, "sources[0].claims[0].page",
     lambda f: _source(f)["claims"][0].pop("page"), "package==version"),
    ("cited", MODEL, "cites[0].read",
     lambda f: f[MODEL]["cites"][0].update(read="2026-12-31"), "YYYY-MM-DD"),
    ("cited", TOOL, "cites", lambda f: f[TOOL].update(cites=[]), "add cites"),
    ("tasks", MODEL, "tasks[0]", lambda f: f[MODEL].update(tasks=["fill-masks"]),
     "write fill-mask"),
    ("licences", MODEL, "licence", lambda f: f[MODEL].update(licence="Apache 2"), "SPDX"),
    ("licences", MODEL, "sources[1].licence",
     lambda f: _source(f, 1).update(licence="apache-2.0"), "write Apache-2.0"),
    ("names", TOOL, "aliases", lambda f: f[TOOL].update(aliases=["TINY"]), "give the name to"),
    ("names", MODEL, "aliases[0]", lambda f: f[MODEL].update(aliases=["tiny bert"]),
     "take it out"),
    ("sources", MODEL, "sources[2].handle",
     lambda f: f[MODEL]["sources"].append({"handle": "hf:acme/tiny"}), "keep it where"),
    ("sources", DREAM, "code", lambda f: f[DREAM].pop("code"), "add code"),
    ("hubs", MODEL, "sources[1].handle",
     lambda f: _source(f, 1).update(handle="hff:acme/tiny"), "write hf:"),
    ("statuses", TOOL, "status_since", lambda f: f[TOOL].pop("status_since"), "the date"),
    ("statuses", TOOL, "status_read", lambda f: f[TOOL].pop("status_read"), "the day"),
    ("statuses", TOOL, "evidence", lambda f: f[TOOL].pop("evidence"), "the page"),
    ("statuses", TOOL, "successor[0]", lambda f: f[TOOL].update(successor=["no-such-tool"]),
     "id of an entry"),
    ("statuses", TOOL, "moved_to[0].to", lambda f: f[TOOL].update(moved_to=[CITE | {
        "to": "no-such-tool"}]), "id of an entry"),
    ("statuses", TOOL, "successor[0]", lambda f: f[TOOL].update(successor=["saw"]),
     "another"),
    ("statuses", TOOL, "status", lambda f: f[TOOL].update(status="active", cites=[
        CITE | {"says": "Version 2 of May 2025; the page says 2025-11-21."}]), "unknown"),
    ("families", MODEL, "family", lambda f: f[MODEL].update(family="robert"), "gpt, inception"),
    ("families", DREAM, "uses[0]", lambda f: f[DREAM].update(uses=["dream"]), "whose weights"),
    ("natives", MODEL, "native",
     lambda f: f[MODEL]["native"].update(framework="jax"), "or null"),
    ("attempts", MODEL, "sources[0].attempts[0].environment",
     lambda f: _source(f)["attempts"][0].update(environment="pytorrch"), "one of pytorch"),
    ("attempts", MODEL, "sources[0].attempts[0].loader",
     lambda f: _source(f)["attempts"][0].update(loader="transformer"), "onnx"),
    ("attempts", MODEL, "sources[0].attempts[0].framework",
     lambda f: _source(f)["attempts"][0].update(framework="jax"), "one of pytorch, tensorflow"),
    ("attempts", DREAM, "tries[0].environment",
     lambda f: _try(f).update(environment="torch"), "one of pytorch"),
    ("attempts", DREAM, "tries[0].loader",
     lambda f: _try(f).update(loader="transformer"), "one of transformers, onnx"),
    ("attempts", DREAM, "tries[0].framework",
     lambda f: _try(f).update(framework="torch"), "one of pytorch, tensorflow"),
    ("attempts", DREAM, "tries[1]", lambda f: f[DREAM]["tries"].append(_try(f)), "one out"),
    ("formats", MODEL, "sources[1].formats[0]",
     lambda f: _source(f, 1).update(formats=["h5"]), "write tf-h5"),
    ("formats", MODEL, "sources[1].formats[1]",
     lambda f: _source(f, 1).update(formats=["bin", "msgpack"]), "write flax"),
    ("formats", MODEL, "sources[1].formats[0]",
     lambda f: _source(f, 1).update(formats=["safetensor"]), "write safetensors"),
    ("formats", MODEL, "sources[1].formats[0]",
     lambda f: _source(f, 1).update(formats=["zzz"]), "write one of bin, "),
    ("formats", MODEL, "sources[1].formats[1]",
     lambda f: _source(f, 1).update(formats=["bin", "bin"]), "take one out"),
    ("formats", MODEL, "sources[2].formats[0]",
     lambda f: f[MODEL]["sources"].append({"handle": "kaggle:keras/b/keras/b", "formats": [
         "keras-hub"]}), "write keras-preset"),
    ("formats", MODEL, "sources[2].formats[0]",
     lambda f: f[MODEL]["sources"].append({"handle": "torchvision:A.B", "formats": ["pt"]}),
     "write torchvision"),
    ("attempts", MODEL, "sources[1].attempts",
     lambda f: _source(f, 1).update(attempts=_source(f)["attempts"]), "catalog pin hf:acme/tiny"),
    ("weights", MODEL, "same_weights[0]",
     lambda f: f[MODEL].update(same_weights=[["pypi:tiny", "hf:acme/other"]]), "under sources"),
    ("prose", MODEL, "about", lambda f: f[MODEL].update(about="Small. And more."),
     "one sentence"),
    ("prose", MODEL, "cites[0].says",
     lambda f: f[MODEL]["cites"][0].update(says="x" * 300), "of your own"),
    ("exceptions", MODEL, "exceptions[0].review",
     lambda f: f[MODEL]["exceptions"][0].update(review="2026-11-01"), "set the next day"),
    ("reach", DATASET, "access", lambda f: f[DATASET].update(access=[], cites=[{
        "page": "d==1", "read": "2026-11-23", "says": "x"}]), "add access"),
    ("reach", DATASET, "splits.train", lambda f: f[DATASET].update(splits={"train": 0}),
     "leave it out"),
    ("one_hub", MODEL, "sources",
     lambda f: (f[MODEL]["sources"].pop(), f[MODEL].pop("same_weights")), "under one_hub"),
    ("one_hub", MODEL, "one_hub", lambda f: f[MODEL].update(one_hub="It is rare."), "take it out"),
    ("joins", "joins/timm.yaml", "tiny-bert.like",
     lambda f: f.update({"joins/timm.yaml": JOINS}), "mend the pattern"),
]  # fmt: skip


def test_a_clean_catalogue_has_no_problem_and_counts_what_is_unresolved(
    clean: Files, write: Write
) -> None:
    report = lint.run(write(clean), TODAY, LOADERS)
    assert report.problems == ()
    assert (report.models, report.datasets, report.tools, report.sources) == (2, 1, 1, 2)
    assert report.unresolved == ("hf:acme/tiny",)
    assert report.unresolved_count == 1


@pytest.mark.parametrize(
    ("rule", "file", "field", "spoil", "write_instead"),
    VIOLATIONS,
    ids=[f"{rule}-{field}-{write}" for rule, _, field, _, write in VIOLATIONS],
)
def test_a_violation_is_found_alone_with_its_place_and_remedy(
    clean: Files,
    write: Write,
    rule: str,
    file: str,
    field: str,
    spoil: Callable[[Files], object],
    write_instead: str,
) -> None:
    spoil(clean)
    problems = [p for p in lint.run(write(clean), TODAY, LOADERS).problems if p.rule == rule]
    assert [(p.file, p.field) for p in problems] == [(file, field)]
    assert write_instead in problems[0].write
    assert str(problems[0]).startswith(f"{file}: {field}: ")


def test_every_rule_has_a_violation_here() -> None:
    assert {rule for rule, *_ in VIOLATIONS} == set(lint.rule_names())


def test_the_words_of_formats_are_those_of_the_loaders() -> None:
    read = {word for spec in load_specs().values() for word in spec.formats}
    assert read <= formats.READ
    assert not formats.READ & formats.CLAIMED


def test_a_file_that_breaks_its_schema_is_a_problem_and_hides_no_other(
    clean: Files, write: Write
) -> None:
    clean[TOOL]["purpose"] = "sawing"
    clean[MODEL]["licence"] = "Apache 2"
    rules = [(p.rule, p.file) for p in lint.run(write(clean), TODAY).problems]
    assert rules == [("licences", MODEL), ("schema", TOOL)]
