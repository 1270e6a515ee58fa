"""SIGHUP: ``laneway serve`` replaces itself by the program that is installed now.

Proxies and workloads go on. The new program is tried first, with ``--check``. What keeps it from
starting is found there, and the old program goes on.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

import structlog
import yaml

from laneway.adapters.host import program_replacement
from laneway.adapters.host.notifications import notify
from laneway.adapters.host.programs import run_in_background
from laneway.adapters.http.server import ServerUnusable, tcp_socket
from laneway.faces.cli.server_options import endpoint
from laneway.wiring.handover import Handover, HandoverUnreadable, NotHandedOver
from laneway.wiring.serve_settings import ServeSettings
from laneway.wiring.serving import Serving

log = structlog.get_logger(__name__)

#: Seconds for the new program to check its settings, and for everything under way to be finished.
_CHECKING, _FINISHING = 60.0, 60.0
#: Seconds for processes to end by themselves, if nobody knows what they are.
_ENDING = 10.0


class Reloads:
    """The requests for a reload. Create it in the event loop, before signals are accepted."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._terminal = _has_terminal()
        self._ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._hang_up)
        program_replacement.accept_signals()

    async def follow(
        self, serving: Serving, settings: ServeSettings, entry: int | None
    ) -> NoReturn:
        """Replaces the program whenever that is asked for. ``entry`` is as in ``Handover``."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}", os.environ)
            try:
                await _check_new_program(settings)
                handover = replace(await serving.hand_over(_FINISHING), entry=entry)
            except NotHandedOver as error:
                log.error("not_reloaded", reason=str(error))
                notify(f"READY=1\nSTATUS=not reloaded: {_line(error)}", os.environ)
                continue
            log.info("reloading")
            if self._ignored:  # as by nohup; the new program is to know
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
            program_replacement.replace_program(
                _command(), handover.encoded(), handover.descriptors
            )

    def _hang_up(self) -> None:
        if not self._terminal or _has_terminal():
            self._asked.set()
            return
        self._terminal = False  # it was closed, which ends programs
        if not self._ignored:
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGHUP)


def taken_over() -> Handover | None:
    """What the program before this one handed over; None if there was none, or it is unreadable.

    In that case, all that it ran has been ended.
    """
    inherited = program_replacement.inheritance(os.environ)
    if inherited is None:
        return None
    try:
        return Handover.decoded(inherited.record)
    except HandoverUnreadable as error:
        why = f"the record of what runs is not usable: {error}; everything is ended and started"
        log.error("started_anew", reason=why)
        program_replacement.end_children(inherited, _ENDING)
        return None


async def _check_new_program(settings: ServeSettings) -> None:
    """Raises ``NotHandedOver``."""
    try:
        async with asyncio.timeout(_CHECKING):
            found = await run_in_background([*_command(), "--check"], niceness=0)
    except (OSError, TimeoutError) as error:
        raise NotHandedOver(f"the new program cannot be checked: {error!r}") from error
    if found.code:
        raise NotHandedOver(f"the new program refuses to start: {found.errors.strip()}")
    new = _stated(found.output)
    if (data := new.get("data-dir")) != str(settings.data):
        why = f"data-dir would be {data}, and is {settings.data}; restart laneway for that"
        raise NotHandedOver(why)
    for option, known in (("listen", settings.listen), ("console", settings.console)):
        wanted = endpoint(f"--{option}", new.get(option))
        if wanted is not None and wanted != known:
            try:
                tcp_socket(*wanted).close()
            except ServerUnusable as error:
                raise NotHandedOver(str(error)) from error


def _stated(output: str) -> Mapping[str, Any]:
    """What ``--check`` has printed."""
    try:
        found = yaml.safe_load(output)
    except yaml.YAMLError:
        found = None
    return found if isinstance(found, dict) else {}


def _command() -> list[str]:
    """As this program was called."""
    return [sys.executable, *sys.orig_argv[1:]]


def _has_terminal() -> bool:
    """Whether this process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
