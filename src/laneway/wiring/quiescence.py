"""How a server stops for the program that replaces it: step by step, and with a way back.

``serving`` is such a server. Its mesh runs on; what changes the mesh stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Protocol, TypeVar

from laneway.wiring.handover import NotHandedOver

#: What clients of the API connect to.
Listening = TypeVar("Listening")

_BUSY = "a change, or a process that is terminating, was not finished after {:g} s; try again"


class Replaceable(Protocol[Listening]):
    def unchanging(self) -> AbstractAsyncContextManager[None]:
        """Inside, no change is under way, and no process is terminating. Waits for that."""
        ...

    def check_recordable(self) -> None:
        """Raises ``NotHandedOver``."""
        ...

    async def close_api(self) -> Listening:
        """Answers the requests under way, and ends watches. New connections wait."""
        ...

    async def open_api(self, listening: Listening) -> None: ...

    async def caught_up(self) -> None:
        """Until all that was written has been applied or has failed."""
        ...

    async def stop_following(self) -> None:
        """Ends what changes the mesh by itself. It may have ended already."""
        ...

    def follow(self) -> None: ...


@asynccontextmanager
async def quiescent(server: Replaceable[Listening], seconds: float) -> AsyncIterator[Listening]:
    """Inside, nothing of ``server`` changes the mesh any more, and there is no way back.

    Waits for ``seconds`` until nothing is under way. Raises ``NotHandedOver``, and then all goes on
    as before.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    try:
        async with asyncio.timeout_at(deadline), server.unchanging():
            server.check_recordable()
    except TimeoutError:
        raise NotHandedOver(_BUSY.format(seconds)) from None
    listening = await server.close_api()
    async with AsyncExitStack() as held:
        try:
            async with asyncio.timeout_at(deadline):
                await server.caught_up()
                await server.stop_following()
                await held.enter_async_context(server.unchanging())
            server.check_recordable()
        except (TimeoutError, NotHandedOver) as error:
            await server.stop_following()
            server.follow()
            await server.open_api(listening)
            raise NotHandedOver(str(error) or _BUSY.format(seconds)) from None
        yield listening
