"""Settings of one installation of Istio and laneway."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Options:
    """``module`` is the lane filter's WebAssembly. ``root_namespace`` is MeshConfig's: an
    EnvoyFilter there applies to all proxies."""

    module: bytes = field(repr=False)
    root_namespace: str = "istio-system"
