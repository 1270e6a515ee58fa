"""Readiness probes of workloads and proxies, and the thresholds that evaluate their results.

A probe is an async function that returns "" for success, otherwise the reason. It never raises.
``Readiness`` is pure: it has Kubernetes' thresholds and the time of the next probe. ``supervisors``
use both. A mesh that idles does nothing else than probe, so probes cost as little as they can: they
fall together, and use no asyncio streams where they need not wait.
"""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from laneway.adapters.runner.admin import Admin, AdminUnreachable
from laneway.adapters.runner.http_client import connected, status_of
from laneway.model.placements import Address
from laneway.model.workloads import ReadinessProbe

Probe = Callable[[], Awaitable[str]]

_SOONEST = 0.05
_GROWTH = 1.5
#: By how much a clock may be early.
_EARLY = 0.001
#: The workers of a proxy respond, as a rule, within this many seconds.
_SOON = 0.01


@dataclass(slots=True)
class Readiness:
    """Counts results as a kubelet does, from the start of one process.

    One thing differs: until the first success, the pause grows from 50 ms up to the period, because
    a full period would be most of the time that a small application needs to start.
    """

    settings: ReadinessProbe
    ready: bool = False
    _answered: bool = False
    _row: int = 0
    _pause: float = _SOONEST

    def observe(self, good: bool) -> bool:
        """Counts a result. Returns whether ``ready`` has changed."""
        self._answered |= good
        if good == self.ready:
            self._row = 0
            return False
        self._row += 1
        settings = self.settings
        threshold = settings.success_threshold if good else settings.failure_threshold
        if self._row < threshold:
            return False
        self.ready, self._row = good, 0
        return True

    def next(self, asked: float) -> float:
        """When to probe again after a probe at ``asked``.

        That is at most a period later, and at multiples of the period. So all probes that have the
        same period wake this process once.
        """
        period = self.settings.period
        if self._answered:
            return ((asked + _EARLY) // period + 1) * period
        pause = min(self._pause, period)
        self._pause *= _GROWTH
        return asked + pause


def http_probe(address: Address, path: str, timeout: float) -> Probe:
    """Succeeds with a status from 200 to 399. Redirections are not followed."""
    target = path if path.startswith("/") else f"/{path}"

    async def probe() -> str:
        try:
            async with asyncio.timeout(timeout):
                status = await status_of(address, target)
        except TimeoutError:
            return f"no answer to GET http://{address}{target} in {timeout:g} s"
        except (OSError, http.client.HTTPException) as error:
            return f"GET http://{address}{target}: {_text(error)}"
        if 200 <= status < 400:
            return ""
        return f"GET http://{address}{target} was answered with {status}"

    return probe


def tcp_probe(address: Address, timeout: float) -> Probe:
    """Succeeds with a connection."""
    family = _family(address.host)

    async def probe() -> str:
        if family is not None and _connects_at_once(family, address):
            return ""
        try:
            async with asyncio.timeout(timeout), connected(address):
                return ""
        except TimeoutError:
            return f"no connection to {address} in {timeout:g} s"
        except OSError as error:
            return f"connection to {address}: {_text(error)}"

    return probe


def _family(host: str) -> socket.AddressFamily | None:
    """None for a name, which has to be looked up first."""
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return None
    return socket.AF_INET if version == 4 else socket.AF_INET6


def _connects_at_once(family: socket.AddressFamily, address: Address) -> bool:
    """Whether the kernel connects without waiting for another machine, or for room in a queue."""
    with socket.socket(family) as connection:
        connection.setblocking(False)
        try:
            connection.connect_ex((address.host, address.port))
            # The kernel may connect an ephemeral port to itself.
            return bool(connection.getpeername() != connection.getsockname())
        except OSError:
            return False


def proxy_probe(admin: Admin, listener: Path, timeout: float) -> Probe:
    """Succeeds if Envoy has its first configuration, and its workers respond.

    Workers begin to serve ``listener`` (see ``bootstraps``) when Envoy is ``LIVE``. If they do not
    respond, the admin interface is asked for the reason.
    """

    async def probe() -> str:
        problem = await _answered(listener, timeout)
        return problem if problem in ("", hung(timeout)) else await _state(admin) or problem

    return probe


async def until(time: float) -> None:
    """Sleeps until ``time`` of the event loop. All who wait for the same time wake it once."""
    loop = asyncio.get_running_loop()
    due = loop.create_future()
    timer = loop.call_at(time, _finish, due)
    try:
        await due
    finally:
        timer.cancel()


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _answered(listener: Path, seconds: float) -> str:
    """Returns "" if ``listener`` sends a byte."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.setblocking(False)
        try:
            connection.connect(str(listener))
            await until((asyncio.get_running_loop().time() // _SOON + 2) * _SOON)
            answer = _received(connection)
            if answer is None:
                await _readable(connection, seconds)
                # Even after the timeout: this process may be late, and the response is there.
                answer = connection.recv(1)
        except BlockingIOError:  # no response, or the accept queue is full
            return hung(seconds)
        except OSError as error:
            return f"connection to {listener}: {_text(error)}"
    return "" if answer else f"connection to {listener} was closed"


def _received(connection: socket.socket) -> bytes | None:
    try:
        return connection.recv(1)
    except BlockingIOError:
        return None


async def _readable(connection: socket.socket, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection, readable.set)
    try:
        async with asyncio.timeout(seconds):
            await readable.wait()
    except TimeoutError:
        return
    finally:
        loop.remove_reader(connection)


def hung(seconds: float) -> str:
    return f"it has not answered for {seconds:g} s"


async def _state(admin: Admin) -> str:
    try:
        state = await admin.state()
    except AdminUnreachable as error:
        return str(error)
    if state == "LIVE":
        return ""
    hint = ": no configuration from the control plane yet" if "INITIALIZING" in state else ""
    return f"Envoy is {state}{hint}"


def _text(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return str(error) or type(error).__name__
