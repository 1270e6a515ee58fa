"""A plain incremental ADS client over a real connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
)
from tests.adapters.xds.proxies import request

from laneway.adapters.xds.server import SERVICE

OPTIONS = (("grpc.use_local_subchannel_pool", 1),)


class Client:
    def __init__(self, call: Any) -> None:
        self.call = call

    async def send(self, made: DeltaDiscoveryRequest, node: str = "") -> None:
        if node:
            made.node.id = node
        await self.call.write(made)

    async def receive(self) -> DeltaDiscoveryResponse:
        async with asyncio.timeout(60):
            received = await self.call.read()
        assert isinstance(received, DeltaDiscoveryResponse), "the stream ended"
        return received

    async def acknowledge(self, received: DeltaDiscoveryResponse, error: str = "") -> None:
        await self.send(request(received.type_url, nonce=received.nonce, error=error))

    async def end(self) -> tuple[grpc.StatusCode, str]:
        """The status that the server ends the stream with."""
        async with asyncio.timeout(60):
            return await self.call.code(), await self.call.details()


@asynccontextmanager
async def connect(
    address: str,
    method: str = "DeltaAggregatedResources",
    metadata: Sequence[tuple[str, str]] = (),
) -> AsyncIterator[Client]:
    async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
        yield Client(
            channel.stream_stream(
                f"/{SERVICE}/{method}",
                request_serializer=DeltaDiscoveryRequest.SerializeToString,
                response_deserializer=DeltaDiscoveryResponse.FromString,
            )(metadata=tuple(metadata))
        )
