"""Where caniload keeps things and which variables steer it.

Every path can be moved by one `CANILOAD_*` variable; without any, platformdirs decides.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from caniload.errors import BadInputError


@dataclass(frozen=True, slots=True)
class Settings:
    """Hold the resolved settings; `Settings.read()` takes them from the environment."""

    home: Path
    cache: Path
    envs: Path
    data: Path
    debug: bool
    observer: str
    env_budget_bytes: int
    http_timeout_seconds: float = 30.0
    http_retries: int = 4
    evidence: tuple[str, ...] = ()

    @classmethod
    def read(cls, environ: dict[str, str] | None = None) -> Settings:
        """Resolve settings from `CANILOAD_HOME`, `_CACHE`, `_ENVS`, `_DATA`, `_DEBUG`, `_OBSERVER`.

        `CANILOAD_HOME` alone moves everything: cache and environments then lie inside it.
        `CANILOAD_HTTP_TIMEOUT` is the seconds a download may stay silent, `CANILOAD_HTTP_RETRIES`
        how often a transient failure is tried again. `CANILOAD_EVIDENCE` names folders or URLs
        of finished segments, separated by spaces, that are read where they lie.
        """
        env = os.environ if environ is None else environ
        home_text, cache_text = env.get("CANILOAD_HOME"), env.get("CANILOAD_CACHE")
        if home_text:
            home = Path(home_text).expanduser().absolute()
            cache = home / "cache"
        else:
            import platformdirs

            home = Path(platformdirs.user_data_dir("caniload", appauthor=False))
            cache = Path(platformdirs.user_cache_dir("caniload", appauthor=False))
        if cache_text:
            cache = Path(cache_text).expanduser().absolute()
        envs_text = env.get("CANILOAD_ENVS")
        data_text = env.get("CANILOAD_DATA")
        return cls(
            home=home,
            cache=cache,
            envs=Path(envs_text).expanduser().absolute() if envs_text else home / "envs",
            data=Path(data_text).expanduser().absolute()
            if data_text
            else Path(__file__).parent / "data",
            debug=env.get("CANILOAD_DEBUG", "") not in ("", "0"),
            observer=env.get("CANILOAD_OBSERVER", "me"),
            env_budget_bytes=int(_number(env, "CANILOAD_ENV_BUDGET_GB", 30) * 1e9),
            http_timeout_seconds=_number(env, "CANILOAD_HTTP_TIMEOUT", 30),
            http_retries=int(_number(env, "CANILOAD_HTTP_RETRIES", 4)),
            evidence=tuple(env.get("CANILOAD_EVIDENCE", "").split()),
        )

    @property
    def store(self) -> Path:
        """Directory of the generations and the `CURRENT` file."""
        return self.home / "store"

    @property
    def segments(self) -> Path:
        """Directory of journal segments: one folder a run, `<run_id>/`."""
        return self.home / "segments"

    @property
    def blobs(self) -> Path:
        """Directory of whole outputs, named by sha256."""
        return self.home / "blobs"

    @property
    def logs(self) -> Path:
        """Directory of workers' logs: `<run_id>/<observation_id>.log`."""
        return self.home / "logs"

    @property
    def imported(self) -> Path:
        """Directory of the snapshots of upstream catalogues that the user imported."""
        return self.home / "imported"

    @property
    def artefacts(self) -> Path:
        """Directory of fetched files."""
        return self.cache / "artefacts"


def _number(env: Mapping[str, str], name: str, otherwise: float) -> float:
    """Read a variable that holds a number, none of them negative; raises `BadInputError`."""
    text = env.get(name) or str(otherwise)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise BadInputError(f"{name} is {text!r}, which is no number", f"set {name}={otherwise:g}")
    return value
