"""``laneway serve``: the API, the store and the mesh that it declares, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import logging
import os
import ssl
from datetime import timedelta
from pathlib import Path

import structlog
import yaml

from laneway.adapters.host.notifications import notify
from laneway.adapters.http.certificates import given_context
from laneway.adapters.runner.binary import find_envoy
from laneway.control import events
from laneway.control.compaction import HistoryBounds
from laneway.faces.cli import interruption
from laneway.faces.cli.failures import Failed
from laneway.faces.cli.findable_servers import findable, print_console
from laneway.faces.cli.reloads import Reloads, taken_over
from laneway.faces.cli.serve_configuration import ServeConfiguration
from laneway.faces.cli.server_options import data_directory, endpoint, logged_headers
from laneway.faces.cli.server_requests import SOCKET
from laneway.faces.cli.terminals import fact, output
from laneway.wiring.embedded import Settings
from laneway.wiring.handover import Handover
from laneway.wiring.logs import log_to_stderr
from laneway.wiring.serve_settings import ServeSettings, Tls, check_console
from laneway.wiring.serving import Serving

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
    before = taken_over()
    return interruption.run(_serve(settings(configuration), before))


def check(configuration: ServeConfiguration) -> int:
    """Print the settings, if it can be started with them. Raises ``Failed`` and what starting
    raises."""
    found = settings(configuration)
    find_envoy(found.mesh.envoy)
    check_console(found)
    if found.tls is not None:
        try:
            given_context(found.tls.certificate, found.tls.key)
        except (OSError, ssl.SSLError) as error:
            raise Failed(f"--tls-cert {found.tls.certificate}: {error}") from error
    stated = configuration.model_dump(by_alias=True, exclude_none=True)
    print(yaml.safe_dump({**stated, "data-dir": str(found.data)}, sort_keys=False), end="")
    return 0


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


async def _serve(settings: ServeSettings, before: Handover | None) -> int:
    console = output()
    report = _log_problem
    reloads = Reloads()
    async with Serving(settings, _log_event, report, taken_over=before) as serving:
        count = len(serving.store.objects)
        done = "reloaded:" if before else "serving:"
        console.print(fact(done, "bold green", f"{count} objects, revision {serving.store.latest}"))
        console.print(f"socket  {serving.folder / SOCKET}", soft_wrap=True)
        if serving.address:
            console.print(f"API     {serving.address}", soft_wrap=True)
            command = f"laneway kubeconfig --data-dir {settings.data} > laneway.kubeconfig"
            console.print(f"For kubectl: {command}", soft_wrap=True)
        print_console(console, serving, settings)
        entry = before.entry if before else None
        with findable("serve", serving.folder / SOCKET, report, entry) as entry:
            notify("READY=1\nSTATUS=reloaded" if before else "READY=1", os.environ)
            await interruption.until_interrupted(reloads.follow(serving, settings, entry))
            notify("STOPPING=1", os.environ)
    console.print("Stopped.")
    return 0


def _log_problem(text: str) -> None:
    log.error("not_applied", reason=text)


def _log_event(event: events.Event) -> None:
    kind = type(event).__name__
    write = log.warning if isinstance(event, _PROBLEMS) else log.info
    write(kind, subject=str(event.subject), detail=str(event), output=getattr(event, "output", ()))
