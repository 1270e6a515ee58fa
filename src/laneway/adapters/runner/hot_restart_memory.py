"""Memory that an Envoy shares with its successor in a hot restart.

The native lane filter stores the lanes of trace ids in it. It is a file without a name
(``memfd_create``): no other process can open it, only the machine's memory limits it, and it
disappears with the last process that uses it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence

from laneway.filter import MEMORY_SIZE, MEMORY_VARIABLE


class SharedMemory:
    """The memory of one proxy and its successors. Close it at the end.

    ``descriptor`` is that of memory which a running proxy uses.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = descriptor

    def renew(self) -> None:
        """Replaces the memory by an empty one, for a proxy that has no predecessor.

        If the system does not support it, each process has its own memory.
        """
        self.close()
        with contextlib.suppress(OSError):
            descriptor = os.memfd_create("laneway-trace-memory")
            try:
                os.ftruncate(descriptor, MEMORY_SIZE)
            except OSError:
                os.close(descriptor)
                raise
            self._descriptor = descriptor

    @property
    def descriptor(self) -> int | None:
        return self._descriptor

    @property
    def descriptors(self) -> Sequence[int]:
        """The descriptors that a process must inherit."""
        return () if self._descriptor is None else (self._descriptor,)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variable that tells a process the memory's descriptor, or that there is none."""
        return {MEMORY_VARIABLE: "" if self._descriptor is None else str(self._descriptor)}

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
