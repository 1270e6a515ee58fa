"""Serves the console from the operator, with the cluster's API server behind it.

It is given the API server's address and authority, and none of the operator's credentials.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Collection
from pathlib import Path

import structlog

from laneway.adapters.http.cluster_console import ClusterConsole
from laneway.adapters.http.console_files import ROOT, ConsoleFiles
from laneway.adapters.http.server import ApiServer, TcpEndpoint
from laneway.adapters.kube.callers_client import CallersClient
from laneway.wiring.console_paths import console_folder

log = structlog.get_logger(__name__)


async def serve_console(
    api: CallersClient,
    address: tuple[str, int],
    tls: ssl.SSLContext | None,
    names: Collection[str],
    *,
    find: Callable[[], Path | None] = console_folder,
    serving: Callable[[int], None] = lambda port: None,
) -> None:
    """Until cancelled. ``names`` are those under which browsers reach it, besides loopback's; a
    port of 0 is any free one, and ``serving`` is told which. Raises ``ServerUnusable``."""
    host, port = address
    files = ConsoleFiles(find, in_cluster=True)
    if not files.built:
        log.warning("the console was not built into this installation; its page says so")
    async with api:
        console = ClusterConsole(files, api, names)
        endpoint = TcpEndpoint(host, port, tls)
        async with ApiServer(console.app, None, console=endpoint) as server:
            server.on_stop(console.events.close)
            scheme = "https" if tls else "http"
            log.info("serving the console", at=f"{scheme}://{host}:{server.console_port}{ROOT}")
            serving(server.console_port)
            await asyncio.Event().wait()
