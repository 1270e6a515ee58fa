"""Asks the API server with the tokens of callers, and never with the operator's own credentials.

It has connections of its own, because a client certificate would identify the operator whatever
token is sent. It keeps no cookies and follows no redirects.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import aiohttp
import structlog
from yarl import URL

from laneway.adapters.kube.credentials import Credentials
from laneway.adapters.kube.errors import NoCredentials
from laneway.apiserver.callers_api import ApiUnreachable, CallersAnswer

log = structlog.get_logger(__name__)

#: Seconds for an answer as a whole, and between two signs of life of a watch.
PATIENCE, SILENCE = 75.0, 330.0
_CONNECTING = 10.0
_MOST_AT_ONCE = 64


class CallersClient:
    """Use as a context manager. Raises ``NoCredentials`` if the API server has no TLS: what answers
    plain HTTP is a proxy such as ``kubectl proxy``, which replaces the caller's identity."""

    def __init__(
        self, credentials: Credentials, *, patience: float = PATIENCE, silence: float = SILENCE
    ) -> None:
        if not credentials.server.startswith("https:"):
            raise NoCredentials(
                f"the console passes tokens on, and {credentials.server} has no TLS; give it a "
                "server with https"
            )
        self._server = credentials.server
        self._tls = credentials.unidentified
        self._ordinary = aiohttp.ClientTimeout(total=patience, sock_connect=_CONNECTING)
        self._lasting = aiohttp.ClientTimeout(
            total=None, sock_connect=_CONNECTING, sock_read=silence
        )
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        # Watches would take the connections that other requests need.
        for stream, limit in ((False, _MOST_AT_ONCE), (True, 0)):
            self._sessions[stream] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=limit, ssl=self._tls or True),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "laneway-console"},
                auto_decompress=False,
                trust_env=False,
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in self._sessions.values():
            await session.close()

    @asynccontextmanager
    async def send(
        self,
        token: str,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        content_type: str = "",
        stream: bool = False,
    ) -> AsyncIterator[CallersAnswer]:
        sent = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        if content_type:
            sent["Content-Type"] = content_type
        request = self._sessions[stream].request(
            method,
            URL(self._server + target, encoded=True),
            data=body or None,
            headers=sent,
            allow_redirects=False,
            timeout=self._lasting if stream else self._ordinary,
        )
        try:
            response = await request
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(error, target) from error
        async with response:
            headers = {
                name.lower(): ", ".join(response.headers.getall(name)) for name in response.headers
            }
            yield CallersAnswer(response.status, headers, _chunks(response, target))


async def _chunks(response: aiohttp.ClientResponse, target: str) -> AsyncIterator[bytes]:
    """As they arrive. The next ones are read from the socket when these have been taken."""
    try:
        async for chunk in response.content.iter_any():
            yield chunk
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _unreachable(error, target) from error


def _unreachable(error: Exception, target: str) -> ApiUnreachable:
    # Addresses are for the operator's log, not for users.
    log.warning(
        "the API server does not answer the console",
        path=target.partition("?")[0],
        error=f"{type(error).__name__}: {error}",
    )
    how = "in time" if isinstance(error, TimeoutError) else "the console"
    return ApiUnreachable(f"the cluster's API server does not answer {how}; try again later")
