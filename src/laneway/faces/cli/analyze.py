"""``laneway analyze``: the findings are the result, so they go to standard output."""

from __future__ import annotations

import json
from collections.abc import Sequence

from laneway.compile.analyze import analyze
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

    try:
        findings = read_files(files, check=check).findings
    except InvalidInput as error:
        findings = error.findings
    if as_json:
        document = {"findings": [FindingReport.made_of(finding).as_json() for finding in findings]}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        console = output()
        print_findings(console, findings)
        if not findings:
            console.print(fact("analyzed:", "bold green", f"{count(findings)}."), soft_wrap=True)
    return 1 if any(finding.severity is Severity.ERROR for finding in findings) else 0
