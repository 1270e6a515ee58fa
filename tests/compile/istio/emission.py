"""Emitting in tests: with options that never change."""

from __future__ import annotations

from typing import Any

from laneway.compile.istio.documents import emit
from laneway.compile.istio.limits import limits
from laneway.compile.istio.options import Options, WasmModule
from laneway.compile.lower import lower
from laneway.model.meshes import Mesh

MODULE = WasmModule("http://laneway.laneway-system.svc.cluster.local:8080/lanes.wasm", "0" * 64)
OPTIONS = Options(MODULE)


def emitted(mesh: Mesh) -> list[dict[str, Any]]:
    return list(emit(mesh, lower(mesh), OPTIONS))


def codes(mesh: Mesh) -> set[str]:
    """Of the compile report."""
    return {str(finding.code) for finding in limits(mesh, lower(mesh))}
