"""Analysis: finds errors and doubtful settings of a mesh, each with a request that shows it.

It runs the checks between objects (``model.checks``), and adds findings that need the IR and the
simulator: which rule takes a request, which lanes the request enters, and where it loses its lane.
``laneway analyze`` prints the result.
"""

from __future__ import annotations

from collections.abc import Collection

from laneway.compile.analyze import (
    baseline_diversions,
    changing_trace_headers,
    entering,
    group_overlaps,
    headers,
    lanes,
    propagation,
    readiness,
    sidecar_bypasses,
    unreachable_rules,
)
from laneway.compile.analyze.assumed_workloads import populated
from laneway.compile.analyze.codes import Code
from laneway.compile.analyze.counterexamples import can_be_simulated, with_example
from laneway.compile.analyze.reachability import Survey
from laneway.model.checks import Gaps
from laneway.model.checks import check as check_mesh
from laneway.model.findings import Finding, Severity
from laneway.model.lane_lives import active
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

_ANALYSES = (
    unreachable_rules,
    group_overlaps,
    baseline_diversions,
    entering,
    lanes,
    readiness,
    propagation,
    sidecar_bypasses,
    headers,
    changing_trace_headers,
)

__all__ = ["Code", "analyze"]


def analyze(
    mesh: Mesh, ready: Collection[ObjectName] | None = None, gaps: Gaps | None = None
) -> list[Finding]:
    """All findings. ``ready`` are the workloads that are ready, or ``None`` if that is not known.

    If the mesh has errors, only they are returned; with ``gaps``, only the findings of the checks.
    """
    findings = list(check_mesh(mesh, gaps))
    if gaps not in (None, Gaps()) or not can_be_simulated(findings):
        return findings
    survey = Survey(populated(active(mesh)), None if ready is None else frozenset(ready))
    findings = [with_example(survey, finding) for finding in findings]
    if any(finding.severity is Severity.ERROR for finding in findings):
        return findings
    for analysis in _ANALYSES:
        findings += analysis.check(survey)
    return findings
