"""`caniload env`: the environments that caniload builds and keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from caniload.cli.app import examples, group
from caniload.cli.dates import day, size
from caniload.cli.options import Format
from caniload.cli.out import Out, width
from caniload.cli.tables import table
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.runs.environments import BuiltEnvironment, EnvSpec

app = group(
    "Build, list, show, remove and export environments. An environment is a virtual environment "
    "with public versions that stand together. caniload builds one when a run needs it; results "
    "say which one they were measured in.",
    "caniload env list",
    "caniload env build pytorch",
    "caniload env export pytorch > requirements.txt",
)

Name = Annotated[str, typer.Argument(help="The environment, as `caniload env list` names it.")]


@app.command("list", epilog=examples("caniload env list", "caniload env list --format quiet"))
def list_(form: Format = "human") -> int:
    """List what is specified and what is built."""
    from caniload.runs.environments import built, specs

    settings = Settings.read()
    known = specs(settings)
    ready = {entry.name: entry for entry in built(settings)}
    facts = [_facts(spec, ready.get(name)) for name, spec in known.items()]
    facts += [_leftover(entry) for name, entry in ready.items() if name not in known]
    head = ("name", "state", "frameworks", "loaders", "size", "last_used")

    def human() -> str:
        return table(head, [[fact[key] for key in head] for fact in facts], width())

    Out(form).show("env list", facts, human, lambda: [str(f["name"]) for f in facts])
    return 0


@app.command(
    "show",
    epilog=examples("caniload env show keras-jax", "caniload env show pytorch --format json"),
)
def show(name: Name, form: Format = "human") -> int:
    """Show one environment: what it asks for and, if built, what is in it."""
    from caniload.runs.environments import read_built, spec

    settings = Settings.read()
    wanted = spec(name, settings)
    entry = read_built(name, settings)
    data = _facts(wanted, entry)
    data["about"] = wanted.about
    data["python"] = wanted.python
    data["requirements"] = list(wanted.requirements)
    data["patches"] = list(wanted.patches)
    data["distributions"] = dict(entry.marker.distributions) if entry else {}

    def human() -> str:
        lines = [f"{name}: {data['state']}", f"  {wanted.about}", ""]
        lines.append(f"  frameworks    {', '.join(wanted.frameworks)}")
        lines.append(f"  loaders       {', '.join(wanted.loaders)}")
        lines.append(f"  python        {wanted.python}")
        lines.append(f"  patches       {'; '.join(wanted.patches) or 'none'}")
        lines.append(f"  requirements  {', '.join(wanted.requirements) or 'none'}")
        if entry:
            lines.append(f"  built         {day(entry.marker.built_at)}, {size(entry.size_bytes)}")
            lines.append(f"  interpreter   {entry.python}")
            lines.append(f"  holds         {len(entry.marker.distributions)} packages")
        else:
            lines += ["", f"build it with: caniload env build {name}"]
        return "\n".join(lines)

    Out(form).show("env show", data, human, lambda: [str(data["state"])])
    return 0


@app.command("build", epilog=examples("caniload env build onnxruntime"))
def build(name: Name, form: Format = "human") -> int:
    """Build an environment, or say that it stands already.

    Prints the path of its interpreter. A build that was interrupted is begun anew.
    """
    from caniload.runs.environments import build as build_environment
    from caniload.runs.environments import spec

    settings = Settings.read()
    out = Out(form)
    python = build_environment(spec(name, settings), settings, on_line=out.talk)
    data = {"name": name, "python": python}
    out.show("env build", data, lambda: str(python), lambda: [str(python)])
    return 0


@app.command("rm", epilog=examples("caniload env rm keras-jax"))
def remove(
    names: Annotated[list[str], typer.Argument(help="Environments to remove.")],
    form: Format = "human",
) -> int:
    """Remove built environments; their specifications and results stay."""
    from caniload.runs.environments import remove as remove_environment

    settings = Settings.read()
    freed = {name: remove_environment(name, settings) for name in names}
    data = [{"name": name, "freed_bytes": count} for name, count in freed.items()]
    lines = [f"removed {name}, {size(count)} freed" for name, count in freed.items()]
    Out(form).show("env rm", data, lambda: "\n".join(lines))
    return 0


@app.command("export", epilog=examples("caniload env export pytorch > requirements.txt"))
def export(name: Name) -> int:
    """Print the requirements of a built environment, every package pinned, to paste."""
    from caniload.runs.environments import export as requirements

    Out().write(requirements(name, Settings.read()))
    return 0


def _facts(spec: EnvSpec, entry: BuiltEnvironment | None) -> dict[str, object]:
    """What a list says of a specified environment."""
    state = "not built"
    if entry is not None:
        state = "built" if entry.marker.digest == spec.digest else "outdated"
    return {
        "name": spec.name,
        "state": state,
        "frameworks": list(spec.frameworks),
        "loaders": list(spec.loaders),
        "size": size(entry.size_bytes) if entry else None,
        "size_bytes": entry.size_bytes if entry else None,
        "last_used": day(entry.last_used_at) if entry else None,
        "interpreter": str(entry.python) if entry else None,
    }


def _leftover(entry: BuiltEnvironment) -> dict[str, object]:
    """What a list says of an environment whose specification is gone."""
    return {
        "name": entry.name,
        "state": "no longer specified",
        "frameworks": [],
        "loaders": [],
        "size": size(entry.size_bytes),
        "size_bytes": entry.size_bytes,
        "last_used": day(entry.last_used_at),
        "interpreter": str(entry.python),
    }
