"""Find the files that a module's source writes out with their hashes, without running it.

Read are constants of a module, a class or a function (tables of addresses and hashes, or two
names such as `url` and `md5`) and calls that are handed both. An address that is put together
from constants is; a hash whose address is not written out is left out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any

_HASH = re.compile(r"[0-9a-f]{32}([0-9a-f]{32})?\Z")
_ADDRESS = re.compile(r"(https?|ftp)://\S+\Z")
_ROLE = re.compile(r"_?(url|md5|checksum)s?_?", re.IGNORECASE)
_PREFIXES = ("mirrors", "download_url_prefix", "_download_url_prefix")
"""Names of the address that stands before file names, as torchvision calls it."""

Pair = tuple[str, str]


def checksums(scopes: Iterable[ast.AST]) -> list[dict[str, Any]]:
    """Return the files of some scopes, a module or a class, each once, sorted by address."""
    known: dict[str, Any] = {}
    found: set[Pair] = set()
    for scope in scopes:
        inner = isinstance(scope, ast.ClassDef)
        names = _constants(scope, known)
        known.update(names)
        found.update(_pairs(names))
        if inner:
            for method in scope.body:
                if isinstance(method, ast.FunctionDef):
                    found.update(_calls(method, {**known, **_constants(method, known)}))
        elif isinstance(scope, ast.FunctionDef):
            found.update(_calls(scope, known))
    return [
        {"url": url, "algorithm": "sha256" if len(value) == 64 else "md5", "value": value}
        for url, value in sorted(found)
    ]


def _constants(scope: Any, known: dict[str, Any]) -> dict[str, Any]:
    """Return the names that a scope gives to values which are written out."""
    found: dict[str, Any] = {}
    for node in scope.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and getattr(node, "value", None) is not None:
            value = _value(node.value, {**known, **found})
            if value is not None:
                found[target.id] = value
    return found


def _value(node: ast.AST, known: dict[str, Any]) -> Any:
    """Evaluate what is made of constants and known names; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self", "cls"):
        return known.get(node.attr)
    if isinstance(node, (ast.Tuple, ast.List)):
        return [_value(each, known) for each in node.elts]
    if isinstance(node, ast.Dict):
        return {
            str(_value(key, known)): _value(value, known)
            for key, value in zip(node.keys, node.values)
            if key is not None
        }
    if isinstance(node, ast.FormattedValue):
        return _value(node.value, known)
    parts = None
    if isinstance(node, ast.JoinedStr):
        parts = [_value(each, known) for each in node.values]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [_value(node.left, known), _value(node.right, known)]
    texts = parts is not None and all(isinstance(each, str) for each in parts)
    return "".join(parts) if texts and parts else None


def _pairs(names: dict[str, Any]) -> Iterator[Pair]:
    """Yield what a scope's names say: in one table, in two of one shape, or in two names."""
    prefix = next((names[name] for name in _PREFIXES if name in names), None)
    for value in names.values():
        yield from _within(value, prefix[0] if isinstance(prefix, list) else prefix)
    addresses = {n: v for n, v in names.items() if _is(v, _ADDRESS) and n not in _PREFIXES}
    hashes = {n: v for n, v in names.items() if _is(v, _HASH)}
    if len(addresses) == len(hashes) == 1:
        yield from zip(addresses.values(), hashes.values())
        return
    for name, value in names.items():
        role = _ROLE.sub("", name.lower())
        for other, address in names.items():
            if other != name and _ROLE.sub("", other.lower()) == role:
                yield from _matched(address, value)


def _matched(address: Any, value: Any) -> Iterator[Pair]:
    """Yield an address and its hash, or those of two tables with the same keys."""
    if isinstance(address, dict) and isinstance(value, dict):
        for key in address.keys() & value.keys():
            yield from _matched(address[key], value[key])
    elif _is(address, _ADDRESS) and _is(value, _HASH):
        yield address, value


def _within(value: Any, prefix: str | None) -> Iterator[Pair]:
    """Yield addresses that stand in one row of a table with one hash, however deep."""
    if isinstance(value, dict):
        for key, each in value.items():
            if _is(key, _ADDRESS) and _is(each, _HASH):
                yield key, each
        if isinstance(value.get("urls"), list) and isinstance(value.get("checksums"), list):
            yield from zip(value["urls"], value["checksums"])
            return
    row = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(row, list):
        return
    hashes = [each for each in row if _is(each, _HASH)]
    addresses = [each for each in row if _is(each, _ADDRESS)]
    files = [each for each in row if _is(each, re.compile(r"[\w.-]+\.\w+\Z"))]
    if len(hashes) == 1 and len(addresses) == 1:
        yield addresses[0], hashes[0]
    elif len(hashes) == 1 and len(files) == 1 and not addresses and _is(prefix, _ADDRESS):
        yield f"{prefix}{files[0]}", hashes[0]
    for each in row:
        yield from _within(each, prefix)


def _calls(function: ast.FunctionDef, known: dict[str, Any]) -> Iterator[Pair]:
    """Yield the address and the hash of calls in a function that are handed both."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        values = [_value(each, known) for each in given]
        hashes = [value for value in values if _is(value, _HASH)]
        addresses = [value for value in values if _is(value, _ADDRESS)]
        if len(hashes) == len(addresses) == 1:
            yield addresses[0], hashes[0]


def _is(value: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.match(value) is not None
