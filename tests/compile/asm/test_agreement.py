"""ASM's documents and the simulator agree: the documents are run here as ASM runs them.

Namely: a VirtualService's first matching route; its subset if the DestinationRule has it and one of
its instances is ready, else its fallback; ``$asm-label`` is the lane that the trace id came with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.chains import meshes
from tests.compile.meshes import ROUTE_HEADER

from laneway.compile.asm.documents import emit
from laneway.compile.lower import lower
from laneway.compile.simulate import Request, simulate
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName


class Asm:
    def __init__(self, mesh: Mesh, ready: list[ObjectName]) -> None:
        self.workloads = [w for w in mesh.workloads if w.name in ready]
        self.documents = {d["metadata"]["name"]: d["spec"] for d in emit(mesh, lower(mesh))}

    def path(self, lane: str) -> list[str | None]:
        """The subset that serves each hop, ``None`` where none does, which ends the path."""
        served = []
        for part in (f"swimlane-ingress-vs-test-{lane}", *map(_service_vs, "abc"[1:])):
            served.append(self.hop(self.documents[part], lane))
            if served[-1] is None:
                break
        return served

    def hop(self, virtual_service: Mapping[str, Any], lane: str) -> str | None:
        route = next(r for r in virtual_service["http"] if _matches(r, lane))["route"][0]
        wanted = route["destination"]["subset"].replace("$asm-label", lane)
        host = route["destination"]["host"]
        if self.is_ready(host, wanted):
            return str(wanted)
        target = route.get("fallback", {}).get("target")
        return target["subset"] if target and self.is_ready(host, target["subset"]) else None

    def is_ready(self, host: str, subset: str) -> bool:
        app = host.split(".")[0]
        subsets = self.documents[f"trafficlabel-dr-test-default-{app}"]["subsets"]
        return any(
            workload.is_selected({"app": app, **declared["labels"]})
            for declared in subsets
            if declared["name"] == subset
            for workload in self.workloads
        )


def _service_vs(app: str) -> str:
    return f"trafficlabel-vs-test-default-{app}"


def _matches(route: Mapping[str, Any], lane: str) -> bool:
    conditions = route.get("match", [{}])
    return any(c.get("headers", {}) in ({}, {ROUTE_HEADER: {"exact": lane}}) for c in conditions)


@given(meshes(asm=True), st.data())
@settings(max_examples=200)
def test_asm_serves_every_hop_as_laneway_does(mesh: Mesh, data: st.DataObject) -> None:
    lane = data.draw(st.sampled_from([one.name for one in mesh.lanes if one.ingress]))
    names = [workload.name for workload in mesh.workloads]
    ready = data.draw(st.just(names) | st.lists(st.sampled_from(names), unique=True))
    request = Request(path="/mock", headers={ROUTE_HEADER: lane})
    outcome = simulate(mesh, lower(mesh), request, ready=ready)
    assert [hop.served for hop in outcome.hops] == Asm(mesh, ready).path(lane)
