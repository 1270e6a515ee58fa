"""Rendering: a mesh as the documents of a dialect, without running anything."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any

from laneway.compile.asm.documents import emit as emit_asm
from laneway.compile.envoy.documents import documents
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.envoy.snapshots import emit
from laneway.compile.lower import lower
from laneway.compile.nominal import nominal_placements
from laneway.filter import module_path
from laneway.model.meshes import Mesh


class Dialect(enum.Enum):
    """``asm``: what ASM generates for the same lanes. ``envoy``: what laneway's proxies get."""

    ASM = "asm"
    ENVOY = "envoy"


def render(mesh: Mesh, dialect: Dialect) -> Iterable[dict[str, Any]]:
    """Plain documents in a stable order. Envoy's are ``{node, resource}``, at nominal addresses.

    Lazily, since all of them at once may be far larger than the mesh.
    """
    routes = lower(mesh)
    if dialect is Dialect.ASM:
        return emit_asm(mesh, routes)
    options = Options(FilterModule(str(module_path())))
    return documents(emit(mesh, routes, nominal_placements(mesh), options))
