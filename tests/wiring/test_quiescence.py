"""A server stops for its successor step by step, or goes on as before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from laneway.wiring.handover import NotHandedOver
from laneway.wiring.quiescence import quiescent


class RecordingServer:
    """``busy`` are the calls of ``unchanging`` that never get their turn, ``unrecordable`` those of
    ``check_recordable`` that raise, each counted from 1."""

    def __init__(self, busy: int = 0, unrecordable: int = 0) -> None:
        self.calls: list[str] = []
        self._busy = busy
        self._unrecordable = unrecordable

    @asynccontextmanager
    async def unchanging(self) -> AsyncIterator[None]:
        self.calls.append("unchanging")
        if self.calls.count("unchanging") == self._busy:
            await asyncio.Event().wait()
        yield
        self.calls.append("changing")

    def check_recordable(self) -> None:
        self.calls.append("check")
        if self.calls.count("check") == self._unrecordable:
            raise NotHandedOver("it cannot be recorded")

    async def close_api(self) -> str:
        self.calls.append("close")
        return "sockets"

    async def open_api(self, listening: str) -> None:
        self.calls.append(f"open {listening}")

    async def caught_up(self) -> None:
        self.calls.append("caught up")

    async def stop_following(self) -> None:
        self.calls.append("stop")

    def follow(self) -> None:
        self.calls.append("follow")


async def test_the_mesh_does_not_change_from_its_check_to_the_end() -> None:
    server = RecordingServer()
    async with quiescent(server, 1) as listening:
        assert listening == "sockets"
        assert server.calls[3:] == ["close", "caught up", "stop", "unchanging", "check"]


async def test_what_is_busy_closes_nothing() -> None:
    server = RecordingServer(busy=1)
    with pytest.raises(NotHandedOver, match=r"not finished after 0\.01 s"):
        async with quiescent(server, 0.01):
            pass
    assert server.calls == ["unchanging"]


@pytest.mark.parametrize("server", [RecordingServer(busy=2), RecordingServer(unrecordable=2)])
async def test_what_cannot_be_finished_goes_on_as_before(server: RecordingServer) -> None:
    with pytest.raises(NotHandedOver, match=r"not finished|cannot be recorded"):
        async with quiescent(server, 0.05):
            pass
    assert server.calls[-3:] == ["stop", "follow", "open sockets"]
