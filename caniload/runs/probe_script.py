# ruff: noqa: D100, E402, UP031, UP036, PTH112
# mypy: ignore-errors
# Runs inside the interpreter that is probed, as `python -B -c TEXT`, standard library only.
# The text must also parse on a Python that is too old, down to 2.7, to say how old it is.
import sys

sys.stdout.write("\ncaniload-version:%d.%d.%d\n" % sys.version_info[:3])
if sys.version_info < (3, 9):
    sys.exit(0)

import importlib.metadata
import json
import os
import site
import urllib.parse


def _places():
    places = list(site.getsitepackages())
    if site.ENABLE_USER_SITE:
        places.append(site.getusersitepackages())
    places.extend(sys.path)
    return list(dict.fromkeys(p for p in places if p and os.path.isdir(p)))


def _editable(dist):
    text = dist.read_text("direct_url.json")
    if not text:
        return None
    origin = json.loads(text)
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return urllib.parse.unquote(urllib.parse.urlsplit(origin.get("url", "")).path)


def _report():
    found, editable = [], []
    for dist in importlib.metadata.distributions():
        try:
            name, version = dist.metadata["Name"], dist.version
            target = _editable(dist)
        except (KeyError, TypeError, ValueError, AttributeError, OSError):
            continue
        if name and version:
            found.append([name, version])
            if target:
                editable.append(target)
    return {
        "version": "%d.%d.%d" % sys.version_info[:3],
        "implementation": sys.implementation.name,
        "system": sys.platform,
        "machine": os.uname().machine,
        "executable": sys.executable,
        "prefixes": [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix],
        "sys_path": [p for p in sys.path if p],
        "places": _places(),
        "user_base": site.getuserbase() if site.ENABLE_USER_SITE else None,
        "distributions": found,
        "editable": editable,
    }


sys.stdout.write("\ncaniload-probe:" + json.dumps(_report()) + "\n")
