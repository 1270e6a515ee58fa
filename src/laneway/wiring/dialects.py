"""The registry of dialects, each with its options for this installation.

To add one: write ``compile/NAME/dialect.py``, and a function and an entry here. Modules are only
imported when a dialect is used, because ``--help`` lists them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from laneway.compile.dialect import ConfiguredDialect
    from laneway.model.findings import Finding
    from laneway.model.meshes import Mesh


#: Istio's root namespace, if an installation does not choose another.
ROOT_NAMESPACE = "istio-system"


@dataclass(frozen=True, slots=True)
class Settings:
    """Choices of the user. ``gateway_class`` (gateway-api) is the class of gateways, which are not
    rendered without it. ``root_namespace`` (istio) is that of MeshConfig."""

    gateway_class: str | None = None
    root_namespace: str = ROOT_NAMESPACE


DEFAULTS = Settings()


@dataclass(frozen=True, slots=True)
class Entry:
    """``summary`` is for ``--help``. ``reads_mesh`` is False if the documents are the same for
    every mesh. ``for_cluster``: Services and gateways are expected to be in the cluster."""

    summary: str
    configured: Callable[[Settings], ConfiguredDialect]
    reads_mesh: bool = True
    for_cluster: bool = True


def _asm(settings: Settings) -> ConfiguredDialect:
    from laneway.compile.asm.dialect import DIALECT

    return DIALECT.configured(None)


def _envoy(settings: Settings) -> ConfiguredDialect:
    from laneway.compile.envoy.dialect import DIALECT
    from laneway.compile.envoy.options import FilterModule, Options
    from laneway.filter import module_path

    return DIALECT.configured(Options(FilterModule(str(module_path()))))


def _istio(settings: Settings) -> ConfiguredDialect:
    from laneway.filter import module_path

    return istio(module_path().read_bytes(), settings.root_namespace)


def istio(module: bytes, root_namespace: str = ROOT_NAMESPACE) -> ConfiguredDialect:
    """``module`` is the lane filter's WebAssembly."""
    from laneway.compile.istio.dialect import DIALECT
    from laneway.compile.istio.options import Options

    return DIALECT.configured(Options(module, root_namespace))


def _gateway_api(settings: Settings) -> ConfiguredDialect:
    from laneway.compile.gateway_api.dialect import DIALECT
    from laneway.compile.gateway_api.options import Options

    return DIALECT.configured(Options(settings.gateway_class))


def _crds(settings: Settings) -> ConfiguredDialect:
    from laneway.compile.dialect import ConfiguredDialect
    from laneway.schema.crds import custom_resource_definitions

    return ConfiguredDialect(
        lambda mesh, routes: custom_resource_definitions(), lambda mesh, routes: ()
    )


DIALECTS: Mapping[str, Entry] = {
    "asm": Entry("as Alibaba Cloud ASM does", _asm),
    "envoy": Entry("as proxies get it", _envoy, for_cluster=False),
    "istio": Entry("for upstream Istio", _istio),
    "gateway-api": Entry("HTTPRoutes, for other meshes", _gateway_api),
    "crds": Entry(
        "LaneGroup and Lane themselves, for a cluster (needs no FILE)", _crds, reads_mesh=False
    ),
}


def render(mesh: Mesh, name: str, settings: Settings = DEFAULTS) -> Iterable[dict[str, Any]]:
    """Plain documents in a stable order. Envoy's are ``{node, resource}``, at nominal addresses.

    They are generated one by one, because all of them together may be far larger than the mesh.
    """
    from laneway.compile.lower import lower
    from laneway.model.lane_lives import active

    mesh = active(mesh)
    return DIALECTS[name].configured(settings).emit(mesh, lower(mesh))


def unsupported(mesh: Mesh, name: str, settings: Settings = DEFAULTS) -> list[Finding]:
    """The features of the mesh that the dialect or its platform does not support.

    Errors belong to groups that must not be applied there.
    """
    from laneway.compile.existing_objects import conflicts
    from laneway.compile.lower import lower
    from laneway.model.lane_lives import active
    from laneway.model.machine_defaults import assumptions

    mesh = active(mesh)
    dialect, routes = DIALECTS[name].configured(settings), lower(mesh)
    findings = [*dialect.refuse(mesh), *dialect.report(mesh, routes)]
    if DIALECTS[name].for_cluster:
        findings += assumptions(mesh)
    if mesh.existing:
        findings += conflicts(mesh.existing, dialect.emit(mesh, routes))
    return findings
