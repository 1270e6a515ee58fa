from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from laneway.adapters.runner.admin import Admin, AdminUnreachable
from laneway.adapters.runner.http_client import exchange
from laneway.adapters.runner.ports import Ports
from laneway.adapters.runner.probes import Readiness, http_probe, proxy_probe, tcp_probe
from laneway.model.placements import Address
from laneway.model.workloads import ReadinessProbe


def observed(settings: ReadinessProbe, answers: str) -> str:
    """The readiness after each answer: ``+`` and ``-`` in, ``R`` and ``.`` out."""
    readiness = Readiness(settings)
    states = ""
    for answer in answers:
        before = readiness.ready
        assert readiness.observe(answer == "+") == (readiness.ready != before)
        states += "R" if readiness.ready else "."
    return states


@pytest.mark.parametrize(
    ("successes", "failures", "answers", "states"),
    [
        (1, 3, "--+--+---+", "..RRRRRR.R"),
        (1, 1, "+-+-", "R.R."),
        (3, 2, "++-+++--++", ".....RR..."),
        (2, 3, "+-+-++-+--", ".....RRRRR"),
    ],
)
def test_thresholds_count_answers_in_a_row(
    successes: int, failures: int, answers: str, states: str
) -> None:
    settings = ReadinessProbe(success_threshold=successes, failure_threshold=failures)
    assert observed(settings, answers) == states


def test_a_starting_process_is_asked_often_and_then_once_a_period() -> None:
    readiness = Readiness(ReadinessProbe(period=0.2))
    pauses = []
    for _ in range(6):
        readiness.observe(False)
        pauses.append(readiness.next(100.0) - 100.0)
    assert pauses == pytest.approx([0.05, 0.075, 0.1125, 0.16875, 0.2, 0.2])


@pytest.mark.parametrize("good", [True, False])
def test_what_has_answered_is_asked_at_multiples_of_its_period(good: bool) -> None:
    """So a laneway that idles wakes once for all of them, and not once for each."""
    readiness = Readiness(ReadinessProbe(period=5.0))
    readiness.observe(True)
    readiness.observe(good)
    assert {readiness.next(asked) for asked in (100.0, 100.2, 104.9)} == {105.0}
    assert readiness.next(104.9999) == 110.0, "a timer may be early"


@contextlib.contextmanager
def listening() -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Address(*server.getsockname())


@contextlib.asynccontextmanager
async def answering(response: bytes, *, hang: bool = False) -> AsyncIterator[Address]:
    """A server that answers every connection with these bytes."""
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        if hang:
            await done.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Address(*server.sockets[0].getsockname())
    finally:
        done.set()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("status", [200, 204, 301, 399])
async def test_http_statuses_that_are_ready(status: int) -> None:
    async with answering(b"HTTP/1.1 %d Fine\r\nContent-Length: 0\r\n\r\n" % status) as address:
        assert await http_probe(address, "/healthz", 5.0)() == ""


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_http_statuses_that_are_not(status: int) -> None:
    async with answering(b"HTTP/1.1 %d No\r\n\r\n" % status) as address:
        problem = await http_probe(address, "healthz", 5.0)()
    assert problem == f"GET http://{address}/healthz was answered with {status}"


async def test_an_endless_body_is_not_waited_for() -> None:
    async with answering(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 1000, hang=True) as address:
        assert await http_probe(address, "/", 5.0)() == ""


@pytest.mark.parametrize(
    "nonsense", [b"", b"\r\n", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n", b"x" * 200_000]
)
async def test_what_is_not_http_is_a_problem_and_no_exception(nonsense: bytes) -> None:
    async with answering(nonsense) as address:
        assert str(address) in await http_probe(address, "/", 5.0)()


async def test_an_answer_that_does_not_come_is_a_problem() -> None:
    async with answering(b"", hang=True) as address:
        problem = await http_probe(address, "/", 0.05)()
    assert problem == f"no answer to GET http://{address}/ in 0.05 s"


async def test_tcp_needs_a_listener_and_no_more(ports: Ports) -> None:
    with listening() as address:
        assert await tcp_probe(address, 5.0)() == ""
    closed = ports.reserve("nobody")
    ports.release([closed])
    assert await tcp_probe(closed, 5.0)() == f"connection to {closed}: connection refused"


async def test_a_tcp_probe_of_this_machine_waits_for_nothing() -> None:
    """Most of what an idle laneway does is this, and asyncio's streams take ten times as long."""
    with listening() as address:
        probing = tcp_probe(address, 5.0)().__await__()
        with pytest.raises(StopIteration) as ended:
            next(probing)
    assert ended.value.value == ""


async def test_a_tcp_probe_looks_names_up() -> None:
    with listening() as address:
        assert await tcp_probe(Address("localhost", address.port), 5.0)() == ""


async def test_chunked_bodies_are_joined() -> None:
    chunks = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    async with answering(chunks) as address:
        assert (await exchange(address, "GET", "/")).body == b"abcde"


async def test_an_admin_interface_that_is_not_there(tmp_path: Path) -> None:
    admin = Admin(tmp_path / "admin.sock")
    with pytest.raises(AdminUnreachable, match="No such file"):
        await admin.state()
    assert "No such file" in await proxy_probe(admin, tmp_path / "probe.sock", 1.0)()


async def test_a_proxy_that_accepts_and_does_not_answer_hangs(tmp_path: Path) -> None:
    """The kernel accepts on behalf of a process that is stopped, until its backlog is full."""
    path = tmp_path / "probe.sock"
    probe = proxy_probe(Admin(tmp_path / "admin.sock"), path, 0.01)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        for _ in range(4):
            assert await probe() == "it has not answered for 0.01 s"


async def test_an_answer_counts_though_the_one_who_asked_was_late(tmp_path: Path) -> None:
    path = tmp_path / "probe.sock"

    def answer(listener: socket.socket) -> None:
        accepted, _ = listener.accept()
        accepted.send(b".")
        accepted.close()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        probing = asyncio.ensure_future(proxy_probe(Admin(tmp_path / "admin.sock"), path, 0.05)())
        await asyncio.sleep(0)
        answer(listener)
        time.sleep(0.1)  # noqa: ASYNC251 -- the event loop is busy until after the deadline
        assert await probing == ""
