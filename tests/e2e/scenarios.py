"""The article's two scenarios: their files, how each names a lane, and what the article prints."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.e2e.clients import Call

from laneway.adapters.files import read
from laneway.model.meshes import Mesh
from laneway.model.workloads import Workload
from laneway.wiring.embedded import Embedded

EXAMPLES = Path(__file__).parents[2] / "examples"


def answer(*versions: str) -> str:
    """The body that the services give together when these versions of them answer, in order."""
    called = zip(("mocka", "mockb", "mockc"), versions, strict=False)
    return "".join(f"-> {app}(version: {version}, ip: 127.0.0.1)" for app, version in called)


EXPECTED = {
    "s1": answer("v1", "v1", "v1"),
    "s2": answer("v2", "v1", "v2"),
    "s3": answer("v1", "v3", "v1"),
}


@dataclass(frozen=True)
class Scenario:
    folder: str
    by_trace_id: bool

    @property
    def whole_mesh(self) -> Mesh:
        return read([str(EXAMPLES / self.folder)]).mesh

    @property
    def mesh(self) -> Mesh:
        """Without the three workloads that are in no lane, so that it starts faster."""
        mesh = self.whole_mesh
        return replace(mesh, workloads=tuple(w for w in mesh.workloads if _in_a_lane(w, mesh)))

    def call(self, lane: str, number: int, salt: str = "x000") -> Call:
        """As the article's curl loops: every call has a trace id of its own, or just the lane."""
        headers: Mapping[str, str] = {"my-request-id": lane}
        if self.by_trace_id:
            trace_id = f"{salt}{lane}{number}"
            headers = {"x-asm-prefer-tag": lane, "my-request-id": trace_id}
        return Call("/mock", headers, tag=lane)


SCENARIOS = (
    Scenario("scenario-1", by_trace_id=True),
    Scenario("scenario-2", by_trace_id=False),
    Scenario("asm", by_trace_id=True),
)


def _in_a_lane(workload: Workload, mesh: Mesh) -> bool:
    services = {s.name for s in mesh.services if workload.is_selected(s.selector)}
    return any(
        workload.is_selected(lane.selector) and services & set(lane.services) for lane in mesh.lanes
    )


def slow_mesh() -> Mesh:
    """The second scenario's, of applications that are slow and die at SIGTERM."""
    command = (sys.executable, str(Path(__file__).with_name("soak_application.py")))
    mesh = SCENARIOS[1].whole_mesh
    return replace(mesh, workloads=tuple(replace(w, command=command) for w in mesh.workloads))


def short_slow_mesh() -> Mesh:
    """Of ``slow_mesh``, mocka and mockb, of which lanes s1 (baseline) and s2 have each a version.

    Tests that start and stop processes need no more of them.
    """
    mesh = slow_mesh()
    called = tuple(service.name for service in mesh.services[:2])
    workloads = (w for w in mesh.workloads if w.labels["version"] in ("v1", "v2"))
    ends = {"mocka": {}, "mockb": {"upstream_url": ""}}
    return replace(
        mesh,
        groups=tuple(replace(group, services=called) for group in mesh.groups),
        lanes=tuple(replace(lane, services=called) for lane in mesh.lanes[:2]),
        services=mesh.services[:2],
        workloads=tuple(
            replace(w, env={**w.env, **ends[app]})
            for w in workloads
            if (app := w.labels["app"]) in ends
        ),
    )


def gateway_url(embedded: Embedded) -> str:
    """The only port of the only gateway."""
    ((url,),) = (urls.values() for urls in embedded.gateway_urls().values())
    return url
