"""Serves the registry's snapshots to proxies. Each stream has a task."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping

import structlog
from envoy.config.core.v3.base_pb2 import Node
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest
from google.protobuf.message import DecodeError

from laneway.adapters.xds.addresses import ANY_PORT, check_address
from laneway.adapters.xds.grpc_calls import Call, CallAborted, Status
from laneway.adapters.xds.grpc_server import GrpcServer
from laneway.adapters.xds.protocol.encodings import response
from laneway.adapters.xds.proxy_registry import Connection, ProxyRegistry
from laneway.control.proxies import GENERATION

log = structlog.get_logger(__name__)

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"

#: A proxy that reconnects lists all its resources in one request: 50 MiB are about 500,000 names.
REQUEST_BYTES = 50 * 1024 * 1024


class XdsServer:
    """Serves a registry's snapshots over incremental ADS.

    ``address`` is HOST:PORT on loopback (port 0 for any free port) or unix:/PATH. Use the server as
    an async context manager, or call ``start`` and ``stop``.

    ``tokens`` are the bearer tokens of proxies, by node id. With None all proxies are trusted; this
    is for proxies that another program starts.
    """

    def __init__(
        self,
        registry: ProxyRegistry,
        address: str = ANY_PORT,
        tokens: Mapping[str, str] | None = None,
    ) -> None:
        self._registry = registry
        self._tokens = tokens
        self._wanted = check_address(address)
        self._server: GrpcServer | None = None
        self.address = address

    async def start(self) -> str:
        """Listens. Returns the address with the real port; raises ``OSError`` if it is in use."""
        handlers = {
            f"/{SERVICE}/DeltaAggregatedResources": self.deltas,
            f"/{SERVICE}/StreamAggregatedResources": _state_of_the_world,
        }
        server = GrpcServer(handlers, REQUEST_BYTES)
        self.address = await server.start(self._wanted)
        self._server = server
        log.info("xds_listening", address=self.address)
        return self.address

    async def stop(self) -> None:
        """Ends all streams and stops listening. Proxies keep their configuration."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop()
            log.info("xds_stopped", address=self.address)

    async def __aenter__(self) -> XdsServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def deltas(self, call: Call) -> None:
        """Serves one stream: processes what has arrived, sends what is due, and waits."""
        received = await call.read()
        if received is None:
            return
        connection = self._connect(_request(received[0]).node, call)
        log.info("proxy_connected", node=connection.node)
        try:
            while received is not None:
                for message in received:
                    _receive(connection, _request(message))
                await self._send(connection, call)
                received = await call.read()
        except asyncio.CancelledError:
            if call.broken:
                raise
            raise CallAborted(Status.UNAVAILABLE, "stream closed by laneway") from None
        finally:
            self._registry.disconnect(connection)
            log.info("proxy_disconnected", node=connection.node)

    def _connect(self, node: Node, call: Call) -> Connection:
        if not node.id:
            raise CallAborted(Status.INVALID_ARGUMENT, "the first request must have a node.id")
        if not self._is_authentic(node.id, call):
            log.warning("proxy_refused", node=node.id, hint="its token is not this node's")
            raise CallAborted(
                Status.UNAUTHENTICATED, "the bearer token is not that of this node.id"
            )
        task = asyncio.current_task()
        assert task is not None
        connection = self._registry.connect(node.id, task.cancel, call.wake, _generation(node))
        if connection is None:
            raise CallAborted(Status.UNAVAILABLE, "a newer process has this node.id")
        return connection

    def _is_authentic(self, node: str, call: Call) -> bool:
        if self._tokens is None:
            return True
        expected = self._tokens.get(node)
        given = [value for key, value in call.metadata if key == b"authorization"]
        if expected is None or len(given) != 1:
            return False
        return hmac.compare_digest(given[0], f"Bearer {expected}".encode())

    async def _send(self, connection: Connection, call: Call) -> None:
        encoded = self._registry.shared.encoded
        while push := connection.stream.next():
            pieces = map(encoded, push.resources)
            await call.write(response(push.type_url, push.nonce, pieces, push.removed))
        self._registry.refresh(connection)


def _generation(node: Node) -> int:
    fields = node.metadata.fields
    return int(fields[GENERATION].number_value) if GENERATION in fields else 0


def _request(message: bytes) -> DeltaDiscoveryRequest:
    try:
        return DeltaDiscoveryRequest.FromString(message)
    except DecodeError:
        raise CallAborted(Status.INVALID_ARGUMENT, "it is no DeltaDiscoveryRequest") from None


def _receive(connection: Connection, request: DeltaDiscoveryRequest) -> None:
    for rejection in connection.stream.receive(request):
        log.warning(
            "resource_rejected",
            node=connection.node,
            type_url=rejection.type_url,
            name=rejection.name,
            version=rejection.version,
            error=rejection.error,
        )


async def _state_of_the_world(call: Call) -> None:
    raise CallAborted(
        Status.UNIMPLEMENTED,
        "laneway speaks incremental xDS only: set api_type: DELTA_GRPC in ads_config",
    )
