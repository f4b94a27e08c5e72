"""Read torchvision's table of weights; run it where torchvision and PyTorch are installed.

Each of `weights` is ``[builder, address, parameters]``; `defaults` says which weights the name
``<class>.DEFAULT`` stands for.
"""

from __future__ import annotations

from package_table import declare_torchvision_ops, write


def main() -> None:
    """Write `torchvision.json`."""
    declare_torchvision_ops()
    import torchvision
    from torchvision.models import get_model_weights, list_models

    weights: dict[str, list[object]] = {}
    defaults: dict[str, str] = {}
    for builder in list_models():
        table = get_model_weights(builder)
        for one in table:
            weights[str(one)] = [builder, one.url, one.meta.get("num_params")]
        if hasattr(table, "DEFAULT"):
            defaults[table.__name__] = table.DEFAULT.name
    version = torchvision.__version__.partition("+")[0]
    write("torchvision", version, {"defaults": defaults, "weights": weights})


if __name__ == "__main__":
    main()
