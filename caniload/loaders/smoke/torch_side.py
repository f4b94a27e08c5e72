"""What loaders on PyTorch share: live tensors, devices, seeds, numpy outputs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .devices import describe, processor, split
from .loader import CheckResult, Job
from .safetensors_reader import Tensor
from .weights import Live

_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
}


def exact() -> bool:
    """Switch TF32 off and return that it is off: agreement is measured in true float32."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return False


def same(live: Any, tensor: Tensor, every: int = 1) -> bool:
    """Tell whether a live tensor holds a file tensor's bytes, after the cast to its dtype.

    With `every` only each so many-th block of a large tensor is looked at, its end included.
    """
    import torch

    stored = torch.frombuffer(tensor.data, dtype=_kind(tensor)) if tensor.data else None
    held = live.detach().to("cpu").contiguous().reshape(-1)
    if stored is None:
        return held.numel() == 0
    if stored.dtype != held.dtype:
        stored = stored.to(held.dtype)
    if held.numel() != stored.numel():
        return False
    return equal_bytes(held.view(torch.uint8), stored.view(torch.uint8), every)


BLOCK_BYTES = 1 << 14
EVERY = 32
"""Of a large model's tensors the first 16 KiB of every 512 KiB are compared, and the end."""


def equal_bytes(a: Any, b: Any, every: int = 1) -> bool:
    """Tell whether two vectors of bytes are equal; eight at a time, which is four times faster."""
    import torch

    blocks = a.numel() // BLOCK_BYTES if every > 1 else 0
    begin = 0
    if blocks > every:
        rest = blocks * BLOCK_BYTES
        shape = (blocks, BLOCK_BYTES // 8)
        left, right = (v[:rest].view(torch.int64).view(shape)[::every] for v in (a, b))
        if not torch.equal(left, right):
            return False
        begin = rest - BLOCK_BYTES
    end = a.numel() - a.numel() % 8
    if end > begin and not torch.equal(
        a[begin:end].view(torch.int64), b[begin:end].view(torch.int64)
    ):
        return False
    return bool(end == a.numel() or torch.equal(a[end:], b[end:]))


def _kind(tensor: Tensor) -> Any:
    """Return PyTorch's dtype of a file's tensor."""
    import torch

    kind = getattr(torch, _DTYPES.get(tensor.dtype, ""), None)
    if kind is None:
        raise ValueError(f"tensor {tensor.name!r} has dtype {tensor.dtype}, not comparable yet")
    return kind


PROBED = 16
"""How many values at either end of a tensor stand for it until all are compared."""


def probe(live: Any, tensor: Tensor | None) -> bytes:
    """Return a few values of a file's tensor in the live one's dtype, or of the live one."""
    import torch

    if tensor is None:
        flat = live.detach().reshape(-1)
    elif tensor.dtype not in _DTYPES:
        return b"not comparable"
    else:
        kind = _kind(tensor)
        if kind == live.dtype:
            length = PROBED * live.element_size()
            return bytes(tensor.data[:length]) + bytes(tensor.data[-length:])
        flat = torch.frombuffer(tensor.data, dtype=kind) if tensor.data else torch.empty(0)
    ends = torch.cat([flat[:PROBED], flat[-PROBED:]]).to("cpu", live.dtype).contiguous()
    return bytes(ends.view(torch.uint8).numpy())


def live_tensors(model: Any) -> Iterator[Live]:
    """Yield parameters and buffers of a module, tied ones under each of their names."""
    saved = set(model.state_dict(keep_vars=True))
    named = [(name, value, True) for name, value in _all(model, "named_parameters")]
    named += [(name, value, False) for name, value in _all(model, "named_buffers")]
    for name, value, parameter in named:
        yield Live(
            name=name,
            shape=tuple(value.shape),
            matches=lambda tensor, value=value: same(value, tensor),
            storage=(value.device, value.data_ptr(), tuple(value.shape), tuple(value.stride())),
            persistent=parameter or name in saved,
            parameter=parameter,
            dtype=str(value.dtype),
            probe=lambda tensor, value=value: probe(value, tensor),
            glance=lambda tensor, value=value: same(value, tensor, EVERY),
        )


def _all(model: Any, method: str) -> list[tuple[str, Any]]:
    """List a module's tensors with every name of a tied one."""
    return list(getattr(model, method)(remove_duplicate=False))


def placed(model: Any, seen: set[str], job: Job) -> CheckResult:
    """Check that parameters, buffers and the outputs seen sat on the device asked for."""
    import torch

    wanted = torch.device(job["device"])
    kinds = {label(value.device) for _, value in _all(model, "named_parameters")}
    kinds |= {label(value.device) for _, value in _all(model, "named_buffers")} | seen
    if wanted.type != "cpu" and wanted.index is None:
        kinds = {kind.partition(":")[0] for kind in kinds}
    wrong = sorted(kinds - {str(wanted)})
    if wrong or not seen:
        text = f"asked for {job['device']}, found {', '.join(wrong) or 'no output'}"
        return CheckResult.failed("device", "wrong_device", text)
    return CheckResult("device", "passed", f"parameters, buffers and outputs on {wanted}")


def label(device: Any) -> str:
    """Name a device as the job does; the cpu has no index."""
    return "cpu" if device.type == "cpu" else str(device)


def device_facts(job: Job) -> dict[str, Any]:
    """Describe the device by what PyTorch says of it."""
    import torch

    kind, index = split(job["device"])
    facts = describe(job["device"])
    if kind == "cuda":
        found = torch.cuda.get_device_properties(index or 0)
        facts.update(
            name=found.name,
            memory_bytes=found.total_memory,
            compute_capability=f"{found.major}.{found.minor}",
            driver=f"CUDA {torch.version.cuda}",
        )
    elif kind == "mps" and torch.backends.mps.is_available():
        facts.update(name=processor(), memory_bytes=torch.mps.recommended_max_memory())
    return facts


def seed_all(seed: int) -> None:
    """Seed PyTorch's generators on every device."""
    import torch

    torch.manual_seed(seed)


def to_numpy(tensor: Any) -> Any:
    """Return a tensor as numpy; half precisions that numpy lacks widen to float32."""
    import torch

    held = tensor.detach().to("cpu")
    if held.dtype in (torch.bfloat16,):
        held = held.to(torch.float32)
    return held.numpy()


def read_pickles(paths: list[Path]) -> dict[str, Tensor]:
    """Return the tensors of state dicts by name; nothing but tensors is unpickled."""
    import torch

    names = {kind: ours for ours, kind in _DTYPES.items()}
    found: dict[str, Tensor] = {}
    for path in paths:
        for name, value in torch.load(path, map_location="cpu", weights_only=True).items():
            if torch.is_tensor(value):
                kind = names[str(value.dtype).rpartition(".")[2]]
                flat = value.detach().contiguous().reshape(-1).view(torch.uint8)
                data = memoryview(flat.numpy())
                found[name] = Tensor(name, kind, tuple(value.shape), data)
    return found
