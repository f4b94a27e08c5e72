"""Declare torchvision's detection operators where its compiled part did not load.

torchvision's wheel of another build than PyTorch's has operators that cannot load, and then its
import ends with "operator torchvision::nms does not exist": `torchvision._meta_registrations`
registers shapes of operators that nobody declared. Here their schemas, as torchvision/csrc/ops
states them (nms.cpp, quantized/cpu/qnms_kernel.cpp), are declared just before; the operators
then exist and do not run. Nothing is imported until torchvision is, and nothing is declared
where the compiled part is there. The observations of an environment with this patch say so.
"""

import sys
from importlib.abc import MetaPathFinder

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_libraries = []


class _Watch(MetaPathFinder):
    """Wait for the module of torchvision that needs the declarations; find nothing itself."""

    def find_spec(self, name, path=None, target=None):
        if name == "torchvision._meta_registrations":
            extension = sys.modules.get("torchvision.extension")
            if extension is not None and not extension._has_ops():
                _declare()
        return


def _declare():
    if _libraries:
        return
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    _libraries.append(library)  # the declarations end with the object


sys.meta_path.insert(0, _Watch())
