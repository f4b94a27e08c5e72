"""Tracebacks that Python prints are read back into what was raised."""

from __future__ import annotations

import traceback

from hypothesis import given
from hypothesis import strategies as st

from caniload.catalog.rule_model import Rules
from caniload.catalog.tracebacks import explain, parse_failure

CAUSES = "The above exception was the direct cause of the following exception:"

line = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30)
message = st.lists(line.map(str.strip).filter(bool), min_size=1, max_size=3).map("\n".join)
kind = st.sampled_from([ValueError, OSError, RuntimeError, ImportError, AttributeError])


@given(st.lists(st.tuples(kind, message, st.booleans()), min_size=1, max_size=4))
def test_any_chain_reads_back(chain: list[tuple[type[Exception], str, bool]]) -> None:
    error: Exception | None = None
    for make, text, direct in chain:
        older = error
        try:
            if older is None:
                raise make(text)
            try:
                raise older
            except Exception as held:
                if direct:
                    raise make(text) from held
                raise make(text)  # noqa: B904
        except Exception as caught:  # noqa: BLE001
            error = caught
    assert error is not None
    printed = "".join(traceback.format_exception(error))
    got = parse_failure(printed).exceptions
    assert [(name, text) for name, text, _ in got] == [
        (make.__name__, text) for make, text, _ in reversed(chain)
    ]
    relations = ["cause" if direct else "context" for _, _, direct in reversed(chain[1:])]
    assert [relation for _, _, relation in got] == ["raised", *relations]


def test_a_group_carries_what_it_gathered(rules: Rules) -> None:
    try:
        raise ExceptionGroup("two", [KeyError("a"), ImportError("No module named 'q'")])
    except ExceptionGroup as group:
        printed = "".join(traceback.format_exception(group))
    failure = parse_failure(printed)
    assert failure.exceptions[0][0] == "ExceptionGroup"
    assert [name for name, _, _ in failure.exceptions[1:]] == ["KeyError", "ImportError"]
    found = explain(rules, printed)
    assert found is not None
    assert found.code == "py.module-missing"


def test_log_lines_before_and_prefixes_of_launchers_are_told_apart(rules: Rules) -> None:
    text = (
        "2026-01-01 loading\n"
        "[rank0]: Traceback (most recent call last):\n"
        '[rank0]:   File "/v/torch/nn/modules/module.py", line 1, in to\n'
        "[rank0]:     return x\n"
        "[rank0]: NotImplementedError: Cannot copy out of meta tensor; no data!\n"
    )
    failure = parse_failure(text)
    assert failure.exceptions == (
        ("NotImplementedError", "Cannot copy out of meta tensor; no data!", "raised"),
    )
    assert failure.log_excerpt == "2026-01-01 loading"
    found = explain(rules, text)
    assert found is not None
    assert found.code == "pt.meta-tensor"


def test_the_last_of_several_tracebacks_is_the_failure(rules: Rules) -> None:
    handled = "Traceback (most recent call last):\n  File \"a\", line 1, in f\nKeyError: 'a'\n"
    last = 'Traceback (most recent call last):\n  File "a", line 2, in g\nOSError: [Errno 28] No space left on device\n'  # noqa: E501
    assert [name for name, _, _ in parse_failure(handled + "retry\n" + last).exceptions] == [
        "OSError"
    ]
    found = explain(rules, handled + last)
    assert found is not None
    assert found.code == "env.disk-full"


def test_an_ipython_traceback_gives_its_last_line(rules: Rules) -> None:
    text = (
        "---------------------------------------------------------------------------\n"
        "AttributeError                            Traceback (most recent call last)\n"
        "Cell In[1], line 2\n"
        "----> 2 jax.tree_multimap(f, x)\n\n"
        "AttributeError: module 'jax' has no attribute 'tree_multimap'\n"
    )
    found = explain(rules, text)
    assert found is not None
    assert found.code == "jax.removed-api"


def test_frames_tell_the_library(rules: Rules) -> None:
    frame = '  File "/v/site-packages/{}", line 1, in load\n    call()\n'
    head, tail = "Traceback (most recent call last):\n", "ValueError: x\n"
    for path, loader in (
        ("tensorflow_hub/resolver.py", "tensorflow-hub"),
        ("torch/hub.py", "torch-hub"),
        ("transformers/modeling_utils.py", "transformers"),
        ("requests/models.py", None),
    ):
        assert parse_failure(head + frame.format(path) + tail).loader == loader


def test_empty_and_strange_texts_are_undiagnosed(rules: Rules) -> None:
    for text in ("", "\n\n", "Traceback (most recent call last):", CAUSES, "\x00\xff" * 50):
        assert explain(rules, text) is None


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert isinstance(parse_failure(text).exceptions, tuple)
