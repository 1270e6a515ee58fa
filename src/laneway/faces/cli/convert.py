"""``laneway convert``: lane groups and lanes, from ASM's kinds into laneway's own and back."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from laneway.faces.cli.arguments import read_files
from laneway.faces.cli.findings import print_findings
from laneway.faces.cli.terminals import errors
from laneway.model.meshes import Mesh
from laneway.schema import encode
from laneway.schema.asm_declarations import declarations, losses
from laneway.schema.yaml_text import dump_each


def run(files: Sequence[str], to: str) -> int:
    """Of the files only the lanes matter: what they refer to may stand elsewhere."""
    reading = read_files(files, whole=False)
    mesh = reading.mesh
    findings = [*reading.findings, *(losses(mesh) if to == "asm" else ())]
    print_findings(errors(), findings)
    sys.stdout.writelines(dump_each(declarations(mesh) if to == "asm" else _own(mesh)))
    sys.stdout.flush()
    return 0


def _own(mesh: Mesh) -> Iterable[dict[str, Any]]:
    for group in mesh.groups:
        yield encode(group)
        yield from (encode(lane) for lane in mesh.lanes_by_group[group.name])
