"""Kaggle credentials, read where kagglehub 1.0.3 and kagglesdk 0.1.38 read them, in their order.

`KAGGLE_API_TOKEN` (a token, or the path of a file with one), ``~/.kaggle/access_token`` and
``access_token.txt``; then `KAGGLE_USERNAME` with `KAGGLE_KEY`; then ``kaggle.json`` in
`KAGGLE_CONFIG_DIR` or ``~/.kaggle``.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from caniload.errors import BadInputError


def authorization() -> dict[str, str]:
    """Return the header that logs in to Kaggle, none where there are no credentials.

    The HTTP client drops it when a redirect leads to another origin. Raises `BadInputError` for
    a ``kaggle.json`` that is not one.
    """
    token = _token()
    if token:
        return {"Authorization": f"Bearer {token}"}
    pair = _pair()
    if pair is None:
        return {}
    encoded = base64.b64encode(":".join(pair).encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


def _token() -> str | None:
    given = os.environ.get("KAGGLE_API_TOKEN", "").strip()
    if given:
        try:
            return Path(given).read_text("utf-8").strip() if Path(given).is_file() else given
        except OSError:
            return given
    for name in ("access_token", "access_token.txt"):
        try:
            text = (Path.home() / ".kaggle" / name).read_text("utf-8").strip()
        except OSError:
            continue
        if text:
            return text
    return None


def _pair() -> tuple[str, str] | None:
    user, key = os.environ.get("KAGGLE_USERNAME"), os.environ.get("KAGGLE_KEY")
    if user and key:
        return user, key
    folder = os.environ.get("KAGGLE_CONFIG_DIR")
    path = (Path(folder) if folder else Path.home() / ".kaggle") / "kaggle.json"
    try:
        data = json.loads(path.read_text("utf-8"))
        return str(data["username"]), str(data["key"])
    except OSError:
        return None
    except (ValueError, KeyError, TypeError):
        raise BadInputError(
            "kaggle.json is not a Kaggle credentials file",
            "make a new one on Kaggle's account page",
        ) from None
