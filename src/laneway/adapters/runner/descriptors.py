"""The number of connections that a proxy can have, given the system's limit of open files.

A proxy without free descriptors leaves clients waiting in its accept queue, and treats endpoints
that it cannot connect to as dead. So it gets a lower limit of connections, and closes additional
ones at once.
"""

from __future__ import annotations

import resource

MOST_CONNECTIONS = 50_000
#: Listening sockets of every worker, the control plane, logs, epoll and the like.
_RESERVED = 200


def most_connections(descriptors: int | None = None) -> int:
    """The limit for a process that may open ``descriptors`` files (default: this machine's limit).

    It is about half of them, because a request may need an incoming and an outgoing connection.
    """
    if descriptors is None:
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if descriptors == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(1, min(MOST_CONNECTIONS, (descriptors - _RESERVED) // 2))
