"""Finds out whether an application is in use, by the TCP connections to its ports.

``workloads`` checks this before it stops a process. A sidecar closes connections to its application
0.05 s after the last request, so an open connection has a request, a stream, a WebSocket or a
tunnel. The kernel's table is read instead of the sidecar's counters, because it distinguishes a
process from its successor behind the same sidecar, and also has the connections of sidecars that
hang or drain.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
# A client that has closed its side does not wait for a response.
_OPEN = (b"01", b"02")  # ESTABLISHED, SYN_SENT
_POLL = 0.1


class Connections:
    """The ports of this machine that have clients.

    ``read`` returns the kernel's tables. Calls within ``_POLL`` seconds share one reading.
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
        """Whether a client is connected to one of ``ports``."""
        now = self._clock()
        if now - self._read_at >= _POLL / 2:
            self._known = frozenset(_connected(self._read()))
            self._read_at = now
        return not self._known.isdisjoint(ports)

    async def closed(self, ports: Collection[int]) -> None:
        """Waits until no client is connected to ``ports``."""
        while self.to(ports):  # noqa: ASYNC110 -- the kernel can only be polled
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
