"""The Python files of a torch.hub repository, parsed and never run.

`Sources` finds modules as Python would from the repository's root (and its `src/`, which many
hubconfs put on the path). `entries` and `dependencies` read what `torch.hub.list` and
`torch.hub.load` learn by executing `hubconf.py`.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LARGEST_BYTES = 2 << 20
"""A Python file above this is not parsed."""

_DYNAMIC = {"globals", "locals", "vars", "exec", "setattr", "eval"}
_DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Imported:
    """Name what an import binds: a module, or one name of it."""

    module: str
    name: str | None = None


Binding = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr | Imported


@dataclass
class Module:
    """Hold one parsed file: its dotted name, its tree, and what its top level binds."""

    name: str
    file: str
    tree: ast.Module
    package: str
    top: dict[str, Binding] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    dynamic: bool = False
    """Whether the top level makes names in a way that cannot be read."""


class Sources:
    """Find and parse the modules below a repository's root, each once."""

    def __init__(self, root: Path) -> None:
        """Look below the root, and below `src`."""
        self.root = root
        self.modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """Return a module by its dotted name; None where the repository has no such file."""
        if name not in self.modules:
            self.modules[name] = None
            self.modules[name] = self._find(name)
        return self.modules[name]

    def _find(self, name: str) -> Module | None:
        parts = name.split(".")
        if not all(part.isidentifier() for part in parts):
            return None
        for base in (self.root, self.root / "src"):
            stem = base.joinpath(*parts)
            for path, package in (
                (stem / "__init__.py", name),
                (stem.with_suffix(".py"), name.rpartition(".")[0]),
            ):
                tree = _parse(path)
                if tree is not None:
                    file = path.relative_to(self.root).as_posix()
                    return _bound(Module(name, file, tree, package), tree.body)
        return None

    def lookup(self, module: Module, name: str, depth: int = 0) -> tuple[Module, Binding] | None:
        """Return the binding of a top-level name, followed through imports inside the repository.

        An import of something outside is returned as it stands; None where nothing binds it.
        """
        binding = module.top.get(name)
        if depth > 20:
            return None
        if binding is None:
            for star in module.stars:
                there = self.module(star)
                if there is not None and (found := self.lookup(there, name, depth + 1)):
                    return found
            return None
        if isinstance(binding, Imported) and binding.name is not None:
            there = self.module(binding.module)
            found = self.lookup(there, binding.name, depth + 1) if there is not None else None
            if found is not None:
                return found
            whole = f"{binding.module}.{binding.name}"
            if self.module(whole) is not None:
                return module, Imported(whole)
        return module, binding


def hubconf(sources: Sources) -> Module | None:
    """Return the repository's `hubconf.py`, None where it has none that can be parsed."""
    return sources.module("hubconf")


def entries(sources: Sources) -> tuple[str, ...]:
    """Return the entry points: what `hubconf.py` defines, or imports from the repository, to call.

    A name imported from outside the repository is no entry point, although `torch.hub.list`
    names it if it can be called.
    """
    conf = hubconf(sources)
    if conf is None:
        return ()
    return tuple(
        name
        for name in _names(sources, conf)
        if not name.startswith("_") and _callable(sources, conf, name)
    )


def bound(sources: Sources, entry: str) -> bool | None:
    """Tell whether `hubconf.py` binds an entry point; None where only running it could tell."""
    conf = hubconf(sources)
    if conf is None:
        return False
    if sources.lookup(conf, entry) is not None:
        return True
    unseen = any(sources.module(star) is None for star in conf.stars)
    return None if conf.dynamic or unseen else False


def dependencies(sources: Sources) -> tuple[str, ...]:
    """Return the packages that `hubconf.py` says it needs: what `torch.hub.load` asks first for."""
    conf = hubconf(sources)
    found = None if conf is None else sources.lookup(conf, "dependencies")
    if found is None or not isinstance(found[1], ast.expr):
        return ()
    return tuple(
        dict.fromkeys(
            node.value
            for node in ast.walk(found[1])
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
    )


def _parse(path: Path) -> ast.Module | None:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST_BYTES:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements and those inside `if`, `try` and `with`, in order."""
    for statement in body:
        yield statement
        for part in ("body", "orelse", "finalbody"):
            if isinstance(statement, ast.If | ast.Try | ast.With):
                yield from statements(getattr(statement, part, []))
        for handler in getattr(statement, "handlers", []):
            yield from statements(handler.body)


def _bound(module: Module, body: list[ast.stmt]) -> Module:
    """Fill in what a module's top level binds."""
    for statement in statements(body):
        if isinstance(statement, _DEFINES):
            module.top[statement.name] = statement
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            for name, imported in imports(statement, module.package):
                if name == "*":
                    module.stars.append(imported.module)
                else:
                    module.top[name] = imported
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    module.top[target.id] = statement.value
        elif isinstance(statement, ast.Expr | ast.For):
            module.dynamic |= any(
                isinstance(node, ast.Name) and node.id in _DYNAMIC for node in ast.walk(statement)
            )
    return module


def imports(statement: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, Imported]]:
    """Yield the names that an import binds; a relative one is made absolute."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            name = alias.asname or alias.name.partition(".")[0]
            yield name, Imported(alias.name if alias.asname else name)
        return
    base = statement.module or ""
    if statement.level:
        parts = package.split(".") if package else []
        kept = parts[: len(parts) - statement.level + 1]
        base = ".".join([*kept, base] if base else kept)
    for alias in statement.names:
        yield alias.asname or alias.name, Imported(base, alias.name)


def _names(sources: Sources, module: Module, depth: int = 0) -> list[str]:
    """Return the top-level names of a module, those of its star imports too."""
    names = dict.fromkeys(module.top)
    for star in module.stars:
        there = sources.module(star)
        if there is not None and depth < 5:
            names |= dict.fromkeys(_names(sources, there, depth + 1))
    return list(names)


def _callable(sources: Sources, module: Module, name: str, depth: int = 0) -> bool:
    found = sources.lookup(module, name)
    if found is None or depth > 5:
        return False
    where, binding = found
    if isinstance(binding, _DEFINES):
        return True
    if isinstance(binding, ast.Call):
        called = ast.unparse(binding.func)
        return called.rpartition(".")[2] == "partial"
    if isinstance(binding, ast.Name) and (where, binding.id) != (module, name):
        return _callable(sources, where, binding.id, depth + 1)
    return isinstance(binding, ast.Lambda)
