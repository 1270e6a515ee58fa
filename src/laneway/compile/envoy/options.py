"""What the operator chooses for all proxies, besides the mesh itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FilterModule:
    """The compiled lane filter's file, as proxies see it."""

    path: str


@dataclass(frozen=True, slots=True)
class Options:
    """``explain``: the value of ``x-laneway-explain`` that a caller must know to be told how a hop
    was routed; None tells nobody. ``access_log``: a file that every proxy appends to (relative to
    its own folder).
    """

    module: FilterModule
    explain: str | None = None
    access_log: str | None = None
