"""Read timm's table of pretrained weights; run it where timm and PyTorch are installed.

`architectures` lists the tags of each architecture, its default first. A tag's weights lie in
the Hugging Face repository ``timm/<architecture>.<tag>`` but where `repositories` or `urls`
names another place; `configs` holds timm's own configuration of those whose place does not
state it.
"""

from __future__ import annotations

from package_table import declare_torchvision_ops, write


def main() -> None:
    """Write `timm.json`."""
    declare_torchvision_ops()
    import timm
    from timm.models import get_pretrained_cfg

    architectures: dict[str, list[str]] = {}
    repositories: dict[str, str] = {}
    urls: dict[str, str] = {}
    configs: dict[str, dict[str, object]] = {}
    for name in timm.list_pretrained():
        architecture, _, tag = name.partition(".")
        config = get_pretrained_cfg(name)
        tags = architectures.setdefault(architecture, [])
        default = get_pretrained_cfg(architecture)
        tags.insert(0 if default is not None and default.tag == tag else len(tags), tag)
        if config.hf_hub_id == f"timm/{name}":
            continue
        if config.hf_hub_id:
            repositories[name] = config.hf_hub_id
        else:
            urls[name] = config.url
        if not (config.hf_hub_id or "").endswith(f"/{name}"):
            told = config.to_dict(remove_source=True)
            told.pop("architecture")
            configs[name] = {
                "architecture": config.architecture,
                "num_classes": config.num_classes,
                "pretrained_cfg": told,
            }
    write(
        "timm",
        timm.__version__,
        {
            "urls": urls,
            "repositories": repositories,
            "configs": configs,
            "architectures": architectures,
        },
    )


if __name__ == "__main__":
    main()
