"""``laneway analyze``: the findings are the result, so they go to standard output."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from laneway.compile.analyze import analyze
from laneway.compile.analyze.safe_fixes import fixes_of
from laneway.faces.cli.arguments import object_name, read_files
from laneway.faces.cli.findings import count, print_findings
from laneway.faces.cli.terminals import fact, output
from laneway.model.checks import Gaps
from laneway.model.findings import Finding, InvalidInput, Severity
from laneway.model.meshes import Mesh
from laneway.schema.reports import FindingReport


def run(files: Sequence[str], down: Sequence[str], *, as_json: bool) -> int:
    def check(mesh: Mesh, gaps: Gaps) -> list[Finding]:
        names = {object_name(word, mesh.workloads_by_name, "workload") for word in down}
        ready = [w.name for w in mesh.workloads if w.name not in names] if names else None
        return analyze(mesh, ready, gaps)

    manifests: list[Mapping[str, Any]] = []
    try:
        reading = read_files(files, check=check)
        findings = reading.findings
        manifests = [each.data for each in reading.documents if isinstance(each.data, Mapping)]
    except InvalidInput as error:
        findings = error.findings
    fixed = list(fixes_of(findings, manifests))
    if as_json:
        document = {"findings": [FindingReport.made_of(*each).as_json() for each in fixed]}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        console = output()
        print_findings(console, findings)
        _print_fixes(console, [finding for finding, patch in fixed if patch is not None])
        if not findings:
            console.print(fact("analyzed:", "bold green", f"{count(findings)}."), soft_wrap=True)
    return 1 if any(finding.severity is Severity.ERROR for finding in findings) else 0


def _print_fixes(console: Console, safe: Sequence[Finding]) -> None:
    if safe:
        console.print("Safe to remove, since no request changes its path by it:")
    for finding in safe:
        where = f"{finding.source}: " if finding.source else ""
        console.print(f"  {where}{finding.subject}, {finding.field}", soft_wrap=True, markup=False)
