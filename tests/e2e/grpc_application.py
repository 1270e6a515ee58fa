"""A gRPC application in a chain: run as a program, and imported by tests for its method names.

Messages are plain bytes. It passes on ``PASSES_ON`` and nothing else, and calls ``UPSTREAM``
(host:port) with an ordinary grpcio channel, which finds the sidecar in ``http_proxy``.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio

SERVICE = "laneway.test.Chain"
PASSES_ON = ("x-trace", "x-lane")
UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


def method(name: str) -> str:
    return f"/{SERVICE}/{name}"


class Chain:
    """The methods. ``Hops`` is every application of the chain's own account."""

    def __init__(self, version: str, upstream: grpc.aio.Channel | None = None) -> None:
        self._version, self._upstream = version, upstream

    async def hops(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        hops = [self._hop(context)]
        if self._upstream is not None:
            given = dict(context.invocation_metadata())
            passed_on = tuple((k, given[k]) for k in PASSES_ON if k in given)
            call = self._upstream.unary_unary(method("Hops"))
            hops += json.loads(
                await call(request, metadata=passed_on, timeout=context.time_remaining())
            )
        await context.send_initial_metadata((("x-first", hops[0]["version"]),))
        context.set_trailing_metadata((("x-last", hops[-1]["version"]), ("x-raw-bin", request)))
        return json.dumps(hops).encode()

    async def echo(
        self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[bytes]:
        await context.send_initial_metadata((("x-first", self._version),))
        async for request in requests:
            yield request

    async def length(
        self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext
    ) -> bytes:
        return str(sum([len(request) async for request in requests])).encode()

    async def numbers(
        self, request: bytes, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[bytes]:
        for number in range(int(request)):
            yield str(number).encode()

    async def fail(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        details = (("grpc-status-details-bin", request), ("x-reason", "as asked"))
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "50 % \u00fc", details)
        raise AssertionError  # abort has raised

    async def refuse(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        await context.abort(grpc.StatusCode.UNAVAILABLE, self._version)
        raise AssertionError  # abort has raised

    async def wait(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        await asyncio.sleep(float(request))
        return request

    def _hop(self, context: grpc.aio.ServicerContext) -> dict[str, Any]:
        """What this application saw of the call."""
        metadata = {k: v for k, v in context.invocation_metadata() if isinstance(v, str)}
        remaining = context.time_remaining()
        return {"version": self._version, "remaining": remaining, "metadata": metadata}

    def handlers(self) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Hops": grpc.unary_unary_rpc_method_handler(self.hops),
                "Echo": grpc.stream_stream_rpc_method_handler(self.echo),
                "Length": grpc.stream_unary_rpc_method_handler(self.length),
                "Numbers": grpc.unary_stream_rpc_method_handler(self.numbers),
                "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
                "Refuse": grpc.unary_unary_rpc_method_handler(self.refuse),
                "Wait": grpc.unary_unary_rpc_method_handler(self.wait),
            },
        )


async def serve(chain: Chain, address: str) -> tuple[grpc.aio.Server, int]:
    """A running server, and its port."""
    server = grpc.aio.server(options=UNLIMITED)
    server.add_generic_rpc_handlers((chain.handlers(),))
    port = server.add_insecure_port(address)
    await server.start()
    return server, port


async def main() -> None:
    target = os.environ.get("UPSTREAM")
    upstream = grpc.aio.insecure_channel(target, options=UNLIMITED) if target else None
    chain = Chain(os.environ["VERSION"], upstream)
    server, _ = await serve(chain, f"127.0.0.1:{os.environ['PORT']}")
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
