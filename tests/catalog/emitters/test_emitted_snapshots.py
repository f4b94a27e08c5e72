"""What libraries stated: how much of it there is, and that hubs know every handle by that name."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from caniload.catalog.upstream import snapshots
from caniload.catalog.upstream.emitting import EMITTERS
from caniload.handles import parse
from caniload.loaders.fetch.garden import GardenHub
from caniload.loaders.fetch.kaggle import KaggleHub
from caniload.loaders.fetch.keras import KerasHub
from caniload.loaders.fetch.timm import TimmHub
from caniload.loaders.fetch.torchvision import TorchvisionHub
from caniload.settings import Settings

FOLDER = Settings.read({}).data / snapshots.FOLDER


def rows(name: str) -> tuple[snapshots.Row, ...]:
    return snapshots.read(FOLDER / f"{name}.parquet").rows


def having(found: tuple[snapshots.Row, ...], *names: str) -> int:
    """Count the rows that state a column, or a fact."""
    first, *rest = names
    return sum(bool(row[first] if not rest else row[first].get(rest[0])) for row in found)


def test_timm() -> None:
    tags = rows("timm")
    assert len(tags) == having(tags, "parameters") == 1826
    assert having(tags, "facts", "repository") == 1807
    assert having(tags, "url") == 1826 - 1807
    assert having(tags, "licence") == 1812 - 11  # for 11 it says "unknown"
    known = {row["handle"]: row for row in tags}
    assert known["timm:resnet50.a1_in1k"]["parameters"] == 25_557_032
    features = known["timm:vit_base_patch14_dinov2.lvd142m"]
    assert features["tasks"] == ["image-feature-extraction"]


def test_torchvision() -> None:
    weights = rows("torchvision")
    assert len(weights) == having(weights, "parameters") == having(weights, "size_bytes") == 166
    assert (len({row["architecture"] for row in weights}), having(weights, "hash")) == (121, 162)
    assert having(weights, "metrics") == 165  # VGG16's features for detection have none
    tasks = Counter(task for row in weights for task in row["tasks"])
    assert (tasks["object-detection"], tasks["video-classification"]) == (13, 10)
    quantised = [row for row in weights if row["facts"].get("backend")]
    assert len(quantised) == 14
    assert {row["parent"] for row in quantised} <= {row["handle"] for row in weights}
    known = {row["handle"]: row for row in weights}
    resnet = known["torchvision:ResNet50_Weights.IMAGENET1K_V2"]
    assert (resnet["hash"], resnet["metrics"]["ImageNet-1K acc@1"]) == ("sha256:11ad3fa6", 80.858)
    # The parameters of timm's and torchvision's are counted on their own, for the same design.
    assert resnet["parameters"] == 25_557_032


def test_keras_applications_and_keras_hub() -> None:
    applications = rows("keras-applications")
    assert len(applications) == having(applications, "parameters") == 40
    # Both halves of 38; MobileNet and MobileNetV2 have no hash.
    assert having(applications, "hash") == having(applications, "facts", "notop_hash") == 38
    presets = rows("keras-hub")
    assert len(presets) == having(presets, "parameters") == 509
    # The package gives one handle to four EfficientNets, and one to two SegFormers.
    assert len({row["handle"] for row in presets}) == 505
    known = {row["name"]: row for row in presets}
    assert known["bert_tiny_en_uncased"]["handle"] == "kaggle:keras/bert/keras/bert_tiny_en_uncased"
    assert known["bert_tiny_en_uncased"]["tasks"] == ["feature-extraction"]
    assert known["whisper_tiny_en"]["tasks"] == []  # a backbone that no task class takes


def test_transformers_tells_what_was_from_what_is() -> None:
    former, present = rows("transformers-4"), rows("transformers-5")
    counts = Counter(row["framework"] for row in former)
    assert counts == {"any": 421, "pytorch": 1426, "tensorflow": 326, "jax": 140}
    assert Counter(row["framework"] for row in present) == {"any": 804, "pytorch": 1857}
    assert len({row["model_type"] for row in present}) == 804
    bert = {(row["framework"], row["auto"]): row["class"] for row in former
            if row["model_type"] == "bert"}  # fmt: skip
    assert bert["tensorflow", "TFAutoModelForMaskedLM"] == "TFBertForMaskedLM"
    assert bert["jax", "FlaxAutoModel"] == "FlaxBertModel"


def test_the_garden_and_the_datasets() -> None:
    assert len(rows("garden")) == 94
    builders = [row for row in rows("tfds") if row["config"] is None]
    assert (len(builders), len(rows("tfds")) - len(builders)) == (445, 5363)
    assert sum(bool(row["facts"].get("files")) for row in builders) == 258
    assert sum(row["facts"].get("configs", 0) for row in builders) == 5363
    names = ("torchvision-datasets", "torchaudio-datasets", "keras-datasets")
    assert [len(rows(name)) for name in names] == [71, 22, 8]
    known = {row["name"]: row for row in rows("torchvision-datasets")}
    assert known["StanfordCars"]["call"] == "torchvision.datasets.StanfordCars(root)"
    assert known["EMNIST"]["call"] == "torchvision.datasets.EMNIST(root, split, download=True)"


def test_libraries_that_name_one_file_agree_on_its_hash() -> None:
    """What `ast` read in one package stands in the tables of another."""
    stated: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name in ("tfds", "torchvision-datasets", "torchaudio-datasets", "keras-datasets"):
        for row in rows(name):
            for file in row["checksums"]:
                address = file["url"].partition("://")[2]
                stated[address, file["algorithm"]][file["value"]].add(name)
    assert not {key: values for key, values in stated.items() if len(values) > 1}
    assert sum(len(set().union(*values.values())) > 1 for values in stated.values()) >= 20


@pytest.mark.parametrize("name", sorted({"garden", "keras-applications", "torchvision"}))
def test_hubs_resolve_every_handle_without_a_network(name: str, settings: Settings) -> None:
    hub = {"garden": GardenHub, "keras-applications": KerasHub, "torchvision": TorchvisionHub}[name]
    version = snapshots.read(FOLDER / f"{name}.parquet").head.version
    for row in rows(name):
        handle = parse(row["handle"])
        assert str(handle) == row["handle"]
        assert hub().resolve(handle, settings) == handle.at(version)


def test_timm_and_kaggle_know_every_handle(settings: Settings) -> None:
    listed = {each.handle.source: each.about for each in TimmHub().browse("", settings)}
    assert set(listed) == {row["handle"] for row in rows("timm")}
    for row in rows("timm"):
        place = row["url"] or f"hf:{row['facts']['repository']}"
        assert listed[row["handle"]] == place
    for row in rows("keras-hub"):
        handle = parse(row["handle"])
        pinned = handle.at(str(row["facts"].get("kaggle_version", 1)))
        assert KaggleHub().resolve(pinned, settings) == pinned
        assert str(handle) == row["handle"]


def test_the_garden_has_what_its_hub_lists(settings: Settings) -> None:
    """The hub's table was read from the wheel; the emitter read the installed package."""
    version = snapshots.read(FOLDER / "garden.parquet").head.version
    named = {row["name"]: row["facts"]["module"] for row in rows("garden")}
    for name, module in named.items():
        (found,) = [e for e in GardenHub().browse(name, settings) if e.handle.locator == name]
        assert (found.about, found.handle.revision) == (module, version)


def test_each_emitter_has_a_snapshot() -> None:
    files = {path.stem for path in snapshots.files(FOLDER)}
    assert {name if name != "transformers" else "transformers-5" for name in EMITTERS} <= files
