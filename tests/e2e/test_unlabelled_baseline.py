"""A baseline of everything that no other lane has: Deployments as they were before lanes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from tests.compile.meshes import ROUTE_HEADER, group, lane, mesh, name, rule, service, workload
from tests.e2e.live_meshes import LiveMesh

from laneway.compile.simulate import Applications, Call, Request
from laneway.model.label_selectors import LabelRequirement, Operator
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

pytestmark = pytest.mark.envoy

REST = LabelRequirement("lane", Operator.DOES_NOT_EXIST)


def _mesh() -> Mesh:
    """Of each service a pod without the label, one of lane beta, and one of a lane that is gone."""
    base = replace(lane("base", "a b", rule("a")), selector={}, match_expressions=(REST,))
    beta = replace(lane("beta", "b", rule("a")), selector={"lane": "beta"})
    declared = mesh(
        [group("a b", trace_header=ROUTE_HEADER)], [base, beta], [service("a"), service("b")]
    )
    workloads = [
        replace(workload(app, "x"), name=name(f"{app}{version}"), labels={"app": app, **labels})
        for app in ("a", "b")
        for version, labels in (
            ("", {}),
            ("-beta", {"lane": "beta"}),
            ("-other", {"lane": "other"}),
        )
    ]
    return replace(declared, workloads=tuple(workloads))


def test_requests_without_a_lane_meet_no_lanes_pods() -> None:
    live = LiveMesh()
    try:
        calls = Applications(
            {name("a"): (Call(name("b"), 8000),)}, {name("a"): frozenset({ROUTE_HEADER})}
        )
        live.adopt(_mesh(), calls)
        assert answers(live, {}) == {(name("a"), name("b"))}
        assert answers(live, {ROUTE_HEADER: "beta"}) == {(name("a"), name("b-beta"))}
        assert answers(live, {ROUTE_HEADER: "nobody"}) == {(name("a"), name("b"))}
    finally:
        live.close()


def answers(live: LiveMesh, headers: dict[str, str]) -> set[tuple[ObjectName, ...]]:
    paths = [live.ask(Request(headers=headers)) for _ in range(12)]
    return set(Counter(tuple(hop.workload for hop in path.hops) for path in paths))
