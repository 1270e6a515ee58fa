"""Settings of one cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """``gateway_class`` runs the gateways that are emitted; without one, there are some already."""

    gateway_class: str | None = None
