"""Reserves loopback ports before the processes that will listen on them exist.

``wiring`` reserves all ports first, because ``compile`` needs all addresses at once. Until its
process starts, each port is reserved by a listening socket.

Envoy's ports are shared with it and stay reserved. So two laneways never get the same port, even
if they start at the same moment, and no program takes the port of a gateway that is restarted. An
application's ports must be released, because it binds them in its own way. Free ports are chosen
below the kernel's ephemeral range, and none that another laneway has claimed. So after the release
only a program that asks for this port by number can get it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterable
from pathlib import Path
from random import Random

from laneway.adapters.host.holders import claim, holder_of_port, is_claimed
from laneway.adapters.runner.errors import PortUnavailable
from laneway.adapters.runner.records import PortRecord
from laneway.model.placements import Address

LOOPBACK = "127.0.0.1"
_LOWEST = 20000
_ATTEMPTS = 200


class Ports:
    """The ports of one laneway. No port is given out twice, not even after its release.

    ``reserved`` are those of the program before this one.
    """

    def __init__(
        self,
        random: Random | None = None,
        host: str = LOOPBACK,
        reserved: Iterable[PortRecord] = (),
    ) -> None:
        self._random = random or Random()
        self._host = host
        self._range = range(_LOWEST, max(_lowest_ephemeral(), _LOWEST))
        self._held: dict[int, socket.socket] = {}
        self._claims: dict[int, socket.socket] = {}
        self._given: dict[int, str] = {}
        for each in reserved:
            self._given[each.number] = each.owner
            self._claims[each.number] = socket.socket(fileno=each.claim)
            if each.held is not None:
                self._held[each.number] = socket.socket(fileno=each.held)

    def hand_over(self) -> tuple[PortRecord, ...]:
        """The records for ``reserved``."""
        return tuple(
            PortRecord(
                number,
                owner,
                self._held[number].fileno() if number in self._held else None,
                self._claims[number].fileno(),
            )
            for number, owner in self._given.items()
        )

    def reserve(self, owner: str, port: int = 0) -> Address:
        """Reserves ``port``, or a free one for 0. Errors name the ``owner``.

        Raises ``PortUnavailable``.
        """
        number = self._hold(owner, port) if port else self._hold_free(owner)
        address = Address(self._host, number)
        self._given[number] = owner
        self._claims[number] = claim(address)
        return address

    def share(self, addresses: Iterable[Address]) -> None:
        """Lets Envoy listen on these ports, while they stay reserved.

        Both use SO_REUSEPORT. Another program of this user would have to do the same on purpose,
        and other users cannot.
        """
        for address in addresses:
            if held := self._held.get(address.port):
                _share(held)

    def release(self, addresses: Iterable[Address]) -> None:
        """Releases these ports, because the application that listens on them starts now."""
        for address in addresses:
            if held := self._held.pop(address.port, None):
                held.close()

    def forget(self, addresses: Iterable[Address]) -> None:
        """Releases these ports, whose owners have ended. They may be given out again."""
        addresses = tuple(addresses)
        self.release(addresses)
        for address in addresses:
            self._given.pop(address.port, None)
            if claimed := self._claims.pop(address.port, None):
                claimed.close()

    def close(self) -> None:
        """Releases all ports."""
        for kept in (*self._held.values(), *self._claims.values()):
            kept.close()
        self._held.clear()
        self._claims.clear()
        self._given.clear()

    def _hold(self, owner: str, port: int) -> int:
        if port in self._given:
            raise PortUnavailable(
                f"{owner}: port {port} is already given to {self._given[port]}; "
                "give each its own port, or leave it out to get a free one"
            )
        try:
            self._held[port] = _listening(self._host, port)
        except (OSError, OverflowError) as error:
            raise PortUnavailable(f"{owner}: {_reason(self._host, port, error)}") from error
        return port

    def _hold_free(self, owner: str) -> int:
        for _ in range(_ATTEMPTS if self._range else 0):
            port = self._random.choice(self._range)
            if port in self._given:
                continue
            try:
                listening = _listening(self._host, port)
            except OSError:
                continue
            # Looked for only now: whoever has claimed a port did so before releasing it.
            if is_claimed(Address(self._host, port)):
                listening.close()
                continue
            self._held[port] = listening
            return port
        return self._hold_any(owner)

    def _hold_any(self, owner: str) -> int:
        """A port chosen by the kernel, if there is no room below its ephemeral range."""
        for _ in range(_ATTEMPTS):
            try:
                with socket.create_server((self._host, 0)) as found:
                    port: int = found.getsockname()[1]
            except OSError as error:
                message = f"{owner}: no free port at {self._host}: {error.strerror}"
                raise PortUnavailable(message) from error
            with contextlib.suppress(OSError):  # another program was faster
                # Bound by number, because only then the kernel keeps it for ``share``.
                self._held[port] = _listening(self._host, port)
                return port
        raise PortUnavailable(f"{owner}: no free port at {self._host}")


def _listening(host: str, port: int) -> socket.socket:
    """A socket that reserves the port.

    It has SO_REUSEADDR, so that connections in TIME_WAIT do not block the port. And it listens,
    because a socket that is only bound would not exclude others with SO_REUSEADDR.
    """
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, port))
        held.listen(0)
    except BaseException:
        held.close()
        raise
    return held


def _share(held: socket.socket) -> None:
    """Opens the port to sockets with SO_REUSEPORT; at no moment is it open to others.

    The socket stops listening, as it would otherwise get some of the connections. A socket that
    does not listen only excludes others without SO_REUSEADDR, so that is removed first.
    """
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    with contextlib.suppress(OSError):  # it was shared before
        held.shutdown(socket.SHUT_RD)


def _lowest_ephemeral() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 32768


def _reason(host: str, port: int, error: OSError | OverflowError) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        holder = holder_of_port(Address(host, port))
        by = f" by {holder}" if holder else " by another program"
        return f"port {port} is taken{by}; stop it, or choose another port"
    if number == errno.EACCES:
        return (
            f"port {port} needs privileges that this user does not have (it is below 1024); "
            "choose a port from 1024 on"
        )
    if number is None:
        return f"port {port} is not a port; choose one from 1 to 65535"
    return f"cannot listen on {host}:{port}: {os.strerror(number)}"
