"""Answers reviews of the declared objects, now or in an earlier revision.

They are computed in threads, because a large mesh takes seconds, and proxies must be served
meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from itertools import islice
from typing import Any

from laneway.apiserver.failures import Failure
from laneway.apiserver.virtual_resources import Answered, Asked
from laneway.compile.analyze import analyze
from laneway.compile.analyze.safe_fixes import fixes_of
from laneway.compile.lower import lower
from laneway.compile.simulate import InactiveLanes, Outcome, Request, simulate
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.suggestions import suggestion
from laneway.schema.api_requests import AnalysisSpec, ExplanationSpec, RenderingSpec
from laneway.schema.reports import ExplanationReport, FindingReport
from laneway.wiring.dialects import DEFAULTS, DIALECTS, Settings, render, unsupported
from laneway.wiring.reviewed_meshes import (
    ReviewedMesh,
    object_name,
    workload_names,
)

#: The most documents in one answer; ``laneway render`` has no limit.
_MOST_DOCUMENTS = 20_000


#: The mesh as of a revision, or now. Raises ``Failure``.
Reviewed = Callable[[int | None], Awaitable[ReviewedMesh]]


class ReviewAnswers:
    """``dialects`` are those in which documents can be rendered here; ``settings`` are theirs."""

    def __init__(
        self,
        reviewed: Reviewed,
        dialects: Collection[str] = tuple(DIALECTS),
        settings: Settings = DEFAULTS,
    ) -> None:
        self._reviewed = reviewed
        self._dialects = dialects
        self._settings = settings

    async def explanation(self, asked: Asked) -> Answered:
        spec = asked.spec
        assert isinstance(spec, ExplanationSpec)
        reviewed = await self._reviewed(spec.revision)
        mesh = reviewed.mesh
        down = workload_names(spec.down, mesh, "spec.down") | reviewed.unready
        gateway = None
        if spec.gateway is not None:
            gateway = object_name(spec.gateway, mesh.gateways_by_name, "spec.gateway", "gateway")
        asked_request = spec.request
        request = Request(
            asked_request.host, asked_request.path, asked_request.method, asked_request.headers
        )
        outcome = await asyncio.to_thread(
            _simulated, mesh, request, gateway, spec.port, down, reviewed.inactive
        )
        report = ExplanationReport.made_of(request, outcome)
        return Answered(report.as_json(), reviewed.warnings)

    async def analysis(self, asked: Asked) -> Answered:
        spec = asked.spec
        assert isinstance(spec, AnalysisSpec)
        reviewed = await self._reviewed(spec.revision)
        mesh = reviewed.mesh
        down = workload_names(spec.down, mesh, "spec.down") | reviewed.unready
        ready = [w.name for w in mesh.workloads if w.name not in down] if down else None
        findings = [*reviewed.findings, *await asyncio.to_thread(analyze, mesh, ready)]
        fixed = fixes_of(findings, reviewed.manifests)
        reports = [FindingReport.made_of(*each).as_json() for each in fixed]
        return Answered({"findings": reports}, reviewed.warnings)

    async def rendering(self, asked: Asked) -> Answered:
        spec = asked.spec
        assert isinstance(spec, RenderingSpec)
        if spec.dialect not in self._dialects:
            fix = suggestion(spec.dialect, self._dialects, f"there are {', '.join(self._dialects)}")
            raise Failure(422, f"spec.dialect: there is no dialect {spec.dialect} here; {fix}")
        mesh = (await self._reviewed(spec.revision)).mesh
        settings = replace(self._settings, gateway_class=spec.gateway_class)
        return Answered(await asyncio.to_thread(_rendered, mesh, spec.dialect, settings))


def _simulated(
    mesh: Mesh,
    request: Request,
    gateway: ObjectName | None,
    port: int | None,
    down: Collection[ObjectName],
    inactive: InactiveLanes,
) -> Outcome:
    ready = [workload.name for workload in mesh.workloads if workload.name not in down]
    try:
        return simulate(
            mesh, lower(mesh), request, gateway=gateway, port=port, ready=ready, inactive=inactive
        )
    except ValueError as error:
        raise Failure(422, f"spec: {error}") from error


def _rendered(mesh: Mesh, dialect: str, settings: Settings) -> dict[str, Any]:
    documents = list(islice(render(mesh, dialect, settings), _MOST_DOCUMENTS + 1))
    if len(documents) > _MOST_DOCUMENTS:
        raise Failure(
            422,
            f"more than {_MOST_DOCUMENTS} documents are too many for one answer; "
            f"render them with `laneway render --dialect {dialect}`",
        )
    findings = unsupported(mesh, dialect, settings)
    return {
        "documents": documents,
        "findings": [FindingReport.made_of(each).as_json() for each in findings],
    }
