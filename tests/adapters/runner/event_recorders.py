"""Records the events of a runner, so that tests can wait for them; and small things to run."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from laneway.adapters.runner.bootstraps import probe_listener, probe_socket
from laneway.control.events import Event
from laneway.model.names import ObjectName
from laneway.model.placements import Address, SidecarPlacement
from laneway.model.workloads import Workload, WorkloadPort

DEADLINE = 60.0
E = TypeVar("E", bound=Event)

# Listens where it is told and answers everything with 200.
SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers()
        self.wfile.write(b"ok")
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


class Recorder:
    """Give it to a runner as ``on_event``."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._told = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._told.set()

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def wait_for(self, kind: type[E], count: int = 1) -> E:
        """The ``count``-th event of this kind, once it has come."""
        try:
            async with asyncio.timeout(DEADLINE):
                while len(self.of(kind)) < count:
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError:
            raise AssertionError(f"{len(self.of(kind))} of {count} {kind.__name__} came") from None
        return self.of(kind)[count - 1]


def workload(
    command: Sequence[str] = (sys.executable, "-c", SERVER), name: str = "app", **fields: Any
) -> Workload:
    return Workload(
        ObjectName("default", name),
        labels={},
        ports=fields.pop("ports", (WorkloadPort(80, "http"),)),
        command=tuple(command),
        **fields,
    )


def placement(of: Workload, application: Address) -> SidecarPlacement:
    """Every port at the same address: enough where no sidecar takes part."""
    ports = dict.fromkeys((port.number for port in of.ports), application)
    outbound = Address("127.0.0.1", 1)
    return SidecarPlacement(of.name, inbound=ports, application=ports, outbound=outbound)


def empty_bootstrap(admin: Path, _generation: int) -> str:
    """An Envoy that is live at once and does nothing."""
    return json.dumps(
        {
            "admin": {"address": {"pipe": {"path": str(admin)}}},
            "static_resources": {"listeners": [probe_listener(probe_socket(admin))]},
        }
    )


async def eventually(holds: Callable[[], bool]) -> None:
    """Poll until ``holds``; for what happens outside this process and tells nobody."""
    async with asyncio.timeout(DEADLINE):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def until(holds: Callable[[], bool]) -> None:
    """``eventually``, for tests without an event loop."""
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether the process exists and is not a zombie that nobody has reaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
