"""Readiness: asking one workload or proxy how it is, and what a row of answers means.

A probe is an async function that gives "" for a good answer, else what is wrong; it never raises.
``Readiness`` is the pure half: Kubernetes' thresholds, and how long to wait before asking again.
``supervisors`` joins the two.
"""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from laneway.adapters.runner.admin import Admin, AdminUnreachable
from laneway.adapters.runner.exchanges import connected, status_of
from laneway.model.placements import Address
from laneway.model.workloads import ReadinessProbe

Probe = Callable[[], Awaitable[str]]

_SOONEST = 0.05
_GROWTH = 1.5


@dataclass(slots=True)
class Readiness:
    """Counts answers as a kubelet does, from the start of one process.

    One thing differs: until the first good answer the pause grows from 50 ms up to the period,
    since a kubelet's full period would be most of the time that a small application takes to start.
    """

    settings: ReadinessProbe
    ready: bool = False
    _answered: bool = False
    _row: int = 0
    _pause: float = _SOONEST

    def observe(self, good: bool) -> bool:
        """Whether this answer changed ``ready``."""
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

    def pause(self) -> float:
        """Seconds until the next question."""
        if self._answered:
            return self.settings.period
        pause = min(self._pause, self.settings.period)
        self._pause *= _GROWTH
        return pause


def http_probe(address: Address, path: str, timeout: float) -> Probe:
    """Good is a status from 200 to 399; a redirection is not followed."""
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
    """Good is a connection."""

    async def probe() -> str:
        try:
            async with asyncio.timeout(timeout), connected(address):
                return ""
        except TimeoutError:
            return f"no connection to {address} in {timeout:g} s"
        except OSError as error:
            return f"connection to {address}: {_text(error)}"

    return probe


def live_probe(admin: Admin) -> Probe:
    """Good is an Envoy that has got and applied its first configuration."""

    async def probe() -> str:
        try:
            state = await admin.state()
        except AdminUnreachable as error:
            return str(error)
        if state == "LIVE":
            return ""
        hint = ": no configuration from the control plane yet" if "INITIALIZING" in state else ""
        return f"Envoy is {state}{hint}"

    return probe


def _text(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return str(error) or type(error).__name__
