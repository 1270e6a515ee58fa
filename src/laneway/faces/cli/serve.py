"""``laneway serve``: the API, the store and the mesh that it declares, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path

import structlog

from laneway.adapters.host.notifications import notify
from laneway.control import events
from laneway.control.compaction import HistoryBounds
from laneway.faces.cli import interruption
from laneway.faces.cli.failures import Failed
from laneway.faces.cli.findable_servers import findable, print_console
from laneway.faces.cli.serve_configuration import ServeConfiguration
from laneway.faces.cli.server_options import data_directory, endpoint, logged_headers
from laneway.faces.cli.server_requests import SOCKET
from laneway.faces.cli.terminals import fact, output
from laneway.wiring.embedded import Settings
from laneway.wiring.logs import log_to_stderr
from laneway.wiring.serving import ServeSettings, Serving, Tls

log = structlog.get_logger(__name__)

_PROBLEMS = (
    events.CrashLooping
    | events.GaveUp
    | events.Late
    | events.LogLost
    | events.Rejected
    | events.RestartFailed
    | events.NotReplaced
    | events.NothingToWatch
    | events.Warned
)


def run(configuration: ServeConfiguration) -> int:
    log_to_stderr(logging.getLevelNamesMapping()[configuration.log_level.upper()])
    return interruption.run(_serve(settings(configuration)))


def settings(given: ServeConfiguration) -> ServeSettings:
    """Raises ``Failed``."""
    if (given.tls_cert is None) != (given.tls_key is None):
        raise Failed("--tls-cert and --tls-key are given together")
    tls = (
        Tls(Path(given.tls_cert), Path(given.tls_key)) if given.tls_cert and given.tls_key else None
    )
    return ServeSettings(
        data_directory(Path(given.data_dir) if given.data_dir else None),
        endpoint("--listen", given.listen),
        tuple(given.host),
        tls,
        Settings(
            concurrency=given.concurrency,
            envoy=Path(given.envoy) if given.envoy else None,
            access_log=given.access_log or bool(given.log_header),
            logged_headers=logged_headers(given.log_header),
            explain=given.explain,
        ),
        HistoryBounds(timedelta(days=given.history_days), given.history_revisions),
        endpoint("--console", given.console),
    )


async def _serve(settings: ServeSettings) -> int:
    console = output()
    report = _log_problem
    async with Serving(settings, _log_event, report) as serving:
        count = len(serving.store.objects)
        console.print(
            fact("serving:", "bold green", f"{count} objects, revision {serving.store.latest}")
        )
        console.print(f"socket  {serving.folder / SOCKET}", soft_wrap=True)
        if serving.address:
            console.print(f"API     {serving.address}", soft_wrap=True)
            command = f"laneway kubeconfig --data-dir {settings.data} > laneway.kubeconfig"
            console.print(f"For kubectl: {command}", soft_wrap=True)
        print_console(console, serving, settings)
        with findable("serve", serving.folder / SOCKET, report):
            notify("READY=1", os.environ)
            await interruption.until_interrupted()
            notify("STOPPING=1", os.environ)
    console.print("Stopped.")
    return 0


def _log_problem(text: str) -> None:
    log.error("not_applied", reason=text)


def _log_event(event: events.Event) -> None:
    kind = type(event).__name__
    write = log.warning if isinstance(event, _PROBLEMS) else log.info
    write(kind, subject=str(event.subject), detail=str(event), output=getattr(event, "output", ()))
