"""Emitting in tests."""

from __future__ import annotations

from typing import Any

from laneway.compile.gateway_api.documents import emit
from laneway.compile.gateway_api.limits import limits
from laneway.compile.gateway_api.options import Options
from laneway.compile.lower import lower
from laneway.model.findings import Finding
from laneway.model.meshes import Mesh

OPTIONS = Options("example")


def emitted(mesh: Mesh, options: Options = OPTIONS) -> list[dict[str, Any]]:
    return list(emit(mesh, lower(mesh), options))


def report(mesh: Mesh, options: Options = OPTIONS) -> list[Finding]:
    return limits(mesh, lower(mesh), options)


def codes(mesh: Mesh) -> set[str]:
    """Of the compile report, less what they all begin with."""
    return {str(finding.code).removeprefix("GATEWAY_API_") for finding in report(mesh)}
