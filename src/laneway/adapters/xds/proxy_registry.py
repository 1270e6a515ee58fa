"""The proxies that the server knows: what each should have, and the stream it is on now.

Implements the ports ``Publisher`` and ``Proxies``; ``server`` brings it connections. All of it
runs in one event loop, nothing blocks, and a slow proxy delays only itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from laneway.adapters.xds.protocol.shared_results import SharedResults
from laneway.adapters.xds.protocol.streams import RESPONSE_BYTES, Stream
from laneway.compile.resources import Snapshot
from laneway.control.proxies import ProxyStatus, ResourceStatus

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Connection:
    """A proxy's stream. ``wake`` is set when it may have something to send."""

    node: str
    stream: Stream
    close: Callable[[], object]
    generation: int
    greeted: bool = False  # see ``ProxyStatus``
    wake: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class _Proxy:
    snapshot: Snapshot | None = None
    connection: Connection | None = None
    stream: Stream | None = None  # that of the connection, or of the last one
    settled: asyncio.Event = field(default_factory=asyncio.Event)


class ProxyRegistry:
    """Every proxy by its node id.

    ``on_change`` is called, in the event loop, with the node id of a proxy whose status changed:
    it connected, left, settled on what was published, or rejected some of it.
    """

    def __init__(
        self,
        on_change: Callable[[str], None] = lambda node: None,
        response_bytes: int = RESPONSE_BYTES,
    ) -> None:
        self.shared = SharedResults()
        self._on_change = on_change
        self._response_bytes = response_bytes
        self._proxies: dict[str, _Proxy] = {}

    # Publisher

    def publish(self, snapshots: Mapping[str, Snapshot]) -> None:
        for node, snapshot in snapshots.items():
            proxy = self._proxies.setdefault(node, _Proxy())
            if proxy.snapshot is snapshot:
                continue
            proxy.snapshot = snapshot
            proxy.settled.clear()
            if proxy.connection:
                proxy.connection.stream.adopt(snapshot)
                proxy.connection.wake.set()

    def forget(self, node: str) -> None:
        """A proxy that is still connected keeps its configuration, and its stream stays open."""
        proxy = self._proxies.pop(node, None)
        if proxy is None:
            return
        proxy.settled.set()  # nobody waits for it any more
        if proxy.connection:
            proxy.connection.stream.adopt(None)
            self._proxies[node] = _Proxy(None, proxy.connection, proxy.stream)

    # Proxies

    def status(self, node: str) -> ProxyStatus:
        """A proxy never heard of is one that is not connected."""
        proxy = self._proxies.get(node)
        stream = proxy.stream if proxy else None
        if proxy is None or stream is None:
            return ProxyStatus(node, connected=False, synced=False)
        if proxy.connection is None:
            return ProxyStatus(node, False, False, stream.outstanding())
        greeted = proxy.connection.greeted
        return ProxyStatus(node, True, stream.synced, stream.outstanding(), greeted)

    def resources(self, node: str) -> tuple[ResourceStatus, ...]:
        """All that the proxy has or should have, acknowledged or not: as of its last stream, if it
        is away."""
        proxy = self._proxies.get(node)
        return proxy.stream.statuses() if proxy and proxy.stream else ()

    async def wait_synced(self, nodes: frozenset[str]) -> Mapping[str, ProxyStatus]:
        """Has no time limit of its own: a proxy that is away may come back at any time.

        A node that is forgotten meanwhile is not waited for.
        """
        statuses = {}
        for node in sorted(nodes):
            settled = self._proxies.setdefault(node, _Proxy()).settled
            while not settled.is_set():  # something may be published before this goes on
                await settled.wait()
            statuses[node] = self.status(node)
        return statuses

    @property
    def nodes(self) -> frozenset[str]:
        """Nodes that are connected, or that something was published for."""
        return frozenset(self._proxies)

    # For the server

    def connect(
        self, node: str, close: Callable[[], object], generation: int = 0
    ) -> Connection | None:
        """A new stream of the node; one it had before is closed.

        None when a process of a later generation is connected: this one drains, and has all that
        it needs for that. Else the two would take the node from each other in turn.
        """
        proxy = self._proxies.setdefault(node, _Proxy())
        if proxy.connection and proxy.connection.generation > generation:
            return None
        if proxy.snapshot is None:
            log.warning("proxy_unknown", node=node, hint="nothing is published for this node.id")
        before, doubtful = proxy.connection, proxy.stream.doubtful() if proxy.stream else {}
        proxy.stream = Stream(self.shared, self._response_bytes, doubtful)
        proxy.stream.adopt(proxy.snapshot)
        proxy.connection = Connection(node, proxy.stream, close, generation)
        proxy.settled.clear()
        if before:
            if before.generation == generation:
                log.warning("proxy_replaced", node=node, hint="a newer stream has the same node.id")
            before.close()
        self._on_change(node)
        return proxy.connection

    def disconnect(self, connection: Connection) -> None:
        node = connection.node
        proxy = self._proxies.get(node)
        if proxy is None or proxy.connection is not connection:
            return
        proxy.connection = None
        proxy.settled.clear()
        if proxy.snapshot is None:
            del self._proxies[node]  # ids that nobody published for must not pile up
        self._on_change(node)

    def refresh(self, connection: Connection) -> None:
        """The connection has sent all it can for now."""
        proxy = self._proxies.get(connection.node)
        if proxy is None or proxy.connection is not connection:
            return
        if connection.stream.settled and not proxy.settled.is_set():
            connection.greeted = True
            proxy.settled.set()
            self._on_change(connection.node)
