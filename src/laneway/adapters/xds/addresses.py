"""The addresses at which the xDS server may listen: loopback and Unix sockets only."""

from __future__ import annotations

import ipaddress

ANY_PORT = "127.0.0.1:0"
#: Bytes of Linux' sun_path, without the final NUL.
LONGEST_PATH = 107


def check_address(address: str) -> str:
    """Returns the address if it is loopback or a Unix socket.

    Raises ``ValueError`` for others, since snapshots contain the addresses of all workloads, and
    the stream is not encrypted.
    """
    if address.startswith("unix:"):
        if not address.startswith("unix:/"):
            raise ValueError(f"{address!r}: a unix socket needs an absolute path, 'unix:/PATH'")
        if len(address.removeprefix("unix:").encode()) > LONGEST_PATH:
            raise ValueError(
                f"{address!r}: a unix socket's path has {LONGEST_PATH} bytes at most; "
                "choose a folder with a shorter name"
            )
        return address
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"{address!r} is not HOST:PORT or unix:/PATH; try {ANY_PORT!r}")
    try:
        loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        loopback = False  # a name may resolve to anything
    if not loopback:
        raise ValueError(
            f"{address!r} is not on this machine: the xDS server has no credentials yet, "
            "so that it listens on a loopback address (127.0.0.1:PORT, [::1]:PORT) or on "
            "a unix socket (unix:/PATH) only"
        )
    return address
