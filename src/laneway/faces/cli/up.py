"""``laneway up``: everything that files declare, running on this machine until Ctrl-C."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import typer

from laneway.adapters.files import STDIN
from laneway.compile.envoy.limits import check
from laneway.faces.cli import lifetimes
from laneway.faces.cli.inputs import read_mesh
from laneway.faces.cli.meshes import (
    print_gateways,
    print_requests,
    print_workloads,
    running,
)
from laneway.faces.cli.reports import Reporter
from laneway.faces.cli.terminals import fact, output
from laneway.faces.cli.watching import follow
from laneway.model.meshes import Mesh
from laneway.wiring.embedded import Settings
from laneway.wiring.logs import log_to_stderr


def run(files: Sequence[str], settings: Settings, *, watch: bool, verbose: bool) -> int:
    if watch and STDIN in files:
        raise typer.BadParameter("standard input cannot be watched; name files or folders")
    mesh = read_mesh(files, check=check)
    log_to_stderr()
    return lifetimes.run(_up(mesh, settings, files if watch else None, verbose))


async def _up(mesh: Mesh, settings: Settings, watched: Sequence[str] | None, verbose: bool) -> int:
    """What is not ready stays, and is asked on: the rest of the mesh works without it."""
    console = output()
    began = time.monotonic()
    reporter = Reporter(console, mesh, verbose=verbose)
    async with running(mesh, settings, reporter) as (embedded, problems):
        seconds = time.monotonic() - began
        print_workloads(console, embedded)
        console.print()
        print_gateways(console, embedded)
        console.print()
        print_requests(console, embedded)
        console.print()
        for problem in problems:
            console.print(fact("not ready:", "bold yellow", problem), soft_wrap=True)
        number = f"{len(mesh.workloads)} workloads behind {len(embedded.proxies())} Envoy proxies"
        console.print(fact("up:", "bold green", f"{number}, after {seconds:.1f} s"))
        console.print(f"Logs are in {embedded.log_dir}. Ctrl-C stops everything.", soft_wrap=True)
        if watched is not None:
            following = asyncio.create_task(follow(console, embedded, watched))
            await lifetimes.until_interrupted()
            following.cancel()
            await asyncio.wait([following])
        else:
            await lifetimes.until_interrupted()
    console.print("Stopped.")
    return 0
