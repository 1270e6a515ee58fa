from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from laneway.adapters.runner.connections import Connections


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def port(of: socket.socket) -> int:
    number: int = of.getsockname()[1]
    return number


def test_a_port_that_nobody_is_connected_to(server: socket.socket) -> None:
    assert not Connections().to({port(server)})


def test_a_connection_counts_before_it_is_accepted_and_until_its_client_closes(
    server: socket.socket,
) -> None:
    with socket.create_connection(server.getsockname()):
        assert Connections().to({port(server), 1})
        accepted, _ = server.accept()
        assert Connections().to({port(server)})
        assert not Connections().to({1})
    with accepted:
        assert not Connections().to({port(server)})


def test_a_client_that_has_closed_its_side_waits_for_nothing(server: socket.socket) -> None:
    with socket.create_connection(server.getsockname()) as client, server.accept()[0]:
        client.shutdown(socket.SHUT_WR)
        assert not Connections().to({port(server)})


def test_ipv6() -> None:
    with (
        socket.create_server(("::1", 0), family=socket.AF_INET6) as server,
        socket.create_connection(server.getsockname()[:2]),
    ):
        assert Connections().to({port(server)})


def test_those_who_ask_at_once_share_one_reading() -> None:
    readings, now = [], 0.0

    def read() -> Iterator[bytes]:
        readings.append(now)
        yield b"head\n  0: 0100007F:1F90 0100007F:2328 01 00000000:00000000\n"

    connections = Connections(read, lambda: now)
    assert connections.to({9000})
    assert not connections.to({8080})  # the client's own port
    assert len(readings) == 1
    now = 1.0
    assert connections.to({9000})
    assert len(readings) == 2


async def test_the_end_of_the_last_connection_is_waited_for(server: socket.socket) -> None:
    with socket.create_connection(server.getsockname()):
        closed = asyncio.create_task(Connections().closed({port(server)}))
        await asyncio.sleep(0.3)
        assert not closed.done()
    async with asyncio.timeout(10):
        await closed
