"""``api.laneway.dev`` in a cluster, where its API server aggregates it.

The API server authenticates users, asks who may see the path, and forwards the request here. Which
front proxy is believed stands in a ConfigMap of the cluster, which is read again and again, as the
serving certificate is: both may be renewed while this serves.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from starlette.types import ASGIApp

from laneway import __version__
from laneway.adapters.files.yamls import one_document
from laneway.adapters.http.application import application
from laneway.adapters.http.front_proxies import (
    CurrentContext,
    FrontProxyAuthentication,
    front_proxy_context,
)
from laneway.adapters.http.server import ApiServer, TcpEndpoint
from laneway.adapters.http.virtual_objects import VirtualEndpoints, elsewhere_routes
from laneway.adapters.kube.access_reviews import AccessReviews
from laneway.adapters.kube.announcements import Announcer
from laneway.adapters.kube.client import Client
from laneway.adapters.kube.declared_objects import DeclaredObjects
from laneway.adapters.kube.resources import CONFIG_MAPS
from laneway.apiserver.front_proxy import FrontProxy, front_proxy
from laneway.apiserver.virtual_resources import (
    ANALYSIS,
    CHANGE_SET,
    EXPLANATION,
    IN_CLUSTERS,
    PREVIEW,
    RENDERING,
    Answer,
    Answered,
    Answering,
    Asked,
)
from laneway.operator.cluster_port import ClusterError
from laneway.schema.api_requests import GROUP
from laneway.wiring.cluster_access import ClusterAccess
from laneway.wiring.cluster_changes import ClusterChanges
from laneway.wiring.cluster_reviews import ClusterReviews
from laneway.wiring.cluster_writes import ClusterWrites
from laneway.wiring.dialects import DIALECTS, ROOT_NAMESPACE, Settings
from laneway.wiring.lane_expiry import utc_now
from laneway.wiring.operators import microseconds
from laneway.wiring.review_answers import ReviewAnswers

log = structlog.get_logger(__name__)

#: Where every cluster says how its API server proves itself.
CONFIGURATION = ("kube-system", "extension-apiserver-authentication")
#: Seconds between looks at what may be renewed, and while something is missing.
PERIOD, RETRY = 30.0, 2.0
#: Reviews that are computed at once: the operator needs the processor for its own work, too.
_AT_ONCE = 2


class NoCertificate(Exception):
    """There is no certificate to serve with. The message says why."""


class ServingCertificates(Protocol):
    async def pair(self) -> bytes:
        """The certificate and its key, in PEM. Raises ``NoCertificate`` or ``ClusterError``."""
        ...


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """``port`` 0 is any free one. ``identity`` names this process in events. ``root_namespace`` is
    Istio's, for what is rendered."""

    host: str
    port: int
    identity: str
    root_namespace: str = ROOT_NAMESPACE


class AggregatedApi:
    """``now`` is in UTC; ``pause`` waits for some seconds. ``port`` is known once it serves."""

    def __init__(
        self,
        client: Client,
        objects: DeclaredObjects,
        certificates: ServingCertificates,
        settings: ApiSettings,
        now: Callable[[], datetime] = utc_now,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._objects = objects
        self._certificates = certificates
        self._settings = settings
        self._now = now
        self._pause = pause
        self._seen: tuple[FrontProxy, bytes] | None = None
        self._context: CurrentContext | None = None
        self._fault = ""
        self.serving = asyncio.Event()
        self.port = 0

    async def run(self) -> None:
        """Until cancelled. What is missing is waited for, and logged once."""
        while (context := await self._look()) is None:
            await self._pause(RETRY)
        endpoint = TcpEndpoint(self._settings.host, self._settings.port, context)
        async with ApiServer(self._app(), None, endpoint) as server:
            self.port = server.port
            log.info("serving the API", host=self._settings.host, port=self.port)
            self.serving.set()
            while True:
                await self._pause(PERIOD)
                before = self._proxy()
                await self._look()
                if self._proxy() != before:
                    # They have shown a certificate that may not count any more.
                    server.close_connections()

    async def _look(self) -> CurrentContext | None:
        """The context to serve with, brought up to date. None if there has never been one."""
        try:
            found = await self._client.get(CONFIG_MAPS, *CONFIGURATION)
            seen = front_proxy(found.get("data") or {}), await self._certificates.pair()
            if seen != self._seen:
                made = front_proxy_context(seen[1], seen[0])
                self._context = self._context or CurrentContext(made)
                self._context.current = made
                self._seen = seen
            self._fault = ""
        except (ClusterError, NoCertificate, OSError, TypeError, ValueError) as error:
            # Also of `ssl`, which has many for a certificate that is none.
            self._failed(error)
        return self._context

    def _failed(self, error: Exception) -> None:
        fault = f"{type(error).__name__}: {error}"
        if fault != self._fault:
            effect = "what was there stays" if self._context else f"{GROUP} is not served"
            log.warning("the API lacks something", error=fault, effect=effect)
        self._fault = fault

    def _proxy(self) -> FrontProxy:
        assert self._seen is not None
        return self._seen[0]

    def _app(self) -> ASGIApp:
        access = ClusterAccess(AccessReviews(self._client, time.monotonic))
        endpoints = VirtualEndpoints(
            IN_CLUSTERS, self._answering(access), {}, one_document, self._now, access.authorize
        )
        routes = [*endpoints.routes, *elsewhere_routes()]
        app = application((), None, __version__, routes, IN_CLUSTERS)
        return FrontProxyAuthentication(app, self._proxy, self._now)

    def _answering(self, access: ClusterAccess) -> Answering:
        meshes = ClusterReviews(self._objects, self._now)
        dialects = [name for name, dialect in DIALECTS.items() if dialect.for_cluster]
        settings = Settings(root_namespace=self._settings.root_namespace)
        reviews = ReviewAnswers(meshes.reviewed, dialects, settings)
        announcer = Announcer(self._client, self._settings.identity, microseconds)
        writes = ClusterWrites(self._client, self._objects, announcer)
        changes = ClusterChanges(self._client, meshes, access, writes, self._now)
        slots = asyncio.Semaphore(_AT_ONCE)

        def few(answer: Answer) -> Answer:
            async def answered(asked: Asked) -> Answered:
                async with slots:
                    return await answer(asked)

            return answered

        return Answering(
            {
                CHANGE_SET.plural: changes.change_set,
                PREVIEW.plural: few(changes.preview),
                EXPLANATION.plural: few(reviews.explanation),
                ANALYSIS.plural: few(reviews.analysis),
                RENDERING.plural: few(reviews.rendering),
            }
        )
