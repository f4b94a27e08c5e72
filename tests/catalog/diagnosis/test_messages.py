"""Each class claims its messages and their variants, and nobody else's."""

from __future__ import annotations

import re
from typing import Any

from caniload.catalog.diagnosis import diagnose
from caniload.catalog.rule_model import Rules
from caniload.catalog.tracebacks import explain, parse_failure

SAMPLE_NAMES = """
FlaxStableDiffusionPipeline ResNetConfig AutoModelForCausalLM TFBertModel Foo SPPF einops
einops_zz brandnewarch nonexistent_pkg_x tokenizers timm CaseFoldUTF8 StaticRegexReplace
SentencepieceTokenizer Relu LayerNormKernelImpl _index_put_impl_ DeviceArray foo/bar
models.common NoSuchExecutionProvider huggingface.co
"""
"""Names that stand in the samples and vary from one failure to the next."""

ORDINARY = """\
KeyError: 'image'
KeyError: 3
ZeroDivisionError: division by zero
IndexError: list index out of range
ValueError: invalid literal for int() with base 10: 'a'
ValueError: not enough values to unpack (expected 2, got 1)
ValueError: operands could not be broadcast together with shapes (2,3) (4,)
ValueError: Unknown split 'train2'
TypeError: 'NoneType' object is not subscriptable
TypeError: forward() missing 1 required positional argument: 'input_ids'
TypeError: unsupported operand type(s) for +: 'int' and 'str'
TypeError: Object of type ndarray is not JSON serializable
TypeError: f() got an unexpected keyword argument 'colour'
AttributeError: 'NoneType' object has no attribute 'shape'
AttributeError: module 'os' has no attribute 'fork2'
AttributeError: 'Tensor' object has no attribute 'astype'
NameError: name 'model' is not defined
UnboundLocalError: cannot access local variable 'x' where it is not associated with a value
FileNotFoundError: [Errno 2] No such file or directory: 'data.csv'
FileNotFoundError: [Errno 2] No such file or directory: '/models/a/model.safetensors'
PermissionError: [Errno 13] Permission denied: '/etc/shadow'
IsADirectoryError: [Errno 21] Is a directory: 'model'
ConnectionRefusedError: [Errno 111] Connection refused
ConnectionResetError: [Errno 104] Connection reset by peer
TimeoutError: timed out
BrokenPipeError: [Errno 32] Broken pipe
OSError: [Errno 24] Too many open files
RecursionError: maximum recursion depth exceeded
AssertionError
AssertionError: shapes differ
NotImplementedError
RuntimeError: boom
RuntimeError: dictionary changed size during iteration
RuntimeError: The size of tensor a (3) must match the size of tensor b (4)
RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x3 and 4x5)
RuntimeError: Expected all tensors to be on the same device, but found cuda:0 and cpu!
RuntimeError: CUDA error: device-side assert triggered
UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte
json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)
subprocess.CalledProcessError: Command '['make']' returned non-zero exit status 2.
StopIteration
SystemExit: 1
KeyboardInterrupt
ImportError: attempted relative import with no known parent package
ImportError: cannot import name 'rows' from 'project.tables' (/srv/project/tables.py)
ModuleNotFoundError: import of x halted; None in sys.modules
sqlite3.OperationalError: database is locked
yaml.scanner.ScannerError: mapping values are not allowed here
pydantic_core._pydantic_core.ValidationError: 1 validation error for Job
RuntimeError: weight model.embed_tokens.weight does not exist
ValueError: ('Unrecognized keyword arguments:', dict_keys(['ragged']))
AttributeError: module 'tensorflow_hub' has no attribute 'KerasLayer'
RuntimeError: cuDNN error: CUDNN_STATUS_INTERNAL_ERROR
TypeError: ('Keyword argument not understood:', 'module')
TypeError: __init__() got an unexpected keyword argument 'dtype'
RuntimeError: PytorchStreamReader failed locating file constants.pkl: file not found
ValueError: could not broadcast input array from shape (3,) into shape (4,)
TimeoutError: The read operation timed out
ValueError: Unknown loss
pip install foo requires a GPU
KeyError: 'qwen'
AttributeError: 'Namespace' object has no attribute 'seen_tokens'
everything went well
""".splitlines()


def _code(rules: Rules, text: str) -> str | None:
    found = explain(rules, text)
    return found.code if found else None


def test_every_sample_gets_its_own_class(rules: Rules, samples: dict[str, str]) -> None:
    assert len(samples) == 94
    wrong = {name: got for name, text in samples.items() if (got := _code(rules, text)) != name}
    assert wrong == {}


def test_every_class_has_three_variants_and_a_near_miss(
    rules: Rules, variants: dict[str, Any], samples: dict[str, str]
) -> None:
    assert set(variants) == {rule.id for rule in rules.rules}
    assert set(variants) >= set(samples)
    assert len(samples) == 94
    thin = [name for name, of in variants.items() if len(set(of["variants"])) < 3 or not of["near"]]
    assert thin == []


def test_variants_are_claimed(rules: Rules, variants: dict[str, Any]) -> None:
    wrong = [
        (name, got, text)
        for name, of in variants.items()
        for text in of["variants"]
        if (got := _code(rules, text)) != name
    ]
    assert wrong == []


def test_near_misses_go_where_they_belong(rules: Rules, variants: dict[str, Any]) -> None:
    wrong = [
        (name, owner, got, text)
        for name, of in variants.items()
        for owner, text in of["near"].items()
        if (got := _code(rules, text)) != owner or owner == name
    ]
    assert wrong == []


def test_no_specific_rule_claims_the_sample_of_another_class(
    rules: Rules, samples: dict[str, str]
) -> None:
    parsed = {name: parse_failure(text) for name, text in samples.items()}
    strays = {
        (rule.id, name)
        for rule in rules.rules
        for name, failure in parsed.items()
        if rule.id != name and diagnose(Rules(rules.kinds, (rule,)), failure)
    }
    general = {rule.id for rule in rules.rules if rule.rank == "general"}
    assert {rule for rule, _ in strays} <= general
    assert general == {"py.module-missing", "hub.http-403-generic"}


def test_ordinary_failures_stay_undiagnosed(rules: Rules) -> None:
    assert len(ORDINARY) >= 40
    assert {text: got for text in ORDINARY if (got := _code(rules, text))} == {}


def test_no_pattern_holds_what_varies(rules: Rules) -> None:
    found = []
    for rule in rules.rules:
        for match in rule.match:
            literals = [*match.contains, *match.also]
            texts = [*literals, *(p for p in (match.pattern, match.unless) if p)]
            found += [(rule.id, t) for t in literals if re.search(r"\d+\.\d+", t)]
            found += [(rule.id, t) for t in texts if re.search(r"(?<![\w<)?+*`/:])/\w", t)]
            found += [
                (rule.id, name)
                for name in SAMPLE_NAMES.split()
                for text in texts
                if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)
            ]
    assert found == []
