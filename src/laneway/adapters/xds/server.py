"""The gRPC server of the xDS server. Each stream has a task for each direction."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import os
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
import structlog
from envoy.config.core.v3.base_pb2 import Node
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest
from grpc.aio import ServicerContext

from laneway.adapters.xds.addresses import ANY_PORT, check_address
from laneway.adapters.xds.protocol.encodings import response
from laneway.adapters.xds.proxy_registry import Connection, ProxyRegistry
from laneway.adapters.xds.sockets import check_free
from laneway.control.proxies import GENERATION

log = structlog.get_logger(__name__)

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"

#: A proxy that reconnects lists all its resources in one request: 50 MiB are about 500,000 names.
REQUEST_BYTES = 50 * 1024 * 1024

#: For streams that are opened while the server stops.
GRACE_S = 1.0

OPTIONS = (
    ("grpc.max_receive_message_length", REQUEST_BYTES),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),  # a port that is in use is an error
    # Finds a proxy that hangs within about 40 seconds.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
)


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
        self._server: grpc.aio.Server | None = None
        self._streams: set[asyncio.Task[Any]] = set()
        self.address = address

    async def start(self) -> str:
        """Listens. Returns the address with the real port; raises ``OSError`` if it is in use."""
        check_free(self._wanted)
        server = grpc.aio.server(options=OPTIONS)
        server.add_generic_rpc_handlers((_handlers(self),))
        try:
            with _private():
                port = server.add_insecure_port(self._wanted)
        except RuntimeError as error:
            raise OSError(f"xDS server cannot listen on {self._wanted}: {error}") from None
        if not self._wanted.startswith("unix:"):
            self.address = f"{self._wanted.rpartition(':')[0]}:{port}"
        await server.start()
        self._server = server
        log.info("xds_listening", address=self.address)
        return self.address

    async def stop(self) -> None:
        """Ends all streams and stops listening. Proxies keep their configuration."""
        server, self._server = self._server, None
        if server is None:
            return
        stopping = asyncio.create_task(server.stop(grace=GRACE_S))
        while self._streams:
            for stream in self._streams:
                stream.cancel()
            await asyncio.wait(self._streams)
        await stopping
        log.info("xds_stopped", address=self.address)

    async def __aenter__(self) -> XdsServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def deltas(self, _: object, context: ServicerContext) -> None:
        """Handles one stream: reads here, and writes in another task."""
        request = await context.read()
        if request is grpc.aio.EOF:
            return
        if not request.node.id:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, "the first request must have a node.id"
            )
        if not self._is_authentic(request.node.id, context):
            log.warning("proxy_refused", node=request.node.id, hint="its token is not this node's")
            await context.abort(
                grpc.StatusCode.UNAUTHENTICATED, "the bearer token is not that of this node.id"
            )
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)
        connection = self._registry.connect(request.node.id, task.cancel, _generation(request.node))
        if connection is None:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "a newer process has this node.id")
            return
        log.info("proxy_connected", node=connection.node)
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(_write(self._registry, connection, context))
                await _read(self._registry, connection, request, context)
                writer.cancel()
        except asyncio.CancelledError:
            if not context.done():
                await context.abort(grpc.StatusCode.UNAVAILABLE, "stream closed by laneway")
            raise
        finally:
            self._registry.disconnect(connection)
            log.info("proxy_disconnected", node=connection.node)

    def _is_authentic(self, node: str, context: ServicerContext) -> bool:
        if self._tokens is None:
            return True
        expected = self._tokens.get(node)
        given = [value for key, value in context.invocation_metadata() if key == "authorization"]
        if expected is None or len(given) != 1:
            return False
        sent = given[0] if isinstance(given[0], bytes) else given[0].encode()
        return hmac.compare_digest(sent, f"Bearer {expected}".encode())


@contextlib.contextmanager
def _private() -> Iterator[None]:
    """Unix sockets that are created within this block are accessible to this user only."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _generation(node: Node) -> int:
    fields = node.metadata.fields
    return int(fields[GENERATION].number_value) if GENERATION in fields else 0


async def _read(
    registry: ProxyRegistry,
    connection: Connection,
    request: DeltaDiscoveryRequest,
    context: ServicerContext,
) -> None:
    while request is not grpc.aio.EOF:
        for rejection in connection.stream.receive(request):
            log.warning(
                "resource_rejected",
                node=connection.node,
                type_url=rejection.type_url,
                name=rejection.name,
                version=rejection.version,
                error=rejection.error,
            )
        if connection.stream.owes:
            connection.wake.set()
        else:
            registry.refresh(connection)
        request = await context.read()


async def _write(registry: ProxyRegistry, connection: Connection, context: ServicerContext) -> None:
    encoded = registry.shared.encoded
    while True:
        while push := connection.stream.next():
            pieces = map(encoded, push.resources)
            await context.write(response(push.type_url, push.nonce, pieces, push.removed))
        registry.refresh(connection)
        await connection.wake.wait()
        connection.wake.clear()


async def _state_of_the_world(_: object, context: ServicerContext) -> None:
    await context.abort(
        grpc.StatusCode.UNIMPLEMENTED,
        "laneway speaks incremental xDS only: set api_type: DELTA_GRPC in ads_config",
    )


def _handlers(server: XdsServer) -> grpc.GenericRpcHandler:
    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            "DeltaAggregatedResources": grpc.stream_stream_rpc_method_handler(
                server.deltas,
                request_deserializer=DeltaDiscoveryRequest.FromString,
                response_serializer=None,  # responses are bytes already
            ),
            "StreamAggregatedResources": grpc.stream_stream_rpc_method_handler(_state_of_the_world),
        },
    )
