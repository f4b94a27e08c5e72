"""Publisher and reader take texts apart alike: what SQL writes is what Python looks up."""

from __future__ import annotations

import duckdb
import pytest

from caniload.catalog import search_words

TEXTS = (
    "Mask R-CNN", "ResNet50_Weights.IMAGENET1K_V2", "yolov5", "wav2vec 2.0", "resnet50.a1_in1k",
    "Électra-mini", "t5", "serving Servers served serves", "ß Straße", "模型 BERT", "", "--",
    "Ⅳ ½ x²", "a1b2c3", "İstanbul",
)  # fmt: skip


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    database = duckdb.connect()
    database.execute(search_words.MACROS)
    return database


@pytest.mark.parametrize("text", TEXTS)
def test_sql_takes_a_text_apart_as_python_does(
    database: duckdb.DuckDBPyConnection, text: str
) -> None:
    found = database.execute("SELECT words_of($1), together_of($1)", [text]).fetchone()
    assert found == (search_words.words(text), search_words.together(text))
    for word in search_words.words(text):
        made = database.execute("SELECT parts_of($1), stem_of($1), letters_of($1)", [word])
        assert made.fetchone() == (
            search_words.parts(word),
            search_words.stem(word),
            search_words.letters(word),
        )


def test_words_of_one_stem_meet_and_numbers_come_off() -> None:
    stems = {search_words.stem(word) for word in ("serving", "serve", "served", "server")}
    assert len(stems) == 1
    assert search_words.parts("resnet50") == ["resnet", "50"]
    assert search_words.parts("yolov5") == ["yolo", "v5"]
    assert search_words.stem("t5") is None
