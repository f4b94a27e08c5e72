"""Failures that need no framework: run with `-S`, so that nothing is installed."""

import collections
import ctypes
import pathlib
import re
import tempfile

from provoking import main, provokes


@provokes("env.disk-full")
def _():
    pathlib.Path("/dev/full").write_text("x")


@provokes("env.shared-lib")
def _():
    ctypes.CDLL("libnobodys.so.9")


@provokes("env.glibc")
def _():
    import _ctypes

    built = pathlib.Path(_ctypes.__file__).read_bytes()
    newer = re.sub(rb"GLIBC_2\.(\d+)\0", lambda m: b"GLIBC_9." + m[1] + b"\0", built)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "newer.so"
        path.write_bytes(newer)
        ctypes.CDLL(str(path))


@provokes("py.pkg-resources")
def _():
    import pkg_resources  # noqa: F401


@provokes("py.syntax-floor")
def _():
    return collections.Mapping


@provokes("proc.timeout-or-prompt")
def _():
    input()


@provokes("pt.oom")
def _():
    bytearray(10**17)


main()
