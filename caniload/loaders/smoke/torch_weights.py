"""Compare a PyTorch module with weight files, whatever they wrap their state dicts in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from . import safetensors_reader, torch_side, weights
from .loader import CheckResult
from .safetensors_reader import Tensor

SUFFIXES = (".pth", ".pt", ".bin", ".ckpt", ".tar", ".jit", ".th", ".safetensors", ".pkl")
"""How files of weights end; what they are is read from them."""

_LOST = ("weights_missing", "weights_random")


def files_below(folder: Path) -> list[Path]:
    """List the files of a folder tree that are named as weights are."""
    if not folder.is_dir():
        return []
    return [
        path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in SUFFIXES
    ]


def read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name: safetensors, TorchScript, or a state dict.

    Of a checkpoint the names tell the way, as in `state_dict.conv.weight`. Nothing beyond
    tensors is unpickled; {} for a file that holds none.
    """
    import torch

    try:
        return safetensors_reader.read_all([path])
    except ValueError:
        pass
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # noqa: BLE001 (any file may lie in a repository: what it is shows here)
        try:
            held = dict(torch.jit.load(str(path), map_location="cpu").state_dict())
        except Exception:  # noqa: BLE001 (neither: no weights that can be read)
            return {}
    return stored(held)


def stored(held: Any) -> dict[str, Tensor]:
    """Return the tensors of a loaded object as a file's, by the way to them."""
    import torch

    names = {ours: theirs for theirs, ours in torch_side._DTYPES.items()}
    found = {}
    for name, value in tensors(held):
        kind = names.get(str(value.dtype).rpartition(".")[2])
        if kind is None or value.layout is not torch.strided or value.is_quantized:
            continue
        flat = value.detach().contiguous().reshape(-1).view(torch.uint8)
        found[name] = Tensor(name, kind, tuple(value.shape), memoryview(flat.numpy()))
    return found


def tensors(held: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every tensor of nested mappings and rows, with the way to it."""
    import torch

    if torch.is_tensor(held):
        yield name or "tensor", held
    elif isinstance(held, dict):
        for key, value in held.items():
            yield from tensors(value, f"{name}.{key}" if name else str(key))
    elif isinstance(held, (list, tuple)):
        for index, value in enumerate(held):
            yield from tensors(value, f"{name}.{index}" if name else str(index))


def compare(paths: Iterable[Path], module: Any) -> CheckResult:
    """Check that a module's weights are those of one of the files, or of all together.

    By name where names are kept, wrappers like `module.` left out; else each trainable tensor
    by a digest of its values.
    """
    contents = {path.name: read(path) for path in paths}
    contents = {name: found for name, found in contents.items() if found}
    if not contents:
        text = "the artefact holds no weight file that can be read to compare"
        return CheckResult.failed("weights", "weights_unread", text)
    live = list(torch_side.live_tensors(module))
    together: dict[str, Tensor] = {}
    for found in contents.values():
        together.update(found)
    best: CheckResult | None = None
    for name, found in (*contents.items(), ("all files", together)):
        result = _compare(found, live, module)
        if result.status == "passed":
            result.detail = f"{name}: {result.detail}"
            return result
        if best is None or result.numbers.get("missing", 0) < best.numbers.get("missing", 0):
            best = result
    assert best is not None
    return best


def _compare(found: dict[str, Tensor], live: list[weights.Live], module: Any) -> CheckResult:
    """Compare with one file's tensors: by name, and where the names are others, by values."""
    named = weights.compare_named(unwrapped(found, [item.name for item in live]), live)
    if named.status == "passed" or not named.detail.startswith(_LOST):
        return named
    held = {
        name: weights.digest(torch_side.to_numpy(value))
        for name, value in module.named_parameters()
        if value.is_floating_point()
    }
    if not held:
        return named
    result = weights.compare_values(weights.digests(found), held)
    if result.status == "passed":
        result.detail += "; the file names them otherwise"
        return result
    return named


def unwrapped(found: dict[str, Tensor], names: list[str]) -> dict[str, Tensor]:
    """Return a file's tensors under a module's names, without what is put before them all.

    Checkpoints put `module.`, `model.` or the way to the state dict before each name.
    """
    starts = {""}
    for name in names[:20]:
        starts |= {key[: -len(name)] for key in found if key.endswith(f".{name}") and key != name}

    def hits(start: str) -> int:
        return sum(1 for name in names if start + name in found)

    start = max(sorted(starts), key=hits)
    if not start:
        return found
    return {key[len(start) :]: value for key, value in found.items() if key.startswith(start)}
