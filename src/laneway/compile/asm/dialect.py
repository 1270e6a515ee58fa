"""Alibaba Cloud ASM, as a dialect. It has no options."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from laneway.compile.asm.documents import emit
from laneway.compile.asm.limits import PLATFORM, limits
from laneway.compile.dialect import Dialect, Emit
from laneway.compile.equality_subsets import refused_groups
from laneway.compile.ir import MeshRoutes
from laneway.model.findings import Finding
from laneway.model.meshes import Mesh


def _emitter(options: None) -> Emit:
    return emit


def _report(mesh: Mesh, routes: MeshRoutes, options: None) -> Iterable[Finding]:
    return limits(mesh, routes)


DIALECT = Dialect(_emitter, _report, refuse=partial(refused_groups, platform=PLATFORM))
