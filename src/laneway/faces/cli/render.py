"""``laneway render``: a mesh's documents on standard output, or as files in a folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from laneway.faces.cli.arguments import read_mesh
from laneway.faces.cli.failures import Failed
from laneway.faces.cli.findings import print_findings
from laneway.faces.cli.output_folders import replace_folder
from laneway.faces.cli.terminals import errors
from laneway.model.findings import Severity
from laneway.model.meshes import Mesh
from laneway.model.names import is_label
from laneway.schema.yaml_text import dump_each
from laneway.wiring.dialects import DIALECTS, ROOT_NAMESPACE, Settings, render, unsupported


def run(
    files: Sequence[str],
    dialect: str,
    directory: Path | None,
    gateway_class: str | None = None,
    root_namespace: str | None = None,
) -> int:
    if gateway_class is not None and not all(map(is_label, gateway_class.split("."))):
        raise Failed(
            f"--gateway-class: `{gateway_class}` is no GatewayClass's name; `kubectl get "
            "gatewayclass` lists them"
        )
    if root_namespace is not None and not is_label(root_namespace):
        raise Failed(
            f"--root-namespace: `{root_namespace}` is no namespace's name; write that of "
            "MeshConfig's rootNamespace, which is istio-system by default"
        )
    settings = Settings(gateway_class, root_namespace or ROOT_NAMESPACE)
    mesh = read_mesh(files) if DIALECTS[dialect].reads_mesh else Mesh()
    documents = render(mesh, dialect, settings)
    findings = unsupported(mesh, dialect, settings)
    print_findings(errors(), findings)
    if any(finding.severity is Severity.ERROR for finding in findings):
        return 1
    if directory is None:
        sys.stdout.writelines(dump_each(documents))
        sys.stdout.flush()
    else:
        number = replace_folder(directory, documents)
        errors().print(f"{number:,} files in {directory}", soft_wrap=True)
    return 0
