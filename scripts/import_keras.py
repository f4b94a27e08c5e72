"""Read which files keras.applications loads; run it where Keras and JAX are installed.

Each application is built as its default call builds it, with and without its top, and its
variables are never given values; the call that would download the weights is recorded and
stopped. `applications` holds, for "top" and "notop", ``[file, address, hash]``, the hash empty
where Keras states none.
"""

from __future__ import annotations

import inspect
import os

os.environ["KERAS_BACKEND"] = "jax"

from package_table import write


class Asked(Exception):  # noqa: N818
    """Carry what Keras asked `get_file` for out of the build."""


def main() -> None:
    """Write `keras.json`."""
    import keras
    from keras.src.utils import file_utils

    def asked(
        fname: str, origin: str, cache_subdir: str = "datasets", file_hash: str | None = None
    ) -> None:
        if cache_subdir != "models":
            raise ValueError(f"{fname} would lie in {cache_subdir}")
        raise Asked([fname, origin, file_hash or ""])

    file_utils.get_file = asked
    applications: dict[str, dict[str, object]] = {}
    for name, build in inspect.getmembers(keras.applications, inspect.isfunction):
        for part in ("top", "notop"):
            try:
                with keras.StatelessScope(initialize_variables=False):
                    build(include_top=part == "top", weights="imagenet")
            except Asked as found:
                applications.setdefault(name, {})[part] = found.args[0]
            else:
                raise ValueError(f"{name} ({part}) asked for no file")
            keras.utils.clear_session()
    write("keras", keras.__version__, {"applications": applications})


if __name__ == "__main__":
    main()
