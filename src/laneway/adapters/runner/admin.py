"""Queries and controls a running Envoy through its admin interface, on a Unix socket.

``probes`` read its state, ``proxies`` drain it before they stop it, and faces read counters.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from laneway.adapters.runner.http_client import Response, exchange

_DEADLINE = 5.0
# Requests in flight on all HTTP connection managers except the admin interface's, which counts this
# request itself. Upgraded connections and tunnels count until they are closed.
_IN_FLIGHT = r"^http\..*\.downstream_rq_active$"
_ADMIN_IN_FLIGHT = "http.admin.downstream_rq_active"


class AdminUnreachable(Exception):
    """The admin interface did not respond correctly: Envoy is starting, hanging or gone."""


class Admin:
    """The admin interface at ``path``. All methods may raise ``AdminUnreachable``."""

    def __init__(self, path: Path, deadline: float = _DEADLINE) -> None:
        self.path = path
        self._deadline = deadline

    async def state(self) -> str:
        """``LIVE``, or the reason why it is not: ``PRE_INITIALIZING``, ``INITIALIZING``, ..."""
        return (await self._ask("GET", "/ready")).text.strip()

    async def stats(self, pattern: str = "", used_only: bool = False) -> Mapping[str, int]:
        """Counters and gauges whose names match ``pattern``, an RE2 expression."""
        query = {"format": "json", "filter": pattern} | ({"usedonly": ""} if used_only else {})
        answer = json.loads(await self.get(f"/stats?{urlencode(query)}"))
        return {s["name"]: s["value"] for s in answer["stats"] if isinstance(s.get("value"), int)}

    async def requests_in_flight(self) -> int:
        stats = await self.stats(_IN_FLIGHT)
        return sum(value for name, value in stats.items() if name != _ADMIN_IN_FLIGHT)

    async def fail_health_checks(self) -> None:
        await self.post("/healthcheck/fail")

    async def stop_listening(self) -> None:
        """Closes the listening sockets. Connections stay, and requests on them are served."""
        await self.post("/drain_listeners")

    async def get(self, target: str) -> bytes:
        """The body, e.g. of ``/clusters?format=json`` or ``/config_dump``."""
        return self._succeeded(target, await self._ask("GET", target))

    async def post(self, target: str) -> bytes:
        return self._succeeded(target, await self._ask("POST", target))

    def _succeeded(self, target: str, response: Response) -> bytes:
        if response.status != 200:
            text = response.text.strip()
            raise AdminUnreachable(f"{target} was answered with {response.status}: {text}")
        return response.body

    async def _ask(self, method: str, target: str) -> Response:
        try:
            async with asyncio.timeout(self._deadline):
                return await exchange(self.path, method, target)
        except TimeoutError:
            raise AdminUnreachable(f"no answer to {target} in {self._deadline:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            raise AdminUnreachable(f"admin interface: {error}") from error
