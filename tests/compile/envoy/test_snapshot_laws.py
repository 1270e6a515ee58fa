"""Laws of what is emitted and simulated, over meshes of every kind and requests of every kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.compile.mesh_strategies import NAMES, PORTS, meshes, requests, rules, subsets
from tests.compile.meshes import GATEWAY, exact, group, lane, mesh, rule, service

from laneway.compile.envoy.emitter import Emitter
from laneway.compile.envoy.names import gateway_node
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.lower import lower
from laneway.compile.placeholder_placements import placeholder_placements
from laneway.compile.resources import LISTENER
from laneway.compile.simulate import Request, simulate
from laneway.compile.simulate.gateways import covering_host, hosts_at, meets
from laneway.compile.simulate.path_normalization import split_target
from laneway.model.lanes import Lane, Mode, RouteBy
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.rule_actions import RuleActions

OPTIONS = Options(FilterModule("/opt/laneway/trace_memory.wasm"))
NEW = "new"


def emitted(emitter: Emitter, mesh: Mesh) -> Mapping[str, Mapping[tuple[str, str], str]]:
    """Versions, which are hashes of the bytes, by node, type and name."""
    snapshots = emitter(mesh, lower(mesh), placeholder_placements(mesh))
    return {
        node: {
            (type_url, name): resource.version
            for type_url, resources in snapshot.types.items()
            for name, resource in resources.items()
        }
        for node, snapshot in snapshots.items()
    }


@st.composite
def additions(draw: st.DrawFn) -> tuple[Mesh, Mesh]:
    """A mesh, and the same with one more lane: of any rules, at any place but the baseline's."""
    mesh = draw(meshes())
    group = draw(st.sampled_from(mesh.groups))
    baseline = mesh.baseline(group)
    assert baseline is not None
    others = [rule for lane in mesh.lanes for rule in lane.ingress]
    copied = st.lists(st.sampled_from(others), max_size=3).map(tuple) if others else st.just(())
    lane = Lane(
        NEW,
        group.name,
        {"version": "v2"},
        draw(subsets(group.services)),
        draw(st.just(baseline.ingress) | rules(group.services) | copied),
        fallback=tuple(draw(st.sets(st.sampled_from([baseline.name])))),
        mode=draw(st.sampled_from([None, Mode.STRICT, Mode.PERMISSIVE])),
    )
    first = min(mesh.lanes.index(one) for one in mesh.lanes_by_group[group.name])
    place = draw(st.integers(first + 1, len(mesh.lanes)))
    return mesh, replace(mesh, lanes=(*mesh.lanes[:place], lane, *mesh.lanes[place:]))


@st.composite
def anonymous(draw: st.DrawFn) -> Request:
    """A request that names no lane, or others."""
    request = draw(requests())
    assume(all(NEW not in values for values in request.header_lines.values()))
    return request


@given(additions())
def test_a_lane_that_is_deleted_might_as_well_never_have_existed(meshes: tuple[Mesh, Mesh]) -> None:
    """Byte for byte, though an emitter remembers what it has emitted."""
    before, more = meshes
    emitter = Emitter(OPTIONS)
    first = emitted(emitter, before)
    assert emitted(emitter, more) == emitted(Emitter(OPTIONS), more)
    without = replace(more, lanes=tuple(lane for lane in more.lanes if lane.name != NEW))
    assert emitted(emitter, without) == first == emitted(Emitter(OPTIONS), without)


FEATURES: Sequence[Mapping[str, object]] = [
    {"names": ("gray",)},
    {"ingress": (rule("a", headers={"x-user": exact("jack")}, enter=True),)},
    {"ingress": (rule("a", uri=exact("/mock"), actions=RuleActions(uri="/new")),)},
    {"ingress": (rule("a"),), "weight": 10},
    {"mode": Mode.STRICT},
]


@pytest.mark.parametrize("fields", FEATURES, ids=lambda fields: "-".join(fields))
def test_no_lane_replaces_a_gateways_listener(fields: Mapping[str, object]) -> None:
    """Envoy closes the connections of one that is replaced, after a time; there may be requests."""
    (plain, featured) = (
        mesh(
            [group("a")],
            [lane("s1", "a", rule("a")), replace(lane("s2", "a"), **more)],  # type: ignore[arg-type]
            [service("a")],
        )
        for more in ({}, fields)
    )
    by = RouteBy(("x-version",), cookie="lane")
    read = replace(featured, groups=tuple(replace(one, route_by=by) for one in featured.groups))
    assert listeners(plain) == listeners(featured) == listeners(read)


def listeners(mesh: Mesh) -> Mapping[tuple[str, str], str]:
    versions = emitted(Emitter(OPTIONS), mesh)[gateway_node(GATEWAY)]
    return {key: version for key, version in versions.items() if key[0] == LISTENER}


def ways(mesh: Mesh, request: Request, port: int, ready: Sequence[ObjectName]) -> list[object]:
    """Of what every hop is and why it is refused, for some places of the draw of weights."""
    outcomes = (
        simulate(mesh, lower(mesh), request, port=port, ready=ready, draw=draw)
        for draw in (0, 30, 99)
    )
    return [
        (
            [(h.service, h.port, h.intended, h.served, h.workloads) for h in outcome.hops],
            outcome.failure and outcome.failure.status,
        )
        for outcome in outcomes
    ]


@given(
    additions(),
    st.lists(anonymous(), min_size=1, max_size=5),
    st.sampled_from(PORTS),
    st.frozensets(st.sampled_from(NAMES)),
)
def test_a_lane_changes_no_path_of_requests_that_do_not_name_it(
    meshes: tuple[Mesh, Mesh], asked: list[Request], port: int, down: frozenset[ObjectName]
) -> None:
    ready = [name for name in NAMES if name not in down]
    before, after = meshes
    for request in asked:
        if not is_concerned(before, after, request, port):
            assert ways(before, request, port, ready) == ways(after, request, port, ready)


def is_concerned(before: Mesh, after: Mesh, request: Request, port: int) -> bool:
    """Whether the lane that is new lets the request enter, as its rules do in a strict group; or
    makes its gateway, as the first one there, read names, so that those of no lane are removed."""
    (lane,) = (lane for lane in after.lanes if lane.name == NEW)
    if lane.ingress and after.groups_by_name[lane.group].mode is Mode.STRICT:
        return True
    (gateway,) = lower(after).gateways.values()
    host = covering_host(hosts_at(gateway, port), request.host)
    target = split_target(request.path)
    if target is None or host is None:
        return False
    new = (entry for entry in host.entries if NEW in {lane.name for lane, _ in entry.rules})
    if any(meets(entry, request, *target) for entry in new):
        return True
    (old,) = lower(before).gateways.values()
    lanes = {lane.name for lane in before.lanes}
    first = {one.header for one in gateway.naming} - {one.header for one in old.naming}
    return any(",".join(request.header_lines.get(name, ("s1",))) not in lanes for name in first)


@pytest.mark.parametrize("headers", [{}, {"x-lane": "s2"}], ids=["no lane", "another lane"])
def test_a_lane_with_a_rule_of_its_own_changes_no_path_either(headers: dict[str, str]) -> None:
    """``/mock`` is s3's alone, and more specific than the rule by which others enter."""
    lanes = [lane("s1", "a b", rule("a")), lane("s2", "a b", rule("a"))]
    new = lane("s3", "b", rule("b", uri=exact("/mock")))
    paths = []
    for declared in (lanes, [*lanes, new]):
        one = mesh([group("a b")], declared, [service("a"), service("b")])
        outcome = simulate(one, lower(one), Request(path="/mock", headers=headers))
        paths.append([(hop.service, hop.served) for hop in outcome.hops])
    assert paths[0] == paths[1]
