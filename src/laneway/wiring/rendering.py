"""Rendering: a mesh as the documents of a dialect, without running anything."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from laneway.compile.asm.documents import emit as emit_asm
from laneway.compile.asm.limits import limits as asm_limits
from laneway.compile.envoy.documents import documents
from laneway.compile.envoy.limits import limits as envoy_limits
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.envoy.snapshots import emit
from laneway.compile.gateway_api.documents import emit as emit_gateway_api
from laneway.compile.gateway_api.limits import limits as gateway_api_limits
from laneway.compile.gateway_api.options import Options as GatewayApiOptions
from laneway.compile.istio.documents import emit as emit_istio
from laneway.compile.istio.limits import limits as istio_limits
from laneway.compile.istio.options import Options as IstioOptions
from laneway.compile.lower import lower
from laneway.compile.nominal import nominal_placements
from laneway.filter import module_path
from laneway.model.findings import Finding
from laneway.model.meshes import Mesh
from laneway.schema.crds import custom_resource_definitions


class Dialect(enum.Enum):
    """What a mesh is rendered for.

    ``asm``: what ASM generates for the same lanes. ``envoy``: what laneway's proxies get.
    ``istio``: what makes upstream Istio do the same. ``gateway-api``: what makes other meshes do
    so, as far as they can. ``crds``: what a cluster must know to hold lanes; of no mesh in
    particular.
    """

    ASM = "asm"
    ENVOY = "envoy"
    ISTIO = "istio"
    GATEWAY_API = "gateway-api"
    CRDS = "crds"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a cluster decides of a dialect. ``gateway-api``: the class of gateways, which are not
    rendered without it."""

    gateway_class: str | None = None


DEFAULTS = Settings()


def render(mesh: Mesh, dialect: Dialect, settings: Settings = DEFAULTS) -> Iterable[dict[str, Any]]:
    """Plain documents in a stable order. Envoy's are ``{node, resource}``, at nominal addresses.

    Lazily, since all of them at once may be far larger than the mesh.
    """
    match dialect:
        case Dialect.ASM:
            return emit_asm(mesh, lower(mesh))
        case Dialect.ISTIO:
            return emit_istio(mesh, lower(mesh), IstioOptions(module_path().read_bytes()))
        case Dialect.GATEWAY_API:
            options = GatewayApiOptions(settings.gateway_class)
            return emit_gateway_api(mesh, lower(mesh), options)
        case Dialect.CRDS:
            return custom_resource_definitions()
        case Dialect.ENVOY:
            module = Options(FilterModule(str(module_path())))
            return documents(emit(mesh, lower(mesh), nominal_placements(mesh), module))


def limits(mesh: Mesh, dialect: Dialect, settings: Settings = DEFAULTS) -> list[Finding]:
    """Where the dialect cannot say, or its platform not do, what the mesh says."""
    match dialect:
        case Dialect.ASM:
            return asm_limits(mesh, lower(mesh))
        case Dialect.ISTIO:
            return istio_limits(mesh, lower(mesh))
        case Dialect.GATEWAY_API:
            return gateway_api_limits(mesh, lower(mesh), GatewayApiOptions(settings.gateway_class))
        case Dialect.ENVOY:
            return envoy_limits(mesh)
        case Dialect.CRDS:
            return []
