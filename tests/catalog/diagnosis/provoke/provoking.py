"""Runs in a framework's interpreter: make failures happen, and print what was really raised.

A line of JSON a failure:
{"id": …, "exceptions": [[type, message, relation], …], "log": …, "facts": …}.
"""

import json
import os
import sys
import tempfile
import warnings

PROVOKED = []


def provokes(name, **facts):
    """Register a function that must raise a failure of the class `name`.

    `facts` is what an observation would know beside the exception, as its loader.
    """

    def register(function):
        PROVOKED.append((name, function, facts))
        return function

    return register


def chain(error):
    """List an exception and its causes, outermost first."""
    found, relation = [], "raised"
    while error is not None and len(found) < 12:
        kind = type(error)
        name = kind.__qualname__
        if kind.__module__ != "builtins":
            name = kind.__module__ + "." + name
        found.append([name, str(error), relation])
        if error.__cause__ is not None:
            error, relation = error.__cause__, "cause"
        elif error.__context__ is not None and not error.__suppress_context__:
            error, relation = error.__context__, "context"
        else:
            error = None
    return found


def main():
    """Provoke everything that this file registered; the process's own output stays apart."""
    out = os.fdopen(os.dup(1), "w")
    kept = os.dup(2)
    for name, function, facts in PROVOKED:
        with tempfile.TemporaryFile() as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    function()
                exceptions = []
            except BaseException as error:  # noqa: BLE001
                exceptions = chain(error)
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(kept, 2)
            log.seek(0)
            said = log.read().decode(errors="replace")[-4000:]
        line = {"id": name, "exceptions": exceptions, "log": said, "facts": facts}
        out.write(json.dumps(line) + "\n")
        out.flush()
    os._exit(0)
