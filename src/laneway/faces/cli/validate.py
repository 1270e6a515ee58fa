"""``laneway validate``: the findings are the result, so they go to standard output."""

from __future__ import annotations

import json
from collections.abc import Sequence

from laneway.faces.cli.arguments import read_files
from laneway.faces.cli.findings import print_findings
from laneway.faces.cli.terminals import fact, output
from laneway.model.findings import Finding, InvalidInput
from laneway.model.meshes import Mesh
from laneway.schema.reports import FindingReport


def run(files: Sequence[str], *, as_json: bool) -> int:
    mesh: Mesh | None = None
    try:
        reading = read_files(files)
        mesh, findings = reading.mesh, reading.findings
    except InvalidInput as error:
        findings = error.findings
    if as_json:
        _print_json(mesh, findings)
    else:
        _print_text(mesh, findings)
    return 1 if mesh is None else 0


def numbers(mesh: Mesh) -> dict[str, int]:
    """How many objects of each kind are declared."""
    return {
        "lane group": len(mesh.groups),
        "lane": len(mesh.lanes),
        "service": len(mesh.services),
        "workload": len(mesh.workloads),
        "gateway": len(mesh.gateways),
    }


def _print_text(mesh: Mesh | None, findings: Sequence[Finding]) -> None:
    console = output()
    print_findings(console, findings)
    if mesh is not None:
        objects = numbers(mesh)
        kinds = ", ".join(f"{n:,} {kind}{'' if n == 1 else 's'}" for kind, n in objects.items())
        text = f"{sum(objects.values()):,} objects: {kinds}."
        console.print(fact("valid:", "bold green", text), soft_wrap=True)


def _print_json(mesh: Mesh | None, findings: Sequence[Finding]) -> None:
    objects = {} if mesh is None else {f"{kind}s": n for kind, n in numbers(mesh).items()}
    document = {
        "valid": mesh is not None,
        "objects": objects,
        "findings": [FindingReport.made_of(finding).as_json() for finding in findings],
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))
