"""`caniload serve`: the answers over HTTP, read-only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caniload.cli.out import Out
from caniload.errors import BadInputError
from caniload.settings import Settings

if TYPE_CHECKING:
    from caniload.catalog.answers import CellAnswer
    from caniload.catalog.store import Store
    from caniload.publish.checked import Way

EXAMPLES = (
    "caniload serve",
    "caniload serve --host 0.0.0.0 --port 8080 --workers 2",
    "caniload serve --site build/site",
)
_SITE = "CANILOAD_SERVE_SITE"
_LOOK = "CANILOAD_SERVE_LOOK"


def command(
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="The port to listen at.")
    ] = 8000,
    workers: Annotated[
        int, typer.Option("--workers", "-w", min=1, max=64, help="Processes that answer.")
    ] = 1,
    site: Annotated[
        str | None, typer.Option("--site", help="A folder of static files to serve beside it.")
    ] = None,
    look: Annotated[
        float, typer.Option("--look", min=0.1, help="Seconds between looks for newer evidence.")
    ] = 1.0,
) -> int:
    """Answer over HTTP from the recorded evidence, read-only; docs/service.md describes it.

    New evidence appears by itself. Nothing asks who calls: what is recorded here is public to
    whoever reaches the port.
    """
    try:
        import uvicorn

        from caniload.publish.service.connections import PatientProtocol
    except ModuleNotFoundError as error:
        raise BadInputError(
            f"{error.name} is not installed", "python -m pip install 'caniload[serve]'"
        ) from error
    from caniload.catalog.store import open_store

    if site is not None and not Path(site).is_dir():
        raise BadInputError(f"{site} is no folder", "build the site first, or leave --site out")
    with open_store(Settings.read()):
        pass  # what cannot be read is said here, before anything listens
    os.environ[_SITE] = str(Path(site).absolute()) if site is not None else ""
    os.environ[_LOOK] = str(look)
    out = Out()
    out.talk(f"caniload listens at http://{host}:{port}/v1 (Ctrl-C ends it)")
    uvicorn.run(
        "caniload.cli.serve:application",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        http=PatientProtocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )
    return 0


def application() -> Any:
    """Return the application as the variables say that `command` has set; in each process."""
    from caniload.publish.service.app import build

    site = os.environ.get(_SITE)
    return build(
        Settings.read(),
        ways,
        site=Path(site) if site else None,
        look_seconds=float(os.environ.get(_LOOK, "1")),
    )


def ways(store: Store, cell: CellAnswer) -> Way:
    """Say how to install and load a cell, naming no file of this machine."""
    from caniload.cli.ways import way

    return way(store, cell, local=False)
