"""Settings of all proxies that are not part of the mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FilterModule:
    """The path of the compiled lane filter, as proxies see it.

    ``native``: it is a dynamic module of Envoy instead of WebAssembly.
    """

    path: str
    native: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """``explain``: the value of ``x-laneway-explain`` with which a client gets an explanation of
    the routing; with ``None``, nobody does. ``access_log``: a file, relative to each proxy's own
    folder, to which the proxy appends; ``logged_headers`` are of requests, in lower case.
    """

    module: FilterModule
    explain: str | None = None
    access_log: str | None = None
    logged_headers: Sequence[str] = ()
