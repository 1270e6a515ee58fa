"""The operator's console: where it is served, and with which certificate."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from laneway.adapters.kube.callers_client import CallersClient

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+", re.IGNORECASE)


def console_address(text: str, certificates: Path | None) -> tuple[str, int] | None:
    """None for "". Raises ``typer.BadParameter``: tokens must not cross a network in plain text."""
    if not text:
        return None
    from laneway.adapters.http.server import is_loopback  # not for --help, which is to be fast

    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"]) > 65535:
        raise typer.BadParameter(f"`--console {text}` is no HOST:PORT, such as 127.0.0.1:7480")
    host = found["six"] or found["host"]
    if certificates is None and not is_loopback(host):
        raise typer.BadParameter(
            f"`--console {text}` is beyond loopback, where the console needs TLS: name a folder "
            "with tls.crt and tls.key with --console-certificates, or choose 127.0.0.1"
        )
    return host, int(found["port"])


def console_names(names: Collection[str]) -> tuple[str, ...]:
    """Host names without a scheme or a port. Raises ``typer.BadParameter``."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise typer.BadParameter(
                f"`--console-name {name}` is no host name, such as lanes.example.com"
            )
    return tuple(names)


async def show_console(
    api: CallersClient,
    address: tuple[str, int],
    certificates: Path | None,
    names: Collection[str],
) -> None:
    """Until cancelled. A certificate that is missing is waited for."""
    from laneway.faces.operator.certificates import Certificate
    from laneway.wiring.cluster_consoles import serve_console

    if certificates is None:
        await serve_console(api, address, None, names)
        return
    certificate = Certificate(certificates, "the console")
    following = asyncio.create_task(certificate.follow())
    try:
        await certificate.loaded.wait()
        await serve_console(api, address, certificate.context, names)
    finally:
        following.cancel()
