"""Settings of one cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """``gateway_class`` is that of emitted gateways. Without it, gateways must exist already."""

    gateway_class: str | None = None
