"""gRPC with grpcio's own client and servers: lanes, streams, deadlines, statuses and faults."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc.aio
import pytest
from tests.compile.meshes import ROUTE_HEADER, TRACE_HEADER, name
from tests.e2e import test_fallback
from tests.e2e.chains import LANES, SERVED, chain, outside, pair
from tests.e2e.conftest import Run
from tests.e2e.grpc_application import UNLIMITED, Chain, method, serve
from tests.e2e.scenarios import gateway_url

from laneway.model.names import ObjectName
from laneway.wiring.embedded import Embedded

pytestmark = pytest.mark.envoy


@asynccontextmanager
async def channel(embedded: Embedded) -> AsyncIterator[grpc.aio.Channel]:
    target = gateway_url(embedded).removeprefix("http://")
    options = (*UNLIMITED, ("grpc.enable_http_proxy", 0))
    async with grpc.aio.insecure_channel(target, options=options) as opened:
        yield opened


def lane_metadata(lane: str, trace: str = "t") -> tuple[tuple[str, str], ...]:
    return ((ROUTE_HEADER, lane), (TRACE_HEADER, f"{trace}-{lane}"))


async def kill(embedded: Embedded, workload: ObjectName) -> None:
    await test_fallback.kill(test_fallback.workload_pid(embedded, workload))


async def test_a_call_runs_through_its_lane_and_back(run: Run) -> None:
    async with run(chain("grpc_application")) as embedded, channel(embedded) as ch:
        for lane in LANES:
            call = ch.unary_unary(method("Hops"))(
                b"\0raw", metadata=lane_metadata(lane), timeout=20
            )
            hops = json.loads(await call)
            assert [hop["version"] for hop in hops] == SERVED[lane]
            # The deadline reaches every application, less what has passed, and so does the id.
            assert all(0 < hop["remaining"] < 21 for hop in hops)
            assert {hop["metadata"][TRACE_HEADER] for hop in hops} == {f"t-{lane}"}
            initial = dict(await call.initial_metadata())
            trailing = dict(await call.trailing_metadata())
            assert initial["x-first"] == SERVED[lane][0]
            assert (trailing["x-last"], trailing["x-raw-bin"]) == (SERVED[lane][-1], b"\0raw")


async def test_streams_in_every_direction(run: Run) -> None:
    async with run(pair("grpc_application")) as embedded, channel(embedded) as ch:
        metadata = lane_metadata("s2")
        echo = ch.stream_stream(method("Echo"))(metadata=metadata)
        for number in range(1000):  # each answered before the next is sent: nothing waits
            await echo.write(str(number).encode())
            assert await echo.read() == str(number).encode()
        await echo.done_writing()
        assert await echo.read() is grpc.aio.EOF
        assert await echo.code() is grpc.StatusCode.OK

        numbers = ch.unary_stream(method("Numbers"))(b"5000", metadata=metadata)
        assert [int(n) async for n in numbers] == list(range(5000))

        length = ch.stream_unary(method("Length"))(iter([b"x" * 1000] * 5000), metadata=metadata)
        assert await length == b"5000000"


async def test_messages_of_many_megabytes(run: Run) -> None:
    async with run(pair("grpc_application")) as embedded, channel(embedded) as ch:
        message = os.urandom(16 << 20)
        echo = ch.stream_stream(method("Echo"))(iter([message]), metadata=lane_metadata("s2"))
        assert await echo.read() == message


async def test_status_message_and_error_details_arrive_as_they_were_sent(run: Run) -> None:
    async with run(pair("grpc_application")) as embedded, channel(embedded) as ch:
        details = bytes(range(256)) * 4
        call = ch.unary_unary(method("Fail"))(details, metadata=lane_metadata("s2"))
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await call
        assert failure.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert failure.value.details() == "50 % \u00fc"
        trailing = dict(failure.value.trailing_metadata())
        assert trailing["grpc-status-details-bin"] == details
        assert trailing["x-reason"] == "as asked"
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await ch.unary_unary(method("Nothing"))(b"", metadata=lane_metadata("s2"))
        assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_deadline_ends_the_call_and_no_other(run: Run) -> None:
    async with run(pair("grpc_application")) as embedded, channel(embedded) as ch:
        wait = ch.unary_unary(method("Wait"))
        other = wait(b"1", metadata=lane_metadata("s2"))
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await wait(b"10", metadata=lane_metadata("s2"), timeout=0.3)
        assert failure.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert await other == b"1"


async def test_a_server_killed_in_the_middle_fails_the_calls_in_it_alone(run: Run) -> None:
    """Where the answer had begun there is but a reset to tell it by, which grpcio calls INTERNAL;
    where it had not, the status is UNAVAILABLE. Neither is sent again elsewhere."""
    async with run(pair("grpc_application")) as embedded, channel(embedded) as ch:
        doomed, other = (
            ch.stream_stream(method("Echo"))(metadata=lane_metadata(lane)) for lane in ("s2", "s1")
        )
        for stream in (doomed, other):
            await stream.write(b"1")
            assert await stream.read() == b"1"
        unanswered = ch.unary_unary(method("Wait"))(b"20", metadata=lane_metadata("s2"))
        await ch.unary_unary(method("Hops"))(b"", metadata=lane_metadata("s2"))  # it is there
        await kill(embedded, name("a-s2"))
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await doomed.read()
        assert failure.value.code() is grpc.StatusCode.INTERNAL
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await unanswered
        assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
        await other.write(b"2")
        assert await other.read() == b"2"
        call = ch.unary_unary(method("Hops"))(b"", metadata=lane_metadata("s2"))
        assert json.loads(await call)[0]["version"] == "a-s1"


async def test_a_dead_instance_costs_no_call_and_its_lane_falls_back(run: Run) -> None:
    """At every hop: the gateway's call to a, and a sidecar's call to c."""
    async with run(chain("grpc_application")) as embedded, channel(embedded) as ch:
        hops = ch.unary_unary(method("Hops"))

        async def served(number: int) -> str:
            metadata = lane_metadata("s2", f"t{number}")
            return " ".join(h["version"] for h in json.loads(await hops(b"", metadata=metadata)))

        assert await served(0) == "a-s2 b-s1 c-s2"
        await kill(embedded, name("c-s2"))
        after_c = Counter(await asyncio.gather(*map(served, range(1, 200))))
        assert after_c == {"a-s2 b-s1 c-s1": 199}
        await kill(embedded, name("a-s2"))
        after_a = Counter(await asyncio.gather(*map(served, range(200, 400))))
        assert after_a == {"a-s1 b-s1 c-s1": 200}


async def test_proxies_alone_find_out_at_no_cost_to_calls_or_unfinished_streams(run: Run) -> None:
    """The first request to a dead application is answered with a status by its sidecar, at HTTP
    status 200, and has to be recognized by a header all the same."""
    (baseline, first), (dead, second) = [
        await serve(Chain(version), "127.0.0.1:0") for version in ("a-s1", "a-s2")
    ]
    mesh = outside(f"127.0.0.1:{first}", f"127.0.0.1:{second}")
    async with run(mesh) as embedded, channel(embedded) as ch:

        async def served_unary() -> str:
            call = ch.unary_unary(method("Hops"))(b"", metadata=lane_metadata("s2"))
            return str(json.loads(await call)[0]["version"])

        async def served_stream() -> str:
            stream = ch.stream_stream(method("Echo"))(metadata=lane_metadata("s2"))
            await stream.write(b"1")
            assert await stream.read() == b"1"
            version = dict(await stream.initial_metadata())["x-first"]
            await stream.done_writing()
            assert await stream.read() is grpc.aio.EOF
            return str(version)

        assert (await served_unary(), await served_stream()) == ("a-s2", "a-s2")
        await dead.stop(None)
        served = await asyncio.gather(*(f() for f in [served_stream, served_unary] * 50))
        assert Counter(served) == {"a-s1": 100}
        # The instance is ejected, and not just tried in vain by every call: when it is there again,
        # nobody comes at once.
        dead, _ = await serve(Chain("a-s2"), f"127.0.0.1:{second}")
        assert {await served_unary() for _ in range(20)} == {"a-s1"}
        await dead.stop(None)
    await baseline.stop(None)


async def test_an_application_that_answers_unavailable_is_seen_failing(run: Run) -> None:
    """A status is the application's answer: it neither falls back nor ejects the instance."""
    async with run(pair("grpc_application")) as embedded, channel(embedded) as ch:
        for _ in range(20):
            with pytest.raises(grpc.aio.AioRpcError) as failure:
                await ch.unary_unary(method("Refuse"))(b"", metadata=lane_metadata("s2"))
            assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
            assert failure.value.details() == "a-s2"
            trailing = dict(failure.value.trailing_metadata())
            assert not any(key.startswith("x-laneway") for key in trailing)


async def test_without_any_instance_the_status_says_why(run: Run) -> None:
    async with run(pair("grpc_application")) as embedded, channel(embedded) as ch:
        for workload in ("a-s1", "a-s2"):
            await embedded.stop_workload(name(workload))
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await ch.unary_unary(method("Hops"))(b"", metadata=lane_metadata("s2"))
        assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "no healthy instance of the service" in str(failure.value.details())
