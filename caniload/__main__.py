"""Start the command line: `python -m caniload`, and what the `caniload` script calls."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that the arguments name and end the process with its exit code."""
    try:
        from caniload.cli.boundary import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
