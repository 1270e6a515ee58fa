"""The configuration of laneway's own proxies as a dialect: documents for people to read.

The proxies themselves get snapshots with their allocated addresses (``emitter.Emitter``).
"""

from __future__ import annotations

from collections.abc import Iterable

from laneway.compile.dialect import Dialect, Emit
from laneway.compile.envoy.documents import documents
from laneway.compile.envoy.emitter import Emitter
from laneway.compile.envoy.limits import limits
from laneway.compile.envoy.options import Options
from laneway.compile.ir import MeshRoutes
from laneway.compile.placeholder_placements import placeholder_placements
from laneway.model.findings import Finding
from laneway.model.meshes import Mesh


def _emitter(options: Options) -> Emit:
    emit = Emitter(options)
    return lambda mesh, routes: documents(emit(mesh, routes, placeholder_placements(mesh)))


def _report(mesh: Mesh, routes: MeshRoutes, options: Options) -> Iterable[Finding]:
    return limits(mesh)


DIALECT = Dialect(_emitter, _report)
