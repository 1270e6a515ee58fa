"""The proxies that the server knows: the snapshot and the current stream of each.

Implements the ports ``Publisher`` and ``Proxies``; ``server`` adds the connections. All code runs
in one event loop and never blocks, so a slow proxy delays only itself.
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
    """A proxy's open stream. ``wake`` is called when there may be something to send."""

    node: str
    stream: Stream
    close: Callable[[], object]
    wake: Callable[[], object]
    generation: int
    greeted: bool = False  # see ``ProxyStatus``


@dataclass(slots=True)
class _Proxy:
    snapshot: Snapshot | None = None
    connection: Connection | None = None
    stream: Stream | None = None  # of the current connection, or of the last one
    settled: asyncio.Event = field(default_factory=asyncio.Event)


class ProxyRegistry:
    """All proxies by node id.

    ``on_change`` is called in the event loop with the node id of a proxy that connected,
    disconnected, acknowledged its whole snapshot, or rejected a part of it.
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
        self._least: dict[str, int] = {}

    # Publisher

    def publish(self, snapshots: Mapping[str, Snapshot]) -> None:
        for node, snapshot in snapshots.items():
            proxy = self._proxies.setdefault(node, _Proxy())
            if proxy.snapshot is snapshot:
                continue
            proxy.snapshot = snapshot
            connection = proxy.connection
            if connection:
                connection.stream.adopt(snapshot)
                if connection.stream.synced and proxy.settled.is_set():
                    continue  # it has all of it already
                connection.wake()
            proxy.settled.clear()

    def forget(self, node: str) -> None:
        """A proxy that is still connected keeps its configuration, and its stream stays open."""
        self._least.pop(node, None)
        proxy = self._proxies.pop(node, None)
        if proxy is None:
            return
        proxy.settled.set()  # so that nobody waits for it any more
        if proxy.connection:
            proxy.connection.stream.adopt(None)
            self._proxies[node] = _Proxy(None, proxy.connection, proxy.stream)

    # Proxies

    def status(self, node: str) -> ProxyStatus:
        """An unknown proxy has the status of one that is not connected."""
        proxy = self._proxies.get(node)
        stream = proxy.stream if proxy else None
        if proxy is None or stream is None:
            return ProxyStatus(node, connected=False, synced=False)
        if proxy.connection is None:
            return ProxyStatus(node, False, False, stream.outstanding())
        greeted = proxy.connection.greeted
        if stream.synced:  # nothing is outstanding
            return ProxyStatus(node, True, True, (), greeted)
        return ProxyStatus(node, True, False, stream.outstanding(), greeted)

    def is_connected(self, node: str) -> bool:
        proxy = self._proxies.get(node)
        return proxy is not None and proxy.connection is not None

    def resources(self, node: str) -> tuple[ResourceStatus, ...]:
        """All resources that the proxy has or should have, acknowledged or not.

        If it is disconnected, they are those of its last stream.
        """
        proxy = self._proxies.get(node)
        return proxy.stream.statuses() if proxy and proxy.stream else ()

    async def wait_synced(self, nodes: frozenset[str]) -> Mapping[str, ProxyStatus]:
        """Has no time limit, because a disconnected proxy may come back at any time.

        Does not wait for a node after ``forget``.
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
        """The nodes that are connected or have a snapshot."""
        return frozenset(self._proxies)

    def expect(self, node: str, generation: int) -> None:
        """Configures only processes of at least this generation. Earlier ones go on with what they
        have."""
        self._least[node] = generation

    # For the server

    def connect(
        self,
        node: str,
        close: Callable[[], object],
        wake: Callable[[], object],
        generation: int = 0,
    ) -> Connection | None:
        """Opens a new stream of the node and closes the previous one.

        Returns None if a process of a later generation is connected, or expected. The caller is
        then draining and needs no configuration; otherwise the two would close each other's streams
        in turn.
        """
        if generation < self._least.get(node, 0):
            return None
        proxy = self._proxies.setdefault(node, _Proxy())
        if proxy.connection and proxy.connection.generation > generation:
            return None
        if proxy.snapshot is None:
            log.warning("proxy_unknown", node=node, hint="nothing is published for this node.id")
        before, doubtful = proxy.connection, proxy.stream.doubtful() if proxy.stream else {}
        proxy.stream = Stream(self.shared, self._response_bytes, doubtful)
        proxy.stream.adopt(proxy.snapshot)
        proxy.connection = Connection(node, proxy.stream, close, wake, generation)
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
            del self._proxies[node]  # node ids without a snapshot must not pile up
        self._on_change(node)

    def refresh(self, connection: Connection) -> None:
        """Called when the connection has sent all that it can for now."""
        proxy = self._proxies.get(connection.node)
        if proxy is None or proxy.connection is not connection:
            return
        if connection.stream.settled and not proxy.settled.is_set():
            connection.greeted = True
            proxy.settled.set()
            self._on_change(connection.node)
