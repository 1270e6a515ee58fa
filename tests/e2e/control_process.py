"""A control plane in a separate process, so that it can die without its proxies.

``laneway up`` is the parent of all proxies and takes them with it on purpose. Here the fleet stays
in the test's process, and this program has the rest: xDS server, proxy registry, control plane.
It takes one pickled command a line (``Command``) and answers with one pickled ``Report`` a line.
"""

from __future__ import annotations

import asyncio
import base64
import os
import pickle
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryResponse

from laneway.adapters.xds.proxy_registry import ProxyRegistry
from laneway.adapters.xds.server import XdsServer
from laneway.compile.envoy.emitter import emit
from laneway.compile.envoy.options import FilterModule, Options
from laneway.control.control_plane import Change, ControlPlane
from laneway.filter import module_path
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Placements
from laneway.wiring.logs import log_to_stderr


@dataclass(frozen=True)
class Command:
    """``mesh`` is brought into force; ``ready`` is published; neither only asks for a report."""

    mesh: Mesh | None = None
    placements: Placements = field(default_factory=Placements)
    ready: tuple[ObjectName, bool] | None = None
    deadline: float = 10.0


@dataclass(frozen=True)
class Report:
    """``sent`` counts resources by type and name over all proxies, as they went out on the wire;
    ``responses`` how many messages that took. ``synced`` are the nodes that have everything."""

    change: Change | None
    sent: Counter[tuple[str, str]]
    responses: int
    synced: frozenset[str]


class CountingServer(XdsServer):
    """Reads what it writes."""

    def __init__(self, registry: ProxyRegistry, address: str) -> None:
        super().__init__(registry, address)
        self.sent: Counter[tuple[str, str]] = Counter()
        self.responses = 0

    async def deltas(self, call: Any) -> None:
        await super().deltas(cast(Any, _CountedCall(self, call)))

    def count(self, message: bytes) -> None:
        response = DeltaDiscoveryResponse.FromString(message)
        self.responses += 1
        kind = response.type_url.rpartition(".")[2]
        self.sent.update((kind, resource.name) for resource in response.resources)
        self.sent.update((f"removed {kind}", name) for name in response.removed_resources)


class _CountedCall:
    def __init__(self, server: CountingServer, call: Any) -> None:
        self._server, self._call = server, call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    async def write(self, message: bytes) -> None:
        self._server.count(message)
        await self._call.write(message)


class Control:
    """The control process, from the test's side."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    @classmethod
    async def start(cls, socket: Path, hash_seed: int) -> Control:
        """``hash_seed``: sets of strings iterate in another order under each."""
        process = await asyncio.create_subprocess_exec(
            # Not -m: pickles name the module of their class, which must not be __main__.
            *(sys.executable, "-c", f"import {__name__} as c; c.main()", str(socket)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
            cwd=Path(__file__).parents[2],
            limit=64 * 1024 * 1024,
        )
        return cls(process)

    async def tell(self, command: Command) -> Report:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            self._process.stdin.write(_line(command))
            answer: Report = _read(await self._process.stdout.readline())
        return answer

    async def kill(self) -> None:
        """Sends SIGKILL, so that it cannot close its connections."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()


def _line(message: Command | Report) -> bytes:
    return base64.b64encode(pickle.dumps(message)) + b"\n"


def _read(line: bytes) -> Any:
    return pickle.loads(base64.b64decode(line))


async def serve(socket: str) -> None:
    registry = ProxyRegistry()
    options = Options(FilterModule(str(module_path())))
    control_plane = ControlPlane(registry, registry, partial(emit, options=options))
    server = CountingServer(registry, f"unix:{socket}")
    async with server:
        while line := await asyncio.to_thread(sys.stdin.buffer.readline):
            command: Command = _read(line)
            change = None
            if command.ready:
                control_plane.set_ready(*command.ready)
            if command.mesh is not None:
                for name in command.placements.ready:
                    control_plane.set_ready(name, True)
                control_plane.place(command.placements)
                change = await control_plane.change(command.mesh, deadline=command.deadline)
            synced = frozenset(node for node in control_plane.nodes if registry.status(node).synced)
            report = Report(change, server.sent, server.responses, synced)
            sys.stdout.buffer.write(_line(report))
            sys.stdout.buffer.flush()


def main() -> None:
    log_to_stderr()
    asyncio.run(serve(sys.argv[1]))
