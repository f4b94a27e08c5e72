"""Imported sources hang under the models that people name, by rules that say why."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from caniload.catalog import joining
from caniload.catalog.authored import load
from caniload.catalog.joining import AUTHORED, Joins, Row, Rule
from caniload.catalog.publishing import publish
from caniload.catalog.questions import check
from caniload.catalog.store import open_store
from caniload.errors import CatalogueError
from caniload.handles import parse
from caniload.settings import Settings
from caniload.words import Verdict

DATA = Settings.read({"CANILOAD_HOME": "unused"}).data


def _rule(model: str, like: str, field: str = "handle", but: tuple[str, ...] = ()) -> Rule:
    return Rule(model, "timm", field, (like,), but, "timm==1", "2026-11-25", "Built by it.")


@pytest.fixture(scope="module")
def shipped() -> Joins:
    """The shipped rules over the shipped snapshots."""
    return joining.of(DATA, load(DATA), joining.read_rules(DATA))


@pytest.fixture(scope="module")
def model_of(shipped: Joins) -> dict[str, str]:
    """Sources without revision, to their models."""
    return {
        parse(join.handle).source: join.model
        for join in shipped.joins
        if join.catalogue != "transformers"
    }


def test_every_rule_matches_and_no_source_is_claimed_twice(shipped: Joins) -> None:
    assert [rule.name for rule in shipped.idle] == []
    assert dict(shipped.claimed_twice) == {}
    assert len(shipped.joins) > 3000


def test_every_join_names_a_rule_that_stands_or_the_entry_itself(shipped: Joins) -> None:
    names = {rule.name: rule for rule in joining.read_rules(DATA)}
    for join in shipped.joins:
        assert join.rule == AUTHORED or names[join.rule].model == join.model
        assert join.rule == AUTHORED or (names[join.rule].why and names[join.rule].page)


def test_models_that_people_name_have_sources_of_the_hubs_that_publish_them(
    shipped: Joins,
) -> None:
    hubs: dict[str, set[str]] = defaultdict(set)
    for model in load(DATA).models:
        hubs[model.id] |= {source.parsed.hub for source in model.sources}
    for join in shipped.joins:
        if join.catalogue != "transformers":
            hubs[join.model].add(parse(join.handle).hub)
    assert hubs["bert"] >= {"hf", "tfhub", "kaggle", "onnx", "torchhub", "garden"}
    assert hubs["resnet-18"] == {"timm", "torchvision", "kaggle", "torchhub", "onnx"}
    assert hubs["efficientnet"] == {
        "hf", "timm", "torchvision", "keras", "kaggle", "tfhub", "torchhub",
    }  # fmt: skip
    assert hubs["u-net"] == {"torchhub", "tfhub"}
    assert hubs["whisper"] == hubs["stable-diffusion"] == {"hf", "kaggle"}
    assert len(hubs) >= 120
    assert len([model for model, found in hubs.items() if len(found) > 1]) >= 120


def test_counts_of_families_are_those_of_the_packages(shipped: Joins) -> None:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for join in shipped.joins:
        counts[join.model, join.catalogue] += 1
    # Counted by hand in torchvision 0.28.0, keras 3.15.1, timm 1.0.31, the manifest of the ONNX
    # zoo at b1eeaa1 and keras-hub 0.32.0.
    assert counts["vgg", "torchvision"] == 9
    assert counts["efficientnet", "keras-applications"] == 8
    assert counts["inception-resnet-v2", "timm"] == 2
    assert counts["alexnet", "onnx-hub"] == 8
    assert counts["whisper", "keras-hub"] == 10


@pytest.mark.parametrize(
    ("source", "model"),
    [
        ("timm:resnet50.a1_in1k", "resnet-50"),
        ("timm:resnet50d.ra2_in1k", "resnet-d"),
        ("timm:resnetv2_50.a1h_in1k", "resnet-v2"),
        ("timm:resnetv2_50x1_bit.goog_in21k", "bit"),
        ("timm:resnet50_clip.openai", "clip"),
        ("timm:vit_large_patch14_clip_224.metaclip_2pt5b", "clip"),
        ("timm:vit_huge_patch14_clip_378.metaclip2_worldwide", "metaclip-2"),
        ("timm:convnext_tiny.dinov3_lvd1689m", "dinov3"),
        ("timm:vit_base_patch16_224.dino", "dino"),
        ("timm:vit_base_patch16_224.augreg_in1k", "vit"),
        ("timm:vit_base_patch16_224.mae", None),
        ("timm:vit_base_patch16_dinov3_qkvb.eupe_lvd1689m", None),
        ("keras:MobileNet", "mobilenet-v1"),
        ("kaggle:keras/siglip/keras/siglip2_base_patch16_224", "siglip-2"),
        ("kaggle:keras/bert/keras/bert_tiny_en_uncased", "bert-small"),
        ("kaggle:keras/bert/keras/bert_tiny_en_uncased_sst2", None),
        ("tfhub:tensorflow/ssd_mobilenet_v2/fpnlite_320x320", "ssd-mobilenet"),
        ("tfhub:google/universal-sentence-encoder-cmlm/en-base", None),
        ("torchhub:NVIDIA/DeepLearningExamples/nvidia_convnets_processing_utils", None),
        ("onnx:validated/vision/classification/resnet/model/resnet50-v2-7.onnx", "resnet-v2"),
    ],
)
def test_what_is_named_alike_is_told_apart(
    model_of: dict[str, str], source: str, model: str | None
) -> None:
    assert model_of.get(source) == model


def test_what_was_looked_at_still_stands(shipped: Joins) -> None:
    draws = yaml.safe_load((DATA / "joins/reviewed.yaml").read_text("utf-8"))["draws"]
    stand = {(join.model, join.handle, join.rule) for join in shipped.joins}
    kept = [draw for draw in draws if draw["kept"]]
    assert [len(draw["right"]) for draw in kept] == [50]
    for join in kept[0]["right"]:
        assert (join["model"], join["source"], join["rule"]) in stand
        assert join["page"]
        assert join["says"]
    for draw in draws:
        for join in draw["wrong"]:
            assert (join["model"], join["source"], join["rule"]) not in stand


def test_a_source_that_two_models_claim_hangs_under_none_and_both_rules_are_named() -> None:
    rows = [Row("timm", "timm:b0.a", "b0.a", "b0"), Row("timm", "timm:b1.a", "b1.a", "b1")]
    rules = [_rule("one", "timm:b.+"), _rule("two", "b0", "architecture")]
    found = joining.apply(rules, rows, {})
    assert [(join.model, join.handle) for join in found.joins] == [("one", "timm:b1.a")]
    assert found.claimed_twice == {"timm:b0.a": ("timm/one:handle", "timm/two:architecture")}


def test_what_an_entry_lists_is_its_own_whatever_its_revision_and_no_rule_may_take_it() -> None:
    rows = [Row("timm", "timm:b0.a@1"), Row("timm", "timm:b1.a")]
    found = joining.apply([], rows, {"timm:b0.a": "mine"})
    assert [(join.model, join.handle, join.rule) for join in found.joins] == [
        ("mine", "timm:b0.a@1", AUTHORED)
    ]
    found = joining.apply([_rule("theirs", "timm:b0.+")], rows, {"timm:b0.a": "mine"})
    assert found.joins == ()
    assert found.claimed_twice == {"timm:b0.a@1": ("models/mine.yaml", "timm/theirs:handle")}


def test_patterns_match_whole_texts_exceptions_are_left_out_and_idle_rules_are_told() -> None:
    rows = [Row("timm", f"timm:{name}") for name in ("b1", "b1s", "b12", "xb1")]
    rules = [_rule("one", r"timm:b1\d?", but=("timm:b12",)), _rule("two", "timm:b")]
    found = joining.apply(rules, rows, {})
    assert [join.handle for join in found.joins] == ["timm:b1"]
    assert found.idle == (rules[1],)


@pytest.mark.parametrize("like", ["timm:b?1", "timm:(b|xb)1", "timm:b1|timm:xb1", "timm:b{0,1}1"])
def test_a_pattern_is_tried_wherever_it_may_match(like: str) -> None:
    rows = [Row("timm", f"timm:{name}") for name in ("1", "b1", "xb1", "c")]
    wanted = {"timm:b?1": 2, "timm:(b|xb)1": 2, "timm:b1|timm:xb1": 2, "timm:b{0,1}1": 2}[like]
    assert len(joining.apply([_rule("one", like)], rows, {}).joins) == wanted


def test_a_type_of_transformers_may_serve_several_models() -> None:
    rows = [Row("transformers", "bert", model_type="bert")]
    rules = [
        Rule(model, "transformers", "model_type", ("bert",), (), "transformers==5", "", "It is.")
        for model in ("bert", "bge")
    ]
    found = joining.apply(rules, rows, {})
    assert [join.model for join in found.joins] == ["bert", "bge"]
    assert found.claimed_twice == {}


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"model": "bert", "like": "b("}, "is no pattern"),
        ({"model": "bert", "like": "b", "why": ""}, "why is missing"),
        ({"model": "bert"}, "like is missing"),
        ({"model": "bert", "like": "b", "field": "colour"}, "field: 'colour'"),
        ({"model": "bert", "like": "b", "colour": "red"}, "is no rule"),
    ],
)
def test_a_rule_that_cannot_be_read_is_named(
    tmp_path: Path, rule: dict[str, str], says: str
) -> None:
    head = {"catalogue": "timm", "field": "handle", "page": "timm==1", "read": "2026-11-25"}
    (tmp_path / "joins").mkdir()
    content = head | {"rules": [{"why": "It is.", **rule}]}
    (tmp_path / "joins/timm.yaml").write_text(yaml.safe_dump(content), "utf-8")
    with pytest.raises(CatalogueError, match=r"joins/timm\.yaml: rules\[0\]") as caught:
        joining.read_rules(tmp_path)
    assert says in str(caught.value)


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    rule = {"model": "bert", "like": "b", "why": "It is."}
    content = {"catalogue": "timm", "field": "handle", "page": "timm==1", "rules": [rule, rule]}
    (tmp_path / "joins").mkdir()
    (tmp_path / "joins/timm.yaml").write_text(yaml.safe_dump(content), "utf-8")
    with pytest.raises(CatalogueError, match="stands twice"):
        joining.read_rules(tmp_path)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A store of the shipped catalogue."""
    settings = Settings.read({"CANILOAD_HOME": str(tmp_path_factory.mktemp("home"))})
    publish(settings)
    return settings


def test_a_joined_source_makes_a_model_claimed_and_says_which_package_lists_it(
    published: Settings,
) -> None:
    with open_store(published) as store:
        answer = check(store, "resnet-18", framework="tensorflow")
        best = answer.best
        assert answer.verdict is Verdict.CLAIMED
        assert best is not None
        assert best.handle == "kaggle:keras/resnetv1/keras/resnet_18_imagenet"
        assert (best.loader, best.note) == ("keras-hub", "keras-hub==0.32.0")
        timm = check(store, "mobilenet-v4", loader="timm").best
        assert timm is not None
        assert timm.message.endswith(", and 23 more of this model.")
        assert check(store, "mobilenet-v4", framework="tensorflow").verdict is Verdict.UNKNOWN


def test_a_joined_claim_never_stands_beside_what_was_measured(published: Settings) -> None:
    with open_store(published) as store:
        cells = check(store, "bert", framework="pytorch", loader="transformers").cells
        assert cells
        assert not [cell for cell in cells if "lists" in (cell.message or "")]


def test_the_store_holds_the_joins(published: Settings, shipped: Joins) -> None:
    with open_store(published) as store:
        rows = store.direct("SELECT model, handle, catalogue, rule FROM store.joins", [])
    assert sorted(rows) == sorted((j.model, j.handle, j.catalogue, j.rule) for j in shipped.joins)
