"""Waiting until every proxy has acknowledged what was written to the API, and saying so."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from rich.console import Console
from rich.text import Text

from laneway.faces.cli.progress import progress
from laneway.faces.cli.server_requests import Server, ServerError, request
from laneway.faces.cli.terminals import fact

#: Seconds of an answer beyond those that the server waits.
_MARGIN = 30
_PATH = "/apis/api.laneway.dev/v1alpha1/synchronization"


def acknowledged(server: Server, seconds: int) -> dict[str, Any] | None:
    """What the proxies say of all that has been written; None where the server has no proxies of
    its own to ask, as a cluster."""
    try:
        with progress("Waiting until all proxies have it"):
            found: dict[str, Any] = request(
                server,
                "GET",
                f"{_PATH}?{urlencode({'timeoutSeconds': seconds})}",
                patience=seconds + _MARGIN,
            )
    except ServerError as error:
        if error.code == 404:
            return None
        raise
    return found


def known_errors(server: Server) -> frozenset[str]:
    """Which fields of declared objects are wrong before a write, and so are not its errors."""
    found = acknowledged(server, 0)
    return frozenset(map(_field, found["errors"])) if found else frozenset()


def _field(error: str) -> str:
    """Of ``Lane shop/s1, spec.services: ...``; the rest may name other objects that come and go."""
    return error.partition(": ")[0]


def print_acknowledgements(
    console: Console, server: Server, seconds: int, known: Collection[str] | None = None
) -> int:
    """The command's exit code: 1 unless all connected proxies have what was written.

    ``known`` is that of ``known_errors`` before objects were written one by one: such a write is
    stored even if others are invalid with it, and the proxies then have the state before.
    """
    found = acknowledged(server, seconds)
    if found is None:
        return 0
    if known is not None and (
        errors := [each for each in found["errors"] if _field(each) not in known]
    ):
        for each in errors:
            console.print(fact("invalid:", "bold red", each), soft_wrap=True)
        line = "what was valid before stays active; mend it, or look at: laneway history"
        console.print(fact("proxies:", "bold yellow", line), soft_wrap=True)
        return 1
    proxies = found["proxies"]
    console.print(_line(proxies, found), soft_wrap=True)
    for rejection in found["rejections"]:
        console.print(fact("rejected:", "bold red", rejection), soft_wrap=True)
    late = proxies["connected"] - proxies["synced"]
    return int(bool(found["rejections"]) or not found["reached"] or late > 0)


def _line(proxies: dict[str, int], found: dict[str, Any]) -> Text:
    total, connected, synced = proxies["total"], proxies["connected"], proxies["synced"]
    if not found["reached"]:
        return fact("proxies:", "bold yellow", "it is not applied yet; look again: laneway get all")
    if synced == total:
        return fact("proxies:", "bold green", f"all {total} have it")
    away = total - connected
    parts = [f"{synced} of {total} have it"]
    if away:
        parts.append(f"{away} are not connected and get it when they are")
    return fact("proxies:", "bold yellow", "; ".join(parts))
