"""``laneway serve``: the API, the store and the mesh that it declares, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import os
from pathlib import Path

from laneway.adapters.host.notifications import notify
from laneway.faces.cli import lifetimes
from laneway.faces.cli.findable_servers import findable, reporting
from laneway.faces.cli.server_requests import SOCKET
from laneway.faces.cli.terminals import fact, output
from laneway.wiring.logs import log_to_stderr
from laneway.wiring.serving import ServeSettings, Serving


def run(settings: ServeSettings) -> int:
    log_to_stderr()
    return lifetimes.run(_serve(settings))


async def _serve(settings: ServeSettings) -> int:
    console = output()
    report = reporting(console)
    async with Serving(settings, report=report) as serving:
        count = len(serving.store.objects)
        console.print(
            fact("serving:", "bold green", f"{count} objects, revision {serving.store.latest}")
        )
        console.print(f"socket  {serving.folder / SOCKET}", soft_wrap=True)
        if serving.address:
            console.print(f"API     {serving.address}", soft_wrap=True)
            command = f"laneway kubeconfig --data-dir {settings.data} > laneway.kubeconfig"
            console.print(f"For kubectl: {command}", soft_wrap=True)
        with findable("serve", serving.folder / SOCKET, report):
            notify("READY=1", os.environ)
            await lifetimes.until_interrupted()
            notify("STOPPING=1", os.environ)
    console.print("Stopped.")
    return 0


def default_data_directory() -> Path:
    """Where a user's services keep their state (XDG Base Directory Specification)."""
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if state.startswith("/") else Path.home() / ".local/state"
    return base / "laneway"
