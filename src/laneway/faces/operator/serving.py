"""HTTP of the operator: health, readiness and metrics."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from laneway.faces.operator.metrics import CONTENT_TYPE, Metrics
from laneway.wiring.operators import Operator


def application(operator: Operator, metrics: Metrics) -> web.Application:
    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        """A standby is always ready. A leader must see the cluster, too."""
        faults = operator.cluster.faults() if operator.cluster is not None else {}
        if not faults:
            return web.Response(text="leading\n" if operator.leads else "standing by\n")
        text = "".join(f"{resource}: {fault}\n" for resource, fault in sorted(faults.items()))
        return web.Response(status=503, text=text)

    async def measured(_: web.Request) -> web.Response:
        return web.Response(body=metrics.text(operator), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", measured)
    return app


@asynccontextmanager
async def serve(
    app: web.Application, host: str, port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serves while the context lasts; gives the port, which is a free one for 0."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        server = site._server
        assert server is not None
        yield server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    finally:
        await runner.cleanup()
