"""What is said of accelerators that this machine lacks: by a stand-in of PyTorch's interface."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from caniload.loaders.smoke import devices, torch_side


def stand_in(*, there: bool) -> SimpleNamespace:
    """The parts of PyTorch that are asked of Apple's and NVIDIA's devices."""

    def used(index: int) -> int:
        if not there:
            raise RuntimeError("Torch not compiled with CUDA enabled")
        return 1000 + index

    return SimpleNamespace(
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: there)),
        mps=SimpleNamespace(
            recommended_max_memory=lambda: 5_000, driver_allocated_memory=lambda: 700
        ),
        cuda=SimpleNamespace(max_memory_allocated=used),
    )


def asked(device: str, framework: str = "pytorch") -> dict[str, str]:
    return {"device": device, "framework": framework}


def test_peak_memory_is_the_devices_own_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", stand_in(there=True))
    assert devices.peak(asked("cuda:3")) == {"peak_device_bytes": 1003}
    assert devices.peak(asked("cuda")) == {"peak_device_bytes": 1000}
    assert devices.peak(asked("mps")) == {"peak_device_bytes": 700}
    assert devices.peak(asked("cpu")) == {}
    assert devices.peak(asked("cuda", "jax")) == {}


def test_peak_memory_of_a_device_that_is_not_there_is_not_stated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", stand_in(there=False))
    assert devices.peak(asked("cuda:0")) == {}
    monkeypatch.delitem(sys.modules, "torch")
    assert devices.peak(asked("cuda:0")) == {}


def test_mps_is_described_by_what_pytorch_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", stand_in(there=True))
    found = torch_side.device_facts(asked("mps"))
    assert (found["kind"], found["index"], found["memory_bytes"]) == ("mps", None, 5_000)
    assert found["name"] == devices.processor()
