"""Authenticates requests that Kubernetes' API server forwards.

Only its front proxy has a certificate by the authority that the cluster names, so only it can say
who the user is. The same headers from anybody else are not believed. See
``apiserver.front_proxy`` for what the certificate and the headers must be.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from laneway.adapters.http.connections import PEER_CERTIFICATE
from laneway.apiserver.failures import Failure
from laneway.apiserver.front_proxy import ClusterUser, FrontProxy, check_certificate, user_of


class FrontProxyAuthentication:
    """ASGI middleware; ``request.state.identity`` is a ``ClusterUser`` behind it.

    ``proxy`` is the one that the cluster names at the time; ``now`` is in UTC.
    """

    def __init__(
        self, app: ASGIApp, proxy: Callable[[], FrontProxy], now: Callable[[], datetime]
    ) -> None:
        self._app = app
        self._proxy = proxy
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            Request(scope).state.identity = self._user(scope)
        except Failure as failure:
            await JSONResponse(failure.document, failure.code)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _user(self, scope: Scope) -> ClusterUser:
        certificate = scope.get(PEER_CERTIFICATE)
        if not certificate:
            raise Failure(
                401, "only the cluster's API server is answered here, by its client certificate"
            )
        # The handshake checked it, and connections stand for long.
        if ssl.cert_time_to_seconds(certificate["notAfter"]) <= self._now().timestamp():
            raise Failure(401, "the client certificate has expired")
        proxy = self._proxy()
        check_certificate(proxy, _common_names(certificate))
        return user_of(proxy, scope["headers"])


def _common_names(certificate: Mapping[str, Any]) -> list[str]:
    """``certificate`` is as ``SSLSocket.getpeercert`` gives it."""
    pairs = (pair for part in certificate.get("subject", ()) for pair in part)
    return [value for name, value in pairs if name == "commonName"]


def front_proxy_context(pair: bytes, proxy: FrontProxy) -> ssl.SSLContext:
    """TLS that asks clients for a certificate of the proxy's authorities.

    ``pair`` has the server's own certificate and key, in PEM. A client without a certificate is let
    in, and told so by a Status. Raises ``OSError`` or ``ssl.SSLError``.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=proxy.authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    # A resumed session would bring a certificate that nobody checks again.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    _load(context, pair)
    return context


def _load(context: ssl.SSLContext, pair: bytes) -> None:
    """From memory: the file system of the operator's pod is read-only, and a key should not be
    written to a disk."""
    file = os.memfd_create("pair", os.MFD_CLOEXEC)
    try:
        os.write(file, pair)
        context.load_cert_chain(f"/proc/self/fd/{file}")
    finally:
        os.close(file)


class CurrentContext(ssl.SSLContext):
    """A context for a listener: each new connection has the one that is ``current`` then.

    So certificates and authorities can be renewed while the listener stays.
    """

    current: ssl.SSLContext

    def __new__(cls, current: ssl.SSLContext) -> CurrentContext:
        made = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        made.current = current
        return made

    def __init__(self, current: ssl.SSLContext) -> None:
        self.current = current

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        """Called by asyncio for each connection."""
        return self.current.wrap_bio(*args, **options)
