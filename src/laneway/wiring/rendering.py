"""Rendering: a mesh as the documents of a dialect, without running anything."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable
from typing import Any

from laneway.compile.asm.documents import emit as emit_asm
from laneway.compile.asm.limits import limits as asm_limits
from laneway.compile.crds import custom_resource_definitions
from laneway.compile.envoy.documents import documents
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.envoy.snapshots import emit
from laneway.compile.istio.documents import emit as emit_istio
from laneway.compile.istio.limits import limits as istio_limits
from laneway.compile.istio.options import Options as IstioOptions
from laneway.compile.istio.options import WasmModule
from laneway.compile.lower import lower
from laneway.compile.nominal import nominal_placements
from laneway.filter import module_path
from laneway.model.findings import Finding
from laneway.model.meshes import Mesh

#: Where the operator serves the filter unless it is told another address.
OPERATOR = "http://laneway.laneway-system.svc.cluster.local:8080"


class Dialect(enum.Enum):
    """What a mesh is rendered for.

    ``asm``: what ASM generates for the same lanes. ``envoy``: what laneway's proxies get.
    ``istio``: what makes upstream Istio do the same. ``crds``: what a cluster must know to hold
    lanes; of no mesh in particular.
    """

    ASM = "asm"
    ENVOY = "envoy"
    ISTIO = "istio"
    CRDS = "crds"


def istio_options(url: str | None = None) -> IstioOptions:
    """For proxies that fetch the filter at ``url``; from the operator, if that is not given."""
    digest = hashlib.sha256(module_path().read_bytes()).hexdigest()
    served = f"{OPERATOR}/filters/{digest}/trace_memory.wasm"
    return IstioOptions(WasmModule(url or served, digest))


def render(mesh: Mesh, dialect: Dialect, wasm_url: str | None = None) -> Iterable[dict[str, Any]]:
    """Plain documents in a stable order. Envoy's are ``{node, resource}``, at nominal addresses.

    Lazily, since all of them at once may be far larger than the mesh.
    """
    match dialect:
        case Dialect.ASM:
            return emit_asm(mesh, lower(mesh))
        case Dialect.ISTIO:
            return emit_istio(mesh, lower(mesh), istio_options(wasm_url))
        case Dialect.CRDS:
            return custom_resource_definitions()
        case Dialect.ENVOY:
            options = Options(FilterModule(str(module_path())))
            return documents(emit(mesh, lower(mesh), nominal_placements(mesh), options))


def limits(mesh: Mesh, dialect: Dialect) -> list[Finding]:
    """Where the dialect cannot say, or its platform not do, what the mesh says."""
    match dialect:
        case Dialect.ASM:
            return asm_limits(mesh)
        case Dialect.ISTIO:
            return istio_limits(mesh, lower(mesh))
        case Dialect.CRDS | Dialect.ENVOY:
            return []
