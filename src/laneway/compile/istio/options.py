"""What an installation of Istio and laneway decides, besides the mesh."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WasmModule:
    """Where proxies fetch the trace-memory filter, and its digest in hexadecimal digits."""

    url: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Options:
    """``root_namespace`` is that of MeshConfig: what stands there is for all proxies."""

    module: WasmModule
    root_namespace: str = "istio-system"
