"""Checks whether a server can listen on an address before gRPC tries.

gRPC gives no reason for a failure, writes to standard error, and takes a Unix socket over from a
server that is using it.
"""

from __future__ import annotations

import os
import socket
import stat


def check_free(address: str) -> None:
    """Raises ``OSError`` with the reason if a server cannot listen on the address."""
    try:
        if address.startswith("unix:"):
            _check_path(address.removeprefix("unix:"))
        else:
            host, _, port = address.rpartition(":")
            _check_port(host.strip("[]"), int(port))
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"the xDS server cannot listen on {address}: {reason}") from None


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _check_path(path: str) -> None:
    if not os.path.isdir(os.path.dirname(path)):
        raise OSError(f"there is no folder {os.path.dirname(path)}")
    if os.path.lexists(path) and not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise OSError("there is a file of that name")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return  # new, or left by a server that was killed
    raise OSError("another server is listening there")
