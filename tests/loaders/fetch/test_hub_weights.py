"""What the code of an entry point downloads, told by reading it."""

from __future__ import annotations

import time
from pathlib import Path
from textwrap import dedent

import pytest

from caniload.loaders.fetch import hubconf
from caniload.loaders.fetch.hub_weights import needs

URL = "https://host.example/"

CODE: dict[str, tuple[str, set[str], set[str]]] = {
    "a constant": ("def e():\n    load_state_dict_from_url(U + 'a.pth')", {"a.pth"}, set()),
    "by a table": (
        """
        T = {'a': U + 'a.pth', 'b': U + 'b.pth'}
        def _make(arch, pretrained, **kwargs):
            if pretrained:
                return load_state_dict_from_url(T[arch], progress=kwargs.get('progress'))
        def e(pretrained=False, **kwargs):
            return _make('b', pretrained, **kwargs)
        """,
        {"b.pth"},
        set(),
    ),
    "by a table and a key that only the run knows": (
        """
        import os
        T = {'a': U + 'a.pth', 'b': U + 'b.pth'}
        def e():
            return load_state_dict_from_url(T[os.environ['WHICH']])
        """,
        set(),
        {"a.pth", "b.pth"},
    ),
    "one of two ways": (
        """
        def e(size=None):
            if torch.cuda.is_available():
                load_state_dict_from_url(U + 'a.pth')
            else:
                load_state_dict_from_url(U + 'b.pth')
        """,
        set(),
        {"a.pth", "b.pth"},
    ),
    "an early return": (
        """
        def e(flag=unknown()):
            if flag:
                return load_state_dict_from_url(U + 'a.pth')
            return load_state_dict_from_url(U + 'b.pth')
        """,
        set(),
        {"a.pth", "b.pth"},
    ),
    "a name given in two ways": (
        """
        def e():
            name = 'a' if torch.cuda.is_available() else 'b'
            load_state_dict_from_url(f'{U}{name}.pth')
        """,
        set(),
        {"a.pth", "b.pth"},
    ),
    "unless it is there": (
        """
        import os
        def e():
            if not os.path.exists('x'):
                load_state_dict_from_url(U + 'a.pth')
        """,
        {"a.pth"},
        set(),
    ),
    "a default that is known": (
        """
        def e(dataset='coco'):
            if dataset == 'voc':
                load_state_dict_from_url(U + 'a.pth')
            elif dataset in ('coco', 'cityscapes'):
                load_state_dict_from_url('%s%s.pth' % (U, dataset))
            else:
                raise ValueError(dataset)
        """,
        {"coco.pth"},
        set(),
    ),
    "a loop": (
        """
        def e():
            for part in ['a', 'b']:
                load_state_dict_from_url(U + '{}.pth'.format(part))
        """,
        {"a.pth", "b.pth"},
        set(),
    ),
    "a class with a method": (
        """
        class Net:
            url = U + 'a.pth'
            def __init__(self, pretrained):
                self.where = self.url
                if pretrained:
                    self.load()
            def load(self):
                load_state_dict_from_url(self.where)
        def e(pretrained=True):
            return Net(pretrained=pretrained)
        """,
        {"a.pth"},
        set(),
    ),
    "an enumeration as torchvision has them": (
        """
        from dataclasses import dataclass
        from enum import Enum
        @dataclass
        class Weights:
            url: str
            meta: dict
        class WeightsEnum(Enum):
            @classmethod
            def verify(cls, obj):
                if type(obj) is str:
                    obj = cls[obj.replace(cls.__name__ + '.', '')]
                return obj
            def get_state_dict(self, **kwargs):
                return load_state_dict_from_url(self.url, **kwargs)
            @property
            def url(self):
                return self.value.url
        class Net_Weights(WeightsEnum):
            V1 = Weights(url=U + 'a.pth', meta={})
            V2 = Weights(url=U + 'b.pth', meta={})
            DEFAULT = V2
        def e(*, weights: 'Optional[Net_Weights]' = None, progress=True):
            weights = Net_Weights.verify(weights)
            if weights is not None:
                weights.get_state_dict(progress=progress, check_hash=True)
        """,
        {"b.pth"},
        set(),
    ),
    "into torch.hub's own folder": (
        """
        import os, torch
        def e():
            there = os.path.join(torch.hub.get_dir(), 'checkpoints', 'renamed.pth')
            torch.hub.download_url_to_file(U + 'a.pth', there)
        """,
        {"renamed.pth"},
        set(),
    ),
    "into some other folder": (
        """
        import torch
        def e():
            torch.hub.download_url_to_file(U + 'a.pth', '/tmp/a.pth')
            torch.hub.load_state_dict_from_url(U + 'b.pth', model_dir='models')
        """,
        set(),
        {"a.pth", "b.pth"},
    ),
    "a handler of an exception": (
        """
        def e():
            try:
                load_state_dict_from_url(U + 'a.pth')
            except Exception:
                load_state_dict_from_url(U + 'b.pth')
        """,
        {"a.pth"},
        {"b.pth"},
    ),
    "a name that leaves the folder": (
        "def e():\n    load_state_dict_from_url(U + 'a.pth', file_name='../../x.pth')",
        set(),
        {"a.pth"},
    ),
    "a width that would fill the memory": (
        "def e():\n    load_state_dict_from_url(U + '%0999999999d.pth' % 1)",
        set(),
        {"unresolved:hubconf.py:5"},
    ),
}


def _read(folder: Path, **files: str) -> hubconf.Sources:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return hubconf.Sources(folder)


@pytest.mark.parametrize("name", CODE)
def test_only_what_is_certain_counts_as_used(tmp_path: Path, name: str) -> None:
    code, used, left = CODE[name]
    head = f"import torch\nfrom torch.hub import load_state_dict_from_url\nU = {URL!r}"
    found = needs(_read(tmp_path, hubconf=f"{head}\n{dedent(code).strip()}\n"), "e")
    assert {one.path.removeprefix("checkpoints/") for one in found.files} == used
    assert {text.removeprefix(URL) for text in found.unfetched} == left


def test_calls_are_followed_into_the_modules_of_the_repository(tmp_path: Path) -> None:
    sources = _read(
        tmp_path,
        hubconf="from net.zoo import *\nfrom net import layers as _layers\n",
        net____init__="",
        net__layers="",
        net__zoo="""
            from .urls import address as _address
            from ..nowhere import lost
            __all__ = ['entry']
            def entry(pretrained=False):
                from torch.utils import model_zoo
                if pretrained:
                    return model_zoo.load_url(_address('entry'))
        """,
        src__unused="",
        net__urls=f"""
            BASE = {URL!r}
            address = lambda name: f"{{BASE}}{{name.upper()}}.pth"
        """,
    )
    assert hubconf.entries(sources) == ("entry",)
    found = needs(sources, "entry")
    assert [one.url for one in found.files] == [f"{URL}ENTRY.pth"]
    assert found.call == {"pretrained": True}


def test_other_hubs_that_the_code_asks_are_recorded(tmp_path: Path) -> None:
    code = """
        import torch
        from huggingface_hub import hf_hub_download
        def e():
            hf_hub_download("owner/name", "model.pt")
            torch.hub.load("owner/repo", "backbone", pretrained=True)
    """
    found = needs(_read(tmp_path, hubconf=code), "e")
    assert found.files == ()
    assert found.unfetched == ("hf:owner/name", "torchhub:owner/repo/backbone")


@pytest.mark.parametrize(
    "body",
    [
        "return e()",
        "while True: e()",
        "return [e() for a in range(9) for b in range(9)]",
        "return " + "(" * 150 + "1" + ")" * 150,
        "x = 1\n    x = " + "+".join(["x"] * 3000),
        "return f()\nclass f(f): pass",
    ],
)
def test_code_made_to_be_endless_ends(tmp_path: Path, body: str) -> None:
    sources = _read(tmp_path, hubconf=f"T = '{URL}a.pth'\ndef e():\n    {body}\n")
    started = time.monotonic()
    assert needs(sources, "e").files == ()
    assert time.monotonic() - started < 5


def test_a_hubconf_that_makes_its_names_when_run_is_not_denied(tmp_path: Path) -> None:
    sources = _read(tmp_path, hubconf="for n in 'ab':\n    globals()[n] = print\n")
    assert hubconf.bound(sources, "a") is None
    sources = _read(tmp_path / "plain", hubconf="dependencies = ['x'] + ['y']\ndef b(): ...\n")
    assert hubconf.bound(sources, "a") is False
    assert hubconf.dependencies(sources) == ("x", "y")
