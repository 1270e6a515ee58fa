"""``laneway up``: everything that files declare, running on this machine until Ctrl-C."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import typer

from laneway.adapters.files import Reading
from laneway.adapters.files.watching import Unwatchable, require_watchable
from laneway.compile.envoy.limits import check
from laneway.faces.cli import interruption
from laneway.faces.cli.arguments import read_files
from laneway.faces.cli.environments import print_outbound
from laneway.faces.cli.findable_servers import findable, print_api, print_console, reporting
from laneway.faces.cli.findings import print_findings
from laneway.faces.cli.reports import Reporter
from laneway.faces.cli.running_meshes import (
    print_gateways,
    print_requests,
    print_workloads,
    starting,
)
from laneway.faces.cli.server_requests import SOCKET
from laneway.faces.cli.terminals import errors, fact, output
from laneway.faces.cli.watching import Follower
from laneway.wiring.logs import log_to_stderr
from laneway.wiring.serving import ServeSettings, Serving


@dataclass(frozen=True, slots=True)
class Watching:
    """Follow the files; with ``prune``, one that is emptied takes back what it declared."""

    files: Sequence[str]
    prune: bool = False


def run(
    files: Sequence[str], settings: ServeSettings, watching: Watching | None, verbose: bool
) -> int:
    if watching is not None:
        try:
            require_watchable(watching.files)
        except Unwatchable as error:
            raise typer.BadParameter(str(error)) from None
    reading = read_files(files, check=check)
    print_findings(errors(), reading.findings)
    log_to_stderr()
    return interruption.run(_up(reading, settings, watching, verbose))


async def _up(
    reading: Reading, settings: ServeSettings, watching: Watching | None, verbose: bool
) -> int:
    """What is not ready stays, and is asked on: the rest of the mesh works without it."""
    mesh = reading.mesh
    console = output()
    began = time.monotonic()
    reporter = Reporter(console, mesh, verbose=verbose)
    serving = Serving(settings, reporter, reporting(console), files=reading)
    async with starting(serving, lambda serving: serving.embedded, reporter) as (_, problems):
        embedded = serving.embedded
        seconds = time.monotonic() - began
        print_workloads(console, embedded)
        console.print()
        print_gateways(console, embedded)
        console.print()
        print_requests(console, embedded)
        console.print()
        print_outbound(console, embedded)
        for problem in problems:
            console.print(fact("not ready:", "bold yellow", problem), soft_wrap=True)
        number = f"{len(mesh.workloads)} workloads behind {len(embedded.proxies())} Envoy proxies"
        console.print(fact("up:", "bold green", f"{number}, after {seconds:.1f} s"))
        console.print(f"Logs are in {embedded.log_dir}. Ctrl-C stops everything.", soft_wrap=True)
        print_api(console, serving)
        print_console(console, serving, settings)
        follower = Follower(console, embedded, serving.show)
        with findable("up", serving.folder / SOCKET, reporting(console)):
            await interruption.until_interrupted(beside=_follow(follower, reading, watching))
    console.print("Stopped.")
    return 0


async def _follow(follower: Follower, reading: Reading, watching: Watching | None) -> None:
    """Until cancelled: the files, if they are watched, and the lives of lanes."""
    following = [follower.expire()]
    if watching is not None:
        following.append(follower.follow(watching.files, reading, prune=watching.prune))
    await asyncio.gather(*following)
