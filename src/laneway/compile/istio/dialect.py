"""Upstream Istio, as a dialect."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from laneway.compile.dialect import Dialect
from laneway.compile.equality_subsets import refused_groups
from laneway.compile.ir import MeshRoutes
from laneway.compile.istio.documents import Emitter
from laneway.compile.istio.kinds import KINDS, claims
from laneway.compile.istio.limits import PLATFORM, limits
from laneway.compile.istio.options import Options
from laneway.model.findings import Finding
from laneway.model.meshes import Mesh


def _report(mesh: Mesh, routes: MeshRoutes, options: Options) -> Iterable[Finding]:
    return limits(mesh, routes)


DIALECT = Dialect(
    Emitter, _report, KINDS, claims, refuse=partial(refused_groups, platform=PLATFORM)
)
