"""Applications in the test's process that misbehave on request, and count their requests.

One service, two lanes, two instances: ``s2`` is the lane whose application is at fault, ``s1`` the
baseline. Every request has an id, so that a replay would be seen.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from types import MappingProxyType

from tests.compile.meshes import ROUTE_HEADER, group, lane, mesh, rule, service
from tests.e2e.clients import Answer, Call

from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.workloads import ReadinessProbe, Workload, WorkloadPort

ID = "x-id"
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: close() sends RST


class Application:
    """An HTTP/1.1 server. Change how it behaves at any time, for what it receives from then on.

    ``received`` counts requests by id. ``keep_alive`` is how long an idle connection is kept.
    """

    def __init__(self, version: str) -> None:
        self.version = version
        self.behave: Callable[[Exchange], None] = answer
        self.resets_connections = False
        self.keep_alive: float | None = None
        self.received: Counter[str] = Counter()
        self.connections = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """The block has the server's address."""
        server = await asyncio.get_running_loop().create_server(
            lambda: Exchange(self), "127.0.0.1", 0, backlog=1024
        )
        try:
            host, port = server.sockets[0].getsockname()
            yield f"{host}:{port}"
        finally:
            server.close()


class Exchange(asyncio.Protocol):
    """A connection, and the request that it brought last."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self._buffer = b""
        self._expiry: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.application.connections += 1
        if self.application.resets_connections:
            self.reset()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            lines = (line.partition(": ") for line in head.decode().split("\r\n")[1:])
            fields = {name.lower(): value for name, _, value in lines}
            self.application.received[fields.get(ID, "")] += 1
            if self._expiry:
                self._expiry.cancel()
            self.application.behave(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self._expiry:
            self._expiry.cancel()

    def respond(self, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        body = self.application.version.encode()
        lines = [f"HTTP/1.1 {status} Status", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        if (seconds := self.application.keep_alive) is not None:
            self._expiry = asyncio.get_running_loop().call_later(seconds, self.transport.close)

    def reset(self) -> None:
        raw: socket.socket = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()


def answer(exchange: Exchange) -> None:
    exchange.respond()


def fail(exchange: Exchange) -> None:
    exchange.respond(500)


def reset(exchange: Exchange) -> None:
    """It has read the whole request, and who knows what it has done with it."""
    exchange.reset()


def break_off(exchange: Exchange) -> None:
    """Half an answer."""
    exchange.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    exchange.reset()


def answer_after(seconds: float) -> Callable[[Exchange], None]:
    def later(exchange: Exchange) -> None:
        asyncio.get_running_loop().call_later(seconds, exchange.respond)

    return later


@asynccontextmanager
async def applications() -> AsyncIterator[tuple[Mesh, Application, Application]]:
    """The mesh, the baseline's application and that of lane s2."""
    baseline, faulty = Application("v-s1"), Application("v-s2")
    async with baseline.serving() as first, faulty.serving() as second:
        yield _mesh(first, second), baseline, faulty


def _mesh(first: str, second: str) -> Mesh:
    lanes = [lane(name, "app", rule("app")) for name in ("s1", "s2")]
    lanes_alone = mesh([group("app", trace_header=ROUTE_HEADER)], lanes, [service("app")])
    workloads = tuple(
        Workload(
            ObjectName("default", f"app-{version}"),
            {"app": "app", "version": version},
            (WorkloadPort(8000),),
            address=address,
            # They answer in the test's own loop, which may be busy.
            readiness=ReadinessProbe(period=0.2, timeout=5),
        )
        for version, address in (("v-s1", first), ("v-s2", second))
    )
    return Mesh(
        lanes_alone.groups, lanes_alone.lanes, lanes_alone.services, workloads, lanes_alone.gateways
    )


def calls(lane_name: str, number: int | None = None) -> Iterator[Call]:
    """Requests to a lane with ids that no other request has; endless without ``number``."""
    for i in count() if number is None else range(number):
        identity = f"{lane_name}-{i}-{next(_IDS)}"
        yield Call("/", {ROUTE_HEADER: lane_name, ID: identity}, tag=identity)


_IDS = count()


def replayed(*received: Application) -> dict[str, int]:
    """Requests that applications got more than once, all of them taken together."""
    total: Counter[str] = Counter()
    for application in received:
        total += application.received
    return {identity: times for identity, times in total.items() if identity and times > 1}


def bodies(answers: list[Answer]) -> Counter[tuple[int, str]]:
    return Counter((answer.status, answer.body) for answer in answers)
