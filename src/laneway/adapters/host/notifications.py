"""Tells systemd that a service has started or is stopping (``Type=notify``, sd_notify(3))."""

from __future__ import annotations

import socket
from collections.abc import Mapping


def notify(state: str, environment: Mapping[str, str]) -> None:
    """``state`` is for instance ``READY=1``. Does nothing where systemd did not ask for it."""
    path = environment.get("NOTIFY_SOCKET", "")
    if path[:1] not in ("/", "@"):
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as client:
        client.connect(address)
        client.send(state.encode())
