"""Sees whether an application is in use, by the TCP connections to its ports.

``workloads`` asks before it stops a process. A sidecar closes a connection to its application
0.05 s after the last request on it, so a connection that is open carries a request, a stream, a
WebSocket or a tunnel. The kernel's table is asked and not the sidecar: it knows one process of a
workload from its successor behind the same sidecar, and it also has the connections of a sidecar
that hangs, and of one that drains after a hot restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
# A client that has closed its side waits for no answer.
_OPEN = (b"01", b"02")  # ESTABLISHED, SYN_SENT
_POLL = 0.1


class Connections:
    """The ports that somebody on this machine is connected to.

    ``read`` gives the kernel's tables; those who ask within ``_POLL`` seconds share one reading.
    """

    def __init__(
        self,
        read: Callable[[], Iterator[bytes]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read or _tables
        self._clock = clock
        self._known: frozenset[int] = frozenset()
        self._read_at = float("-inf")

    def to(self, ports: Collection[int]) -> bool:
        """Whether anybody is connected to one of ``ports``, as a client."""
        now = self._clock()
        if now - self._read_at >= _POLL / 2:
            self._known = frozenset(_connected(self._read()))
            self._read_at = now
        return not self._known.isdisjoint(ports)

    async def closed(self, ports: Collection[int]) -> None:
        """Wait until nobody is connected to ``ports``."""
        while self.to(ports):  # noqa: ASYNC110 -- the kernel can only be asked
            await asyncio.sleep(_POLL)


def _tables() -> Iterator[bytes]:
    for table in _TABLES:
        with contextlib.suppress(OSError):  # no IPv6, or no /proc
            yield table.read_bytes()


def _connected(tables: Iterator[bytes]) -> Iterator[int]:
    for table in tables:
        for line in table.splitlines()[1:]:
            _, _, remote, state, _ = line.split(maxsplit=4)
            if state in _OPEN:
                yield int(remote.rpartition(b":")[2], 16)
