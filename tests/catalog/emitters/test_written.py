"""Files and hashes that a source writes out: an address goes with its own hash, or is left out."""

from __future__ import annotations

import ast

import pytest

from caniload.catalog.upstream.emitters.written import checksums

A, B, C = "a" * 32, "b" * 32, "c" * 32
LONG = "d" * 64


def read(code: str, *names: str) -> list[tuple[str, str]]:
    tree = ast.parse(code)
    inner = {getattr(node, "name", ""): node for node in tree.body}
    return [
        (each["url"], each["value"]) for each in checksums([tree, *(inner[name] for name in names)])
    ]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (f"URL = 'http://x.org/f'\n_CHECKSUM = '{LONG}'", [("http://x.org/f", LONG)]),
        (f"T = {{'http://x.org/f': '{LONG}'}}", [("http://x.org/f", LONG)]),
        (f"T = {{'a': {{'url': 'http://x.org/f', 'md5': '{A}'}}}}", [("http://x.org/f", A)]),
        (f"T = {{'a': ['http://x.org/f', 'f.mat', '{A}']}}", [("http://x.org/f", A)]),
        (
            f"T = {{'urls': ['http://x.org/1', 'http://x.org/2'], 'checksums': ['{A}', '{B}']}}",
            [("http://x.org/1", A), ("http://x.org/2", B)],
        ),
        (
            f"D_URLS = {{'v': 'http://x.org/v', 'w': 'http://x.org/w'}}\nD_MD5 = {{'w': '{A}'}}",
            [("http://x.org/w", A)],
        ),
        # Two addresses and two hashes: only names of one stem belong together.
        (
            f"url = 'http://x.org/1'\nmd5 = '{A}'\nvoc_url = 'http://x.org/2'\nlist_md5 = '{B}'",
            [("http://x.org/1", A)],
        ),
        (f"H = {{'train': '{A}', 'test': '{B}'}}\nPAGE = 'http://x.org'", []),
        ("URL = 'http://x.org/f'\nSUM = 'not a hash'", []),
        (f"URL = mirror() + '/f'\nMD5 = '{A}'", []),
    ],
)
def test_constants(code: str, found: list[tuple[str, str]]) -> None:
    assert read(code) == found


def test_a_class_reads_its_own_names_and_calls_with_what_its_module_says() -> None:
    code = f"""
BASE = "http://x.org/"
class One:
    mirrors = [f"{{BASE}}m/", "http://y.org/"]
    resources = [("a.gz", "{A}"), ("b.gz", "{B}")]
    def download(self):
        part = BASE + "c.zip"
        fetch(part, self.root, md5="{C}")
        fetch(f"{{self.root}}/d.zip", md5="{A}")
class Other:
    pass
"""
    expected = [("http://x.org/c.zip", C), ("http://x.org/m/a.gz", A), ("http://x.org/m/b.gz", B)]
    assert read(code, "One") == expected
    assert read(code, "Other") == []
