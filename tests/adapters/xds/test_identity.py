"""A proxy is authenticated as the node whose token it sends, whatever node id it claims."""

from __future__ import annotations

import grpc
import pytest
from tests.adapters.xds.clients import connect
from tests.adapters.xds.proxies import request
from tests.adapters.xds.resources import cluster

from laneway.adapters.xds.proxy_registry import ProxyRegistry
from laneway.adapters.xds.server import XdsServer
from laneway.compile.resources import CLUSTER, Snapshot

TOKENS = {"mine": "s3cret", "yours": "other"}


@pytest.mark.parametrize(
    ("node", "metadata"),
    [
        ("mine", ()),
        ("mine", (("authorization", "Bearer other"),)),
        ("mine", (("authorization", "Bearer "),)),
        ("mine", (("authorization", "s3cret"),)),
        ("mine", (("authorization", "Bearer s3cret"), ("authorization", "Bearer other"))),
        ("yours", (("authorization", "Bearer s3cret"),)),
        ("nobody", (("authorization", "Bearer s3cret"),)),
        ("nobody", (("authorization", "Bearer "),)),
    ],
)
async def test_a_false_node_id_is_refused_and_the_real_proxy_stays(
    node: str, metadata: tuple[tuple[str, str], ...]
) -> None:
    registry = ProxyRegistry()
    registry.publish({each: Snapshot({CLUSTER: {"c": cluster("c", 1)}}) for each in TOKENS})
    authentic = [("authorization", "Bearer s3cret")]
    async with (
        XdsServer(registry, tokens=TOKENS) as server,
        connect(server.address, metadata=authentic) as real,
    ):
        await real.send(request(CLUSTER), "mine")
        received = await real.receive()
        async with connect(server.address, metadata=metadata) as false:
            await false.send(request(CLUSTER), node)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await false.receive()
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert registry.nodes == frozenset(TOKENS)
        assert registry.status("mine").connected
        assert not registry.status("yours").connected
        await real.acknowledge(received)


async def test_a_token_that_is_withdrawn_lets_nobody_in() -> None:
    tokens = dict(TOKENS)
    async with XdsServer(ProxyRegistry(), tokens=tokens) as server:
        del tokens["mine"]
        async with connect(server.address, metadata=[("authorization", "Bearer s3cret")]) as late:
            await late.send(request(CLUSTER), "mine")
            assert (await late.end())[0] is grpc.StatusCode.UNAUTHENTICATED
