"""Build every environment that serves by default, with caniload's own builder; with --all, all.

Where they go is `CANILOAD_ENVS`; those that stand already are left as they are.
"""

from __future__ import annotations

import sys
import time

from caniload.errors import CaniloadError
from caniload.runs import environments
from caniload.settings import Settings


def main() -> int:
    """Build them one after the other; print pip's lines only where it fails."""
    settings = Settings.read()
    for name, spec in environments.specs(settings).items():
        if not spec.default and "--all" not in sys.argv[1:]:
            continue
        started = time.monotonic()
        try:
            environments.build(spec, settings)
        except CaniloadError as error:
            print(error, file=sys.stderr)  # noqa: T201
            return error.exit_code
        print(f"environment {name}: {time.monotonic() - started:.0f} s", flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
