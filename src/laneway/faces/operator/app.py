"""``laneway-operator``: settings, from options and environment, and the process itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import uuid
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from laneway.faces.operator.console import console_address, console_names, show_console
from laneway.filter import module_path
from laneway.wiring.logs import log_to_stderr

if TYPE_CHECKING:
    from laneway.adapters.kube.client import Client
    from laneway.adapters.kube.declared_objects import DeclaredObjects

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True, slots=True)
class Options:
    host: str
    port: int
    settle: float
    identity: str
    namespace: str
    root_namespace: str
    webhook: Path | None
    webhook_host: str
    webhook_port: int
    api: bool
    api_host: str
    api_port: int
    api_certificates: Path | None
    console: tuple[str, int] | None
    console_certificates: Path | None
    console_names: tuple[str, ...]


@app.command()
def operator(
    host: Annotated[str, typer.Option(help="Where to serve health and metrics.")] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(help="The port to serve at; 0 for a free one.")] = 8080,
    settle: Annotated[
        float, typer.Option(help="Seconds between switching routes and removing what they used.")
    ] = 2.0,
    identity: Annotated[
        str, typer.Option(envvar="POD_NAME", help="This process's name in the lease.")
    ] = "",
    namespace: Annotated[
        str, typer.Option(envvar="POD_NAMESPACE", help="The namespace of the lease.")
    ] = "laneway-system",
    root_namespace: Annotated[
        str, typer.Option(help="Istio's root namespace (MeshConfig's rootNamespace).")
    ] = "istio-system",
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    webhook: Annotated[
        Path | None,
        typer.Option(help="Serve the validating webhook, with tls.crt and tls.key of this folder."),
    ] = None,
    webhook_host: Annotated[str, typer.Option(help="Where to serve the webhook.")] = "127.0.0.1",
    webhook_port: Annotated[int, typer.Option(help="The webhook's port; 0 for a free one.")] = 9443,
    api: Annotated[
        bool, typer.Option("--api", help="Serve api.laneway.dev to the API server, over TLS.")
    ] = False,
    api_host: Annotated[str, typer.Option(help="Where to serve the API.")] = "127.0.0.1",
    api_port: Annotated[int, typer.Option(help="The API's port; 0 for a free one.")] = 8443,
    api_certificates: Annotated[
        Path | None,
        typer.Option(
            help="A folder with the API's tls.crt and tls.key; without it, laneway makes its own."
        ),
    ] = None,
    console: Annotated[
        str, typer.Option(help="Serve the console at this HOST:PORT, beyond loopback with TLS.")
    ] = "",
    console_certificates: Annotated[
        Path | None, typer.Option(help="A folder with the console's tls.crt and tls.key.")
    ] = None,
    console_name: Annotated[
        list[str] | None,
        typer.Option(help="A host name under which browsers reach the console (repeatable)."),
    ] = None,
) -> None:
    """Keep a cluster's Istio resources in step with its lane groups and lanes."""
    if log_level not in _LEVELS:
        raise typer.BadParameter(f"`{log_level}` is no level: choose one of {', '.join(_LEVELS)}")
    browsers = console_address(console, console_certificates)
    names = console_names(console_name or ())
    log_to_stderr(_LEVELS[log_level])
    options = Options(
        host,
        port,
        settle,
        f"{identity or os.uname().nodename}_{uuid.uuid4().hex[:8]}",
        namespace,
        root_namespace,
        webhook,
        webhook_host,
        webhook_port,
        api,
        api_host,
        api_port,
        api_certificates,
        browsers,
        console_certificates,
        names,
    )
    raise typer.Exit(asyncio.run(_run(options)))


async def _run(options: Options) -> int:
    # Here, so that --help does not wait for the libraries of the extra `kubernetes`.
    from laneway.adapters.kube import credentials
    from laneway.adapters.kube.callers_client import CallersClient
    from laneway.adapters.kube.client import Client
    from laneway.adapters.kube.errors import NoCredentials
    from laneway.faces.operator.metrics import Metrics
    from laneway.faces.operator.serving import application, serve
    from laneway.wiring.dialects import istio
    from laneway.wiring.operators import Observers, Operator, Settings

    log = structlog.get_logger(__name__)
    metrics = Metrics()
    try:
        found = credentials.find()
        callers = CallersClient(found) if options.console else None
    except NoCredentials as error:
        print(f"laneway-operator: {error}", file=sys.stderr)
        return 2
    dialect = istio(module_path().read_bytes(), options.root_namespace)
    settings = Settings(options.identity, options.namespace, settle=options.settle)
    observers = Observers(passed=metrics.passed, changed=metrics.changed)
    async with Client(found, called=metrics.called) as client:
        operator = Operator(client, dialect, settings, observers)
        serving = application(operator, metrics)
        async with serve(serving, options.host, options.port) as port:
            log.info("serving", host=options.host, port=port)
            works = [operator.run(), *_more(client, options)]
            if options.console is not None and callers is not None:
                folder, names = options.console_certificates, options.console_names
                works.append(show_console(callers, options.console, folder, names))
            await _until_stopped(_all(*works))
    return 0


def _more(client: Client, options: Options) -> Iterator[Coroutine[object, object, None]]:
    """What every replica serves besides, whether it leads or not."""
    from laneway.adapters.kube.declared_objects import DeclaredObjects

    if options.webhook is None and not options.api:
        return
    objects = DeclaredObjects(client)
    yield objects.run()
    if options.webhook is not None:
        yield _webhook(objects, options.webhook, options)
    if options.api:
        yield _api(client, objects, options)


async def _webhook(objects: DeclaredObjects, folder: Path, options: Options) -> None:
    from laneway.faces.operator.webhook import serving
    from laneway.wiring.live_admission import LiveAdmission

    admissions = LiveAdmission(objects)
    host = options.webhook_host
    async with serving(admissions.judge, folder, host, options.webhook_port) as port:
        structlog.get_logger(__name__).info("serving the webhook", host=host, port=port)
        await asyncio.Event().wait()


async def _api(client: Client, objects: DeclaredObjects, options: Options) -> None:
    from laneway.wiring.aggregated_api import AggregatedApi, ApiSettings, ServingCertificates
    from laneway.wiring.lane_expiry import utc_now
    from laneway.wiring.made_certificates import MadeCertificates
    from laneway.wiring.serving_certificates import CertificateFolder

    settings = ApiSettings(
        options.api_host, options.api_port, options.identity, options.root_namespace
    )
    certificates: ServingCertificates = MadeCertificates(client, options.namespace, utc_now)
    if options.api_certificates is not None:
        certificates = CertificateFolder(options.api_certificates)
    await AggregatedApi(client, objects, certificates, settings).run()


async def _all(*works: Coroutine[object, object, None]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for work in works:
            tasks.create_task(work)


async def _until_stopped(work: Coroutine[object, object, None]) -> None:
    """Until SIGTERM or SIGINT; then the lease is given back before this returns."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def main() -> None:
    app(prog_name="laneway-operator")
