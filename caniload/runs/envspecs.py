"""Specifications of environments: which public versions stand together, one YAML file each."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import Field, ValidationError, field_validator

from caniload import yaml_text
from caniload.errors import CatalogueError, UnknownNameError, UnreadableFileError
from caniload.records import Record, digest
from caniload.settings import Settings
from caniload.words import FRAMEWORKS


class EnvSpec(Record):
    """Specify an environment: an interpreter range and pinned public versions.

    `disk_bytes` is what it took when it was last measured, for the checks before a build; a
    build for CUDA takes more. `patches` says in words whatever is changed after pip is done:
    results from a patched environment never count as a failure of the model; `patch_modules`
    names the files in `environments/patches/` that do it. `variables` are set for every worker
    in it. One that is not `default` is used only where it is named. No requirement
    holds a URL, a path or a local version (`+cpu`): pip finds the files under the user's own
    configuration.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    about: str = Field(min_length=1)
    python: str
    frameworks: tuple[str, ...] = Field(min_length=1)
    loaders: tuple[str, ...] = Field(min_length=1)
    requirements: tuple[str, ...]
    patches: tuple[str, ...] = ()
    patch_modules: tuple[str, ...] = ()
    variables: dict[str, str] = Field(default_factory=dict)
    default: bool = True
    disk_bytes: int = Field(gt=0)

    @field_validator("python")
    @classmethod
    def _range(cls, text: str) -> str:
        try:
            SpecifierSet(text)
        except InvalidSpecifier as error:
            raise ValueError(f"{text!r} is not a version range such as '>=3.11'") from error
        return text

    @field_validator("frameworks")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in FRAMEWORKS:
                raise ValueError(f"{name!r} is none of {', '.join(FRAMEWORKS)}")
        return names

    @field_validator("requirements")
    @classmethod
    def _pinned(cls, lines: tuple[str, ...]) -> tuple[str, ...]:
        for line in lines:
            _check_pin(line)
        return lines

    @property
    def digest(self) -> str:
        """First 16 hex digits over what decides the build; words about it do not count."""
        return digest(
            [self.python, sorted(self.requirements), list(self.patches), *self.patch_modules]
        )[:16]

    def admits(self, version: str) -> bool:
        """Tell whether a Python of this version may carry the environment."""
        return SpecifierSet(self.python).contains(version, prereleases=True)


def specs(settings: Settings) -> dict[str, EnvSpec]:
    """Read all specifications, by name; raise `CatalogueError` naming file and field."""
    paths = sorted((settings.data / "environments").glob("*.yaml"))
    found = _read(tuple((path, path.stat().st_mtime_ns) for path in paths))
    return {spec.name: spec for spec in found}


@lru_cache(maxsize=2)
def _read(files: tuple[tuple[Path, int], ...]) -> tuple[EnvSpec, ...]:
    """Read files, once for as long as none of them changes."""
    return tuple(read_spec(path) for path, _ in files)


def spec(name: str, settings: Settings) -> EnvSpec:
    """Return one specification; raise `UnknownNameError` with the names close to it."""
    known = specs(settings)
    if name not in known:
        near = tuple(get_close_matches(name, known))
        raise UnknownNameError("environment", name, near, "`caniload env list` shows all")
    return known[name]


def read_spec(path: Path) -> EnvSpec:
    """Read one YAML file; raise `CatalogueError` if it breaks the schema."""
    try:
        data = yaml_text.parse(path.read_text(encoding="utf-8"))
        found = EnvSpec.model_validate(data)
    except OSError as error:
        raise UnreadableFileError(str(path), error.strerror or str(error)) from error
    except yaml.YAMLError as error:
        raise CatalogueError(f"{path.name} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise CatalogueError(f"{path.name}: {field}: {first['msg']}") from error
    if found.name != path.stem:
        raise CatalogueError(f"{path.name}: name: is {found.name!r}, the file says {path.stem!r}")
    return found


def _check_pin(line: str) -> None:
    """Raise ValueError unless a requirement names one public version."""
    try:
        parsed = Requirement(line)
    except InvalidRequirement as error:
        raise ValueError(f"{line!r} is not a requirement: {str(error).splitlines()[0]}") from error
    if parsed.url is not None:
        raise ValueError(f"{line!r} holds a URL; name and version are enough")
    pins = list(parsed.specifier)
    if len(pins) != 1 or pins[0].operator != "==" or "*" in pins[0].version:
        raise ValueError(f"{line!r} pins no version; write {parsed.name}==VERSION")
    if "+" in pins[0].version:
        public = pins[0].version.partition("+")[0]
        raise ValueError(f"{line!r} names a local build; write {parsed.name}=={public}")
