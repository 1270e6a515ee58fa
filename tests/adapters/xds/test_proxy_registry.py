from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from tests.adapters.xds.proxies import request
from tests.adapters.xds.resources import cluster

from laneway.adapters.xds.proxy_registry import Connection, ProxyRegistry
from laneway.compile.resources import CLUSTER, ENDPOINT, Snapshot

EMPTY = Snapshot({CLUSTER: {}})
ONE = Snapshot({CLUSTER: {"a": cluster("a")}})


class Changes(list[str]):
    def __call__(self, node: str) -> None:
        self.append(node)


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def registry(changes: Changes) -> ProxyRegistry:
    return ProxyRegistry(changes)


def nothing() -> None:
    pass


def connect(
    registry: ProxyRegistry, node: str = "n", wake: Callable[[], object] = nothing
) -> tuple[Connection, list[str]]:
    closed: list[str] = []
    connection = registry.connect(node, lambda: closed.append(node), wake)
    assert connection
    return connection, closed


def settle(registry: ProxyRegistry, connection: Connection) -> None:
    """An empty wildcard is answered, and the answer acknowledged."""
    connection.stream.receive(request(CLUSTER))
    push = connection.stream.next()
    assert push
    connection.stream.receive(request(CLUSTER, nonce=push.nonce))
    registry.refresh(connection)


async def waits(registry: ProxyRegistry) -> asyncio.Task[bool]:
    async def wait() -> bool:
        return (await registry.wait_synced(frozenset({"n"})))["n"].synced

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    assert not task.done()
    return task


def test_a_node_never_heard_of_is_not_connected(registry: ProxyRegistry) -> None:
    status = registry.status("who")
    assert (status.connected, status.synced, status.resources) == (False, False, ())
    assert registry.resources("who") == ()


async def test_waiting_begins_before_the_proxy_is_there(registry: ProxyRegistry) -> None:
    task = await waits(registry)
    registry.publish({"n": EMPTY})
    connection, _ = connect(registry)
    settle(registry, connection)
    assert await task


async def test_a_publish_unsettles(registry: ProxyRegistry) -> None:
    registry.publish({"n": EMPTY})
    connection, _ = connect(registry)
    settle(registry, connection)
    assert registry.status("n").synced
    registry.publish({"n": ONE})
    assert not registry.status("n").synced
    (await waits(registry)).cancel()


async def test_a_publish_just_after_it_settled_is_waited_for(registry: ProxyRegistry) -> None:
    """Before the task that waits has run again; else the proxy would be taken for a late one."""
    registry.publish({"n": EMPTY})
    connection, _ = connect(registry)
    task = await waits(registry)
    settle(registry, connection)
    registry.publish({"n": ONE})
    await asyncio.sleep(0)
    assert not task.done()
    for each in iter(connection.stream.next, None):
        connection.stream.receive(request(each.type_url, nonce=each.nonce))
    connection.stream.receive(request(ENDPOINT, add=("a",)))
    for each in iter(connection.stream.next, None):
        connection.stream.receive(request(each.type_url, nonce=each.nonce))
    registry.refresh(connection)
    assert await task


async def test_publishing_the_same_changes_nothing(registry: ProxyRegistry) -> None:
    woken: list[str] = []
    registry.publish({"n": EMPTY})
    connection, _ = connect(registry, wake=lambda: woken.append("n"))
    settle(registry, connection)
    registry.publish({"n": EMPTY, "other": ONE})
    registry.publish({"n": Snapshot({**EMPTY.types})})  # another object, for the same resources
    assert not woken
    registry.publish({"n": ONE})
    registry.publish({"n": Snapshot({**ONE.types})})  # the proxy has not acknowledged it yet
    assert woken == ["n", "n"]
    registry.publish({"n": EMPTY})
    connection.stream.next()
    registry.refresh(connection)
    assert registry.status("n").synced


async def test_a_disconnected_proxy_is_not_synced_but_known(registry: ProxyRegistry) -> None:
    registry.publish({"n": EMPTY})
    connection, _ = connect(registry)
    settle(registry, connection)
    registry.disconnect(connection)
    status = registry.status("n")
    assert (status.connected, status.synced) == (False, False)
    (await waits(registry)).cancel()


async def test_a_newer_stream_closes_the_older_which_then_counts_no_more(
    registry: ProxyRegistry,
) -> None:
    registry.publish({"n": EMPTY})
    older, closed = connect(registry)
    newer, _ = connect(registry)
    assert closed == ["n"]
    registry.disconnect(older)
    assert registry.status("n").connected
    settle(registry, newer)
    registry.refresh(older)
    assert registry.status("n").synced


async def test_nobody_waits_for_a_node_that_is_forgotten(registry: ProxyRegistry) -> None:
    registry.publish({"n": ONE})
    task = await waits(registry)
    registry.forget("n")
    registry.forget("n")
    assert await task is False


async def test_a_forgotten_proxy_keeps_what_it_has(registry: ProxyRegistry) -> None:
    registry.publish({"n": ONE})
    connection, closed = connect(registry)
    connection.stream.receive(request(CLUSTER))
    registry.forget("n")
    assert connection.stream.next() is None
    assert not closed
    registry.publish({"n": ONE})
    assert connection.stream.next()


def test_ids_that_nobody_published_for_do_not_pile_up(registry: ProxyRegistry) -> None:
    for index in range(10):
        connection, _ = connect(registry, f"n{index}")
        registry.disconnect(connection)
    assert not registry.nodes


def test_changes_are_told(registry: ProxyRegistry, changes: Changes) -> None:
    registry.publish({"n": EMPTY})
    connection, _ = connect(registry)
    assert changes == ["n"]
    settle(registry, connection)
    assert changes == ["n", "n"]
    registry.refresh(connection)
    assert changes == ["n", "n"]
    registry.disconnect(connection)
    assert changes == ["n", "n", "n"]


def test_the_process_before_cannot_take_the_node_back(registry: ProxyRegistry) -> None:
    """In a hot restart both run for a while, and each would connect again when it is closed."""
    closed: list[int] = []

    def joins(generation: int) -> Connection | None:
        return registry.connect("n", lambda: closed.append(generation), nothing, generation)

    first, second = joins(1), joins(2)
    assert first
    assert second
    assert closed == [1]
    assert joins(1) is None
    assert registry.status("n").connected
    assert closed == [1]
    registry.disconnect(second)  # it died while its parent still drains
    assert joins(1)


def test_a_connection_is_greeted_once_it_has_settled(registry: ProxyRegistry) -> None:
    """What is published later does not change that; a new connection has to settle, too."""
    registry.publish({"n": EMPTY})
    connection, _ = connect(registry)
    assert not registry.status("n").greeted
    settle(registry, connection)
    registry.publish({"n": ONE})
    assert (registry.status("n").greeted, registry.status("n").synced) == (True, False)
    connect(registry)
    assert not registry.status("n").greeted


def test_earlier_processes_are_not_configured_when_a_later_one_is_expected(
    registry: ProxyRegistry,
) -> None:
    registry.publish({"n": ONE})
    registry.expect("n", 3)
    assert registry.connect("n", nothing, nothing, 2) is None
    assert not registry.status("n").connected
    assert registry.connect("n", nothing, nothing, 3)
    registry.expect("m", 3)
    registry.expect("m", 0)
    assert registry.connect("m", nothing, nothing, 1)
