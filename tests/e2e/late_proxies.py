"""Proxies that are late: what they are sent reaches them, and what they say reaches laneway, later.

Real Envoys on one machine take a change within milliseconds of one another, so that a change that
waits for nobody looks as good as one that does. Here a proxy may still have the old routes when
another has dropped what they lead to, and its clusters warm while others serve.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from laneway.adapters.xds.server import XdsServer

#: Called for every message in either direction; gives the seconds by which it is late.
Delay = Callable[[], float]


def late_server(delay: Delay) -> type[XdsServer]:
    """The xDS server with a slow line to each proxy, in place of ``XdsServer``."""

    class LateServer(XdsServer):
        async def deltas(self, call: Any) -> None:
            await super().deltas(cast(Any, _LateCall(call, delay)))

    return LateServer


class _LateCall:
    """Of one stream; messages of one direction stay in order."""

    def __init__(self, call: Any, delay: Delay) -> None:
        self._call, self._delay = call, delay

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    async def write(self, message: bytes) -> None:
        await asyncio.sleep(self._delay())
        await self._call.write(message)

    async def read(self) -> list[bytes] | None:
        messages: list[bytes] | None = await self._call.read()
        await asyncio.sleep(self._delay())
        return messages
