from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.adapters.xds.clients import Client, connect
from tests.adapters.xds.proxies import request
from tests.adapters.xds.resources import cluster

from laneway.adapters.xds.proxy_registry import ProxyRegistry
from laneway.adapters.xds.server import XdsServer
from laneway.compile.resources import CLUSTER, ENDPOINT, Snapshot
from laneway.control.proxies import Verdict

NODE = frozenset({"n"})


def clusters(*timeouts: int) -> Snapshot:
    made = [cluster(f"c{index}", timeout) for index, timeout in enumerate(timeouts)]
    return Snapshot({CLUSTER: {each.name: each for each in made}})


class Watched(ProxyRegistry):
    """A registry that a test can wait on."""

    def __init__(self) -> None:
        super().__init__(lambda node: self.changed.set())
        self.changed = asyncio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await self.changed.wait()
                self.changed.clear()


@pytest.fixture
def registry() -> Watched:
    return Watched()


@pytest.fixture
async def server(registry: Watched) -> AsyncIterator[XdsServer]:
    before = asyncio.all_tasks()
    async with XdsServer(registry) as started:
        yield started
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not [each for each in left if not _is_clients(each)], "stop leaves no task"


def _is_clients(task: asyncio.Task[Any]) -> bool:
    """grpc.aio's client notices the end of its calls a moment later."""
    return getattr(task.get_coro(), "__qualname__", "").startswith("_AioCall.")


async def subscribe(client: Client, node: str = "n") -> None:
    await client.send(request(CLUSTER), node)


async def synced(registry: ProxyRegistry) -> None:
    async with asyncio.timeout(60):
        statuses = await registry.wait_synced(NODE)
    assert statuses["n"].synced


async def test_a_proxy_is_served_and_its_ack_is_kept(registry: Watched, server: XdsServer) -> None:
    registry.publish({"n": clusters(1)})
    async with connect(server.address) as client:
        await subscribe(client)
        received = await client.receive()
        assert received.control_plane.identifier == "laneway"
        (sent,) = received.resources
        assert (sent.name, sent.version) == ("c0", cluster("c0", 1).version)
        assert sent.resource.value == cluster("c0", 1).body
        await client.acknowledge(received)
        await client.send(request(ENDPOINT, add=("c0",)))
        await client.acknowledge(await client.receive())
        await synced(registry)
        (status,) = (each for each in registry.resources("n") if each.type_url == CLUSTER)
        assert (status.accepted, status.verdict) == (sent.version, Verdict.ACKED)


async def test_a_rejection_is_kept_in_the_proxys_words(
    registry: Watched, server: XdsServer
) -> None:
    registry.publish({"n": clusters(1)})
    async with connect(server.address) as client:
        await subscribe(client)
        await client.acknowledge(await client.receive(), error="not with me")
        async with asyncio.timeout(60):
            (status,) = (await registry.wait_synced(NODE)).values()
        assert not status.synced
        assert [each.error for each in status.resources] == ["not with me"]


async def test_a_node_nothing_is_published_for_is_served_later(
    registry: Watched, server: XdsServer
) -> None:
    async with connect(server.address) as client:
        await subscribe(client)
        reading = asyncio.create_task(client.receive())
        await registry.until(lambda: registry.status("n").connected)
        assert not reading.done()
        registry.publish({"n": clusters(1)})
        assert [each.name for each in (await reading).resources] == ["c0"]
    await registry.until(lambda: not registry.status("n").connected)


async def test_a_second_stream_of_a_node_replaces_the_first(
    registry: Watched, server: XdsServer
) -> None:
    registry.publish({"n": clusters(1)})
    async with connect(server.address) as first, connect(server.address) as second:
        await subscribe(first)
        await first.receive()
        await subscribe(second)
        await second.receive()
        code, _ = await first.end()
        assert code is grpc.StatusCode.UNAVAILABLE
        assert registry.status("n").connected


async def test_a_proxy_that_does_not_answer_holds_up_nobody(
    registry: Watched, server: XdsServer
) -> None:
    """It is sent one response; what is published meanwhile is merged into the next."""
    async with connect(server.address) as slow, connect(server.address) as quick:
        registry.publish({"slow": clusters(1), "n": clusters(1)})
        await subscribe(slow, "slow")
        await subscribe(quick)
        unanswered = await slow.receive()
        for timeout in range(2, 30):
            await quick.acknowledge(await quick.receive())
            registry.publish({"slow": clusters(timeout), "n": clusters(timeout)})
        await slow.acknowledge(unanswered)
        (newest,) = (await slow.receive()).resources
        assert newest.version == cluster("c0", 29).version


async def test_a_proxy_that_vanishes_leaves_nothing(
    registry: Watched, server: XdsServer, caplog: pytest.LogCaptureFixture
) -> None:
    many = Snapshot({CLUSTER: {name: cluster(name) for name in map(str, range(3000))}})
    registry.publish({"n": many})
    for _ in range(5):
        async with connect(server.address) as client:
            await subscribe(client)
            await client.receive()
    await registry.until(lambda: not registry.status("n").connected)
    assert not caplog.records  # grpc reports what a handler raises


async def test_stopping_ends_streams_and_proxies_may_come_back(registry: Watched) -> None:
    registry.publish({"n": clusters(1)})
    async with XdsServer(registry) as server, connect(server.address) as client:
        await subscribe(client)
        await client.acknowledge(await client.receive())
        await client.send(request(ENDPOINT, add=("gone",)))
        await client.receive()  # so that the acknowledgement has arrived, too
        await server.stop()
        code, _ = await client.end()
        assert code is grpc.StatusCode.UNAVAILABLE
        assert not registry.status("n").connected
    async with XdsServer(registry, server.address) as again, connect(again.address) as client:
        await client.send(request(CLUSTER, has={"c0": cluster("c0", 1).version}), "n")
        registry.publish({"n": clusters(1, 1)})
        assert [each.name for each in (await client.receive()).resources] == ["c1"]


async def test_a_request_without_a_node_is_told_so(server: XdsServer) -> None:
    async with connect(server.address) as client:
        await client.send(request(CLUSTER))
        assert await client.end() == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "the first request must have a node.id",
        )


async def test_state_of_the_world_is_told_what_to_do(server: XdsServer) -> None:
    async with connect(server.address, "StreamAggregatedResources") as client:
        code, details = await client.end()
        assert code is grpc.StatusCode.UNIMPLEMENTED
        assert "DELTA_GRPC" in details


async def test_a_unix_socket_is_the_owners_alone(registry: Watched, tmp_path: Path) -> None:
    path = tmp_path / "xds.sock"
    registry.publish({"n": clusters(1)})
    async with XdsServer(registry, f"unix:{path}") as server, connect(server.address) as client:
        assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0
        await subscribe(client)
        assert (await client.receive()).resources


async def test_two_servers_do_not_share_a_port(
    server: XdsServer, registry: Watched, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(OSError, match=f"{server.address}: Address already in use"):
        await XdsServer(registry, server.address).start()
    assert "Failed to" not in capfd.readouterr().err


async def test_a_socket_that_is_served_is_not_taken_over(registry: Watched, tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/xds.sock"
    async with XdsServer(registry, address), connect(address) as client:
        with pytest.raises(OSError, match="another server"):
            await XdsServer(registry, address).start()
        registry.publish({"n": clusters(1)})
        await subscribe(client)
        await client.receive()


async def test_a_socket_left_behind_is_taken_over(registry: Watched, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(f"{tmp_path}/xds.sock")
    async with XdsServer(registry, f"unix:{tmp_path}/xds.sock"):
        pass


async def test_a_file_or_a_missing_folder_is_no_place_for_a_socket(
    registry: Watched, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(OSError, match="a file of that name"):
        await XdsServer(registry, f"unix:{tmp_path}/file").start()
    assert (tmp_path / "file").read_text() == "precious"
    with pytest.raises(OSError, match="no folder"):
        await XdsServer(registry, f"unix:{tmp_path}/none/xds.sock").start()


async def test_stopping_twice_is_harmless(registry: Watched) -> None:
    server = XdsServer(registry)
    await server.stop()
    await server.start()
    await server.stop()
    await server.stop()
