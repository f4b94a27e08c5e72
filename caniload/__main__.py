"""Start the command line: `python -m caniload`, and what the `caniload` script calls."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that the arguments name and end the process with its exit code.

    A query does without the garbage collector and without the interpreter's teardown, which
    together cost 30 ms of the 250 that it takes; it has closed what it opened by then.
    """
    argv, quick = sys.argv[1:], False
    try:
        from caniload.cli.registry import COMMANDS

        entry = COMMANDS.get(argv[0]) if argv else None
        if entry is not None and entry.query:
            gc.disable()
            quick = True
        from caniload.cli.boundary import Ending, run

        code = run(argv)
        quick = quick or Ending.quick
    except KeyboardInterrupt:
        code = 130
    if quick:
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
