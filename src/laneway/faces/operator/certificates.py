"""A certificate of the operator's, for its webhook or its console: read from a folder, and again
whenever what is there has changed.

A mounted Secret changes when its certificate is renewed. Connections that stand keep theirs; new
ones get the new one, and nothing is restarted. A pair that does not fit together (one file new,
the other not yet) is waited out, while the last good one serves on.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

CERTIFICATE, KEY = "tls.crt", "tls.key"
#: Seconds between looks. The kubelet itself takes about a minute to bring a Secret's new content.
PERIOD = 5.0


class Certificate:
    """``folder`` holds the two files of a Secret of the type ``kubernetes.io/tls``. ``server`` is
    what is served with it, for the log."""

    def __init__(self, folder: Path, server: str = "the webhook") -> None:
        self._folder = folder
        self._server = server
        self._content: tuple[bytes, bytes] | None = None
        self._fault = ""
        self.loaded = asyncio.Event()
        self.context = _context()

    async def follow(
        self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep, period: float = PERIOD
    ) -> None:
        """Until cancelled."""
        while True:
            self.look()
            await pause(period)

    def look(self) -> None:
        """Load what is there, if it is new and good."""
        certificate, key = self._folder / CERTIFICATE, self._folder / KEY
        try:
            content = certificate.read_bytes(), key.read_bytes()
            if content == self._content:
                return
            _context().load_cert_chain(certificate, key)  # a bad pair would spoil the one in use
            self.context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            self._failed(error)
            return
        self._content, self._fault = content, ""
        self.loaded.set()
        log.info("certificate loaded", folder=str(self._folder))

    def _failed(self, error: Exception) -> None:
        fault = f"{type(error).__name__}: {error}"
        if fault != self._fault:
            effect = (
                "the last one stays" if self.loaded.is_set() else f"{self._server} waits for it"
            )
            log.warning("no certificate", folder=str(self._folder), error=fault, effect=effect)
        self._fault = fault


def _context() -> ssl.SSLContext:
    return ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
