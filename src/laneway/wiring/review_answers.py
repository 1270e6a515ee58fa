"""Answers to questions about the declared objects, now or in an earlier revision.

They are computed in other threads, because that takes seconds for a large mesh, and proxies must be
served meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime
from itertools import islice
from typing import Any

from laneway.apiserver.failures import Failure
from laneway.apiserver.virtual_resources import Answered, Asked
from laneway.compile.analyze import analyze
from laneway.compile.analyze.safe_fixes import fixes_of
from laneway.compile.lower import lower
from laneway.compile.simulate import InactiveLanes, Outcome, Request, simulate
from laneway.control.declared import Declarations
from laneway.control.revisions import RevisionStore
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.suggestions import suggestion
from laneway.schema.api_requests import AnalysisSpec, ExplanationSpec, RenderingSpec
from laneway.schema.reports import ExplanationReport, FindingReport
from laneway.wiring.dialects import DIALECTS, Settings, render, unsupported
from laneway.wiring.reviewed_meshes import (
    ReviewedMesh,
    object_name,
    reviewed_mesh,
    workload_names,
)

#: Documents of one answer; what is larger is for ``laneway render``.
_MOST_DOCUMENTS = 20_000


class ReviewAnswers:
    """``now`` is in UTC."""

    def __init__(
        self, store: RevisionStore, declarations: Declarations, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._declarations = declarations
        self._now = now

    async def explanation(self, asked: Asked) -> Answered:
        spec = asked.spec
        assert isinstance(spec, ExplanationSpec)
        reviewed = await self._reviewed(spec.revision)
        mesh = reviewed.mesh
        down = workload_names(spec.down, mesh, "spec.down")
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
        return Answered(ExplanationReport.made_of(request, outcome).as_json())

    async def analysis(self, asked: Asked) -> Answered:
        spec = asked.spec
        assert isinstance(spec, AnalysisSpec)
        mesh = await self._mesh(spec.revision)
        down = workload_names(spec.down, mesh, "spec.down")
        ready = [w.name for w in mesh.workloads if w.name not in down] if down else None
        findings = await asyncio.to_thread(analyze, mesh, ready)
        stored = self._store.objects if spec.revision is None else {}
        fixed = fixes_of(findings, (each.manifest for each in stored.values()))
        return Answered({"findings": [FindingReport.made_of(*each).as_json() for each in fixed]})

    async def rendering(self, asked: Asked) -> Answered:
        spec = asked.spec
        assert isinstance(spec, RenderingSpec)
        if spec.dialect not in DIALECTS:
            fix = suggestion(spec.dialect, list(DIALECTS), f"there are {', '.join(DIALECTS)}")
            raise Failure(422, f"spec.dialect: there is no dialect {spec.dialect}; {fix}")
        mesh = await self._mesh(spec.revision)
        settings = Settings(spec.gateway_class)
        return Answered(await asyncio.to_thread(_rendered, mesh, spec.dialect, settings))

    async def _mesh(self, revision: int | None) -> Mesh:
        return (await self._reviewed(revision)).mesh

    async def _reviewed(self, revision: int | None) -> ReviewedMesh:
        return await reviewed_mesh(revision, self._store, self._declarations, self._now())


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
