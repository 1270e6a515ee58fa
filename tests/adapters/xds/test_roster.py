from __future__ import annotations

import asyncio

import pytest
from tests.adapters.xds.proxies import request
from tests.adapters.xds.resources import cluster

from laneway.adapters.xds.roster import Connection, Roster
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
def roster(changes: Changes) -> Roster:
    return Roster(changes)


def connect(roster: Roster, node: str = "n") -> tuple[Connection, list[str]]:
    closed: list[str] = []
    connection = roster.connect(node, lambda: closed.append(node))
    assert connection
    return connection, closed


def settle(roster: Roster, connection: Connection) -> None:
    """An empty wildcard is answered, and the answer acknowledged."""
    connection.stream.receive(request(CLUSTER))
    push = connection.stream.next()
    assert push
    connection.stream.receive(request(CLUSTER, nonce=push.nonce))
    roster.refresh(connection)


async def waits(roster: Roster) -> asyncio.Task[bool]:
    async def wait() -> bool:
        return (await roster.wait_synced(frozenset({"n"})))["n"].synced

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    assert not task.done()
    return task


def test_a_node_never_heard_of_is_not_connected(roster: Roster) -> None:
    status = roster.status("who")
    assert (status.connected, status.synced, status.resources) == (False, False, ())
    assert roster.resources("who") == ()


async def test_waiting_begins_before_the_proxy_is_there(roster: Roster) -> None:
    task = await waits(roster)
    roster.publish({"n": EMPTY})
    connection, _ = connect(roster)
    settle(roster, connection)
    assert await task


async def test_a_publish_unsettles(roster: Roster) -> None:
    roster.publish({"n": EMPTY})
    connection, _ = connect(roster)
    settle(roster, connection)
    assert roster.status("n").synced
    roster.publish({"n": ONE})
    assert not roster.status("n").synced
    (await waits(roster)).cancel()


async def test_a_publish_just_after_it_settled_is_waited_for(roster: Roster) -> None:
    """Before the task that waits has run again; else the proxy would be taken for a late one."""
    roster.publish({"n": EMPTY})
    connection, _ = connect(roster)
    task = await waits(roster)
    settle(roster, connection)
    roster.publish({"n": ONE})
    await asyncio.sleep(0)
    assert not task.done()
    for each in iter(connection.stream.next, None):
        connection.stream.receive(request(each.type_url, nonce=each.nonce))
    connection.stream.receive(request(ENDPOINT, add=("a",)))
    for each in iter(connection.stream.next, None):
        connection.stream.receive(request(each.type_url, nonce=each.nonce))
    roster.refresh(connection)
    assert await task


async def test_publishing_the_same_changes_nothing(roster: Roster) -> None:
    roster.publish({"n": EMPTY})
    connection, _ = connect(roster)
    settle(roster, connection)
    connection.wake.clear()
    roster.publish({"n": EMPTY, "other": ONE})
    assert not connection.wake.is_set()
    assert roster.status("n").synced


async def test_a_disconnected_proxy_is_not_synced_but_known(roster: Roster) -> None:
    roster.publish({"n": EMPTY})
    connection, _ = connect(roster)
    settle(roster, connection)
    roster.disconnect(connection)
    status = roster.status("n")
    assert (status.connected, status.synced) == (False, False)
    (await waits(roster)).cancel()


async def test_a_newer_stream_closes_the_older_which_then_counts_no_more(roster: Roster) -> None:
    roster.publish({"n": EMPTY})
    older, closed = connect(roster)
    newer, _ = connect(roster)
    assert closed == ["n"]
    roster.disconnect(older)
    assert roster.status("n").connected
    settle(roster, newer)
    roster.refresh(older)
    assert roster.status("n").synced


async def test_nobody_waits_for_a_node_that_is_forgotten(roster: Roster) -> None:
    roster.publish({"n": ONE})
    task = await waits(roster)
    roster.forget("n")
    roster.forget("n")
    assert await task is False


async def test_a_forgotten_proxy_keeps_what_it_has(roster: Roster) -> None:
    roster.publish({"n": ONE})
    connection, closed = connect(roster)
    connection.stream.receive(request(CLUSTER))
    roster.forget("n")
    assert connection.stream.next() is None
    assert not closed
    roster.publish({"n": ONE})
    assert connection.stream.next()


def test_ids_that_nobody_published_for_do_not_pile_up(roster: Roster) -> None:
    for index in range(10):
        connection, _ = connect(roster, f"n{index}")
        roster.disconnect(connection)
    assert not roster.nodes


def test_changes_are_told(roster: Roster, changes: Changes) -> None:
    roster.publish({"n": EMPTY})
    connection, _ = connect(roster)
    assert changes == ["n"]
    settle(roster, connection)
    assert changes == ["n", "n"]
    roster.refresh(connection)
    assert changes == ["n", "n"]
    roster.disconnect(connection)
    assert changes == ["n", "n", "n"]


def test_the_process_before_cannot_take_the_node_back(roster: Roster) -> None:
    """In a hot restart both run for a while, and each would connect again when it is closed."""
    closed: list[int] = []

    def joins(generation: int) -> Connection | None:
        return roster.connect("n", lambda: closed.append(generation), generation)

    first, second = joins(1), joins(2)
    assert first
    assert second
    assert closed == [1]
    assert joins(1) is None
    assert roster.status("n").connected
    assert closed == [1]
    roster.disconnect(second)  # it died while its parent still drains
    assert joins(1)
