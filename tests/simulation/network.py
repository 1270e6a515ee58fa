"""xDS calls in memory: messages are late, in order, and lost when a call breaks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.simulation.event_loop import NOBODY

#: Virtual seconds.
Latency = Callable[[], float]


class Broken(Exception):
    """The call has ended."""


class Pipe:
    """One direction of a call. It has one reader."""

    def __init__(self, latency: Latency) -> None:
        self._latency = latency
        self._under_way: deque[Any] = deque()
        self._arrived: deque[Any] = deque()
        self._last = 0.0
        self._woken = False
        self._waiting: asyncio.Future[None] | None = None
        self.broken = False

    def send(self, message: Any) -> None:
        loop = asyncio.get_running_loop()
        self._under_way.append(message)
        self._last = max(self._last, loop.time() + self._latency())
        loop.call_at(self._last, self._arrive, context=NOBODY.copy())

    async def receive(self) -> Any:
        """Raises ``Broken``."""
        while not self._arrived:
            await self._wait()
        return self._arrived.popleft()

    @property
    def on_the_way(self) -> int:
        """Also what has arrived and was not received yet."""
        return len(self._under_way) + len(self._arrived)

    async def receive_all(self) -> list[Any]:
        """What has arrived; nothing after ``wake``. Raises ``Broken``."""
        while not (self._arrived or self._woken):
            await self._wait()
        self._woken = False
        arrived = [*self._arrived]
        self._arrived.clear()
        return arrived

    def wake(self) -> None:
        self._woken = True
        self._continue()

    async def _wait(self) -> None:
        if self.broken:
            raise Broken
        self._waiting = asyncio.get_running_loop().create_future()
        await self._waiting

    def cut(self) -> None:
        """What is under way is lost."""
        self.broken = True
        self._under_way.clear()
        self._continue()

    def _arrive(self) -> None:
        if self._under_way:
            self._arrived.append(self._under_way.popleft())
            self._continue()

    def _continue(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class Call:
    """One call of DeltaAggregatedResources. It is the ``Call`` of the server's side."""

    metadata = ()

    def __init__(self, latency: Latency) -> None:
        self._latency = latency
        self.requests, self.responses = Pipe(latency), Pipe(latency)
        self.handler: asyncio.Task[Any] | None = None
        self.broken = False

    async def read(self) -> list[bytes]:
        try:
            return [each.SerializeToString() for each in await self.requests.receive_all()]
        except Broken:
            await asyncio.Event().wait()  # until the handler is cancelled
            raise

    def wake(self) -> None:
        self.requests.wake()

    async def write(self, response: bytes) -> None:
        await asyncio.sleep(self._latency() / 4)
        self.responses.send(response)

    def ended(self, _: object = None) -> None:
        """The server has ended the call; the proxy gets what was sent before."""
        asyncio.get_running_loop().call_later(
            self._latency(), self.responses.cut, context=NOBODY.copy()
        )

    def cut(self, noticed: float) -> None:
        """The connection is gone. The server notices it some seconds later."""
        self.requests.cut()
        self.responses.cut()
        asyncio.get_running_loop().call_later(noticed, self._cancel, context=NOBODY.copy())

    def _cancel(self) -> None:
        self.broken = True
        if self.handler is not None:
            self.handler.cancel()
