"""Emitting in tests: with options that never change."""

from __future__ import annotations

from typing import Any

from laneway.compile.istio.documents import emit
from laneway.compile.istio.limits import limits
from laneway.compile.istio.options import Options
from laneway.compile.lower import lower
from laneway.model.meshes import Mesh

OPTIONS = Options(b"\0asm")


def emitted(mesh: Mesh) -> list[dict[str, Any]]:
    return list(emit(mesh, lower(mesh), OPTIONS))


def codes(mesh: Mesh) -> set[str]:
    """Of the compile report."""
    return {str(finding.code) for finding in limits(mesh, lower(mesh))}
