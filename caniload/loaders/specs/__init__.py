"""Loaders, host side, one file each: what a loader needs and reads."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from caniload.loaders.spec import ExporterSpec, LoaderSpec

GROUP = "caniload.loaders"
"""Entry points group in which outside packages register loaders."""

EXPORTERS = "caniload.exporters"
"""Entry points group in which outside packages register exporters."""

BUILT_IN = (
    "transformers",
    "sentence_transformers",
    "keras_hub",
    "onnx",
    "saved_model",
    "tensorflow_hub",
    "keras_file",
    "tf1_graph",
    "litert",
    "keras_applications",
    "model_garden",
    "torchscript",
    "torch_export",
    "torch_file",
    "torch_hub",
    "torchvision",
    "timm",
)
"""Modules of this package, each with a `SPEC`."""


@cache
def load_specs() -> Mapping[str, LoaderSpec]:
    """Return every loader's specification by name: the built-in ones, then plug-ins'.

    A plug-in cannot replace a loader of the same name. Raises whatever a broken plug-in raises
    at import, and `TypeError` when what it registered is no `LoaderSpec`.
    """
    from caniload.loaders.spec import LoaderSpec

    found: dict[str, LoaderSpec] = {}
    for module in BUILT_IN:
        spec: LoaderSpec = import_module(f"{__name__}.{module}").SPEC
        found[spec.name] = spec
    for point in entry_points(group=GROUP):
        plugin = point.load()
        if not isinstance(plugin, LoaderSpec):
            raise TypeError(f"entry point {point.name} of {GROUP} is no LoaderSpec: {plugin!r}")
        found.setdefault(plugin.name, plugin)
    return MappingProxyType(found)


def find_exporter(loader: str, framework: str, export_format: str) -> ExporterSpec | None:
    """Return the plug-in that writes a format from a loader; None where the loader itself does.

    Raises `UnknownNameError` when neither can, and `TypeError` for what is no `ExporterSpec`.
    """
    from caniload.errors import UnknownNameError
    from caniload.loaders.spec import ExporterSpec

    own = load_specs()[loader].exports.get(framework, ())
    if export_format in own:
        return None
    for point in entry_points(group=EXPORTERS):
        plugin = point.load()
        if not isinstance(plugin, ExporterSpec):
            raise TypeError(f"entry point {point.name} of {EXPORTERS} is no ExporterSpec")
        if (plugin.loader, plugin.format) == (loader, export_format) and (
            framework in plugin.frameworks
        ):
            return plugin
    writes = ", ".join(own) or "none by itself"
    hint = f"{loader} in {framework} writes {writes}; plug-ins may add others"
    raise UnknownNameError(f"exporter from {loader} to the format", export_format, (), hint)
