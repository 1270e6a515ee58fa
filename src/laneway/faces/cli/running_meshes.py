"""A running mesh for people: starting it, and its tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

from rich.console import Console
from rich.text import Text

from laneway.control.declared import ChangeSet
from laneway.faces.cli.reports import Reporter
from laneway.faces.cli.terminals import listing
from laneway.model.lane_workloads import lanes_by_workload
from laneway.model.meshes import Mesh
from laneway.wiring.embedded import Embedded, Settings
from laneway.wiring.lane_requests import gateway_requests

Made = TypeVar("Made")


@asynccontextmanager
async def starting(
    made: AbstractAsyncContextManager[Made],
    embedded: Callable[[Made], Embedded],
    reporter: Reporter,
) -> AsyncIterator[tuple[Made, tuple[str, ...]]]:
    """What was made, running, and what did not become ready in its mesh."""
    reporter.start()
    try:
        async with made as entered:
            problems = await embedded(entered).wait_ready()
            reporter.started()
            try:
                yield entered, problems
            finally:
                reporter.stopping()
    finally:
        reporter.stopping()


@asynccontextmanager
async def running(
    declared: Mesh | ChangeSet, settings: Settings, reporter: Reporter
) -> AsyncIterator[tuple[Embedded, tuple[str, ...]]]:
    """The mesh, running, and what did not become ready in it."""
    made = Embedded(declared, settings, reporter)
    async with starting(made, lambda embedded: embedded, reporter) as found:
        yield found


def print_gateways(console: Console, embedded: Embedded) -> None:
    table = listing("Gateway", "Port", "Listens on", "Hosts")
    for name, urls in embedded.gateway_urls().items():
        servers = {s.port: s for s in embedded.mesh.gateways_by_name[name].servers}
        for port, url in urls.items():
            table.add_row(str(name), str(port), url, " ".join(servers[port].hosts))
    console.print(table)


def print_workloads(console: Console, embedded: Embedded) -> None:
    lanes = lanes_by_workload(embedded.mesh)
    table = listing("Workload", "Lanes", "Process", "State")
    for status in embedded.workloads():
        state = Text("ready", "green") if status.ready else Text("not ready", "bold yellow")
        process = str(status.pid) if status.pid else "-"
        table.add_row(str(status.name), " ".join(lanes.get(status.name, ())) or "-", process, state)
    console.print(table)


def print_requests(console: Console, embedded: Embedded) -> None:
    """A curl command for each lane that requests can enter by naming it."""
    for request in gateway_requests(embedded.mesh, embedded.gateway_urls()):
        console.print(Text.assemble((f"{request.lane}  ", "cyan"), request.curl()), soft_wrap=True)
