"""Laws of what is emitted and simulated, over meshes of every kind and requests of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.landscapes import NAMES, meshes, requests, subsets
from tests.compile.meshes import exact, group, lane, mesh, rule, service

from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.envoy.snapshots import Emitter
from laneway.compile.lower import lower
from laneway.compile.nominal import nominal_placements
from laneway.compile.simulate import Request, simulate
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh

OPTIONS = Options(FilterModule("/opt/laneway/trace_memory.wasm"))
NEW = "new"


def emitted(emitter: Emitter, mesh: Mesh) -> Mapping[str, Mapping[tuple[str, str], str]]:
    """Versions, which are hashes of the bytes, by node, type and name."""
    snapshots = emitter(mesh, lower(mesh), nominal_placements(mesh))
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
    """A mesh, and the same with one more lane, which enters where the baseline does or nowhere."""
    mesh = draw(meshes())
    group = draw(st.sampled_from(mesh.groups))
    baseline = mesh.baseline(group)
    assert baseline is not None
    entered = draw(st.booleans())
    lane = Lane(
        NEW,
        group.name,
        {"version": "v2"},
        draw(subsets(group.services)),
        baseline.ingress if entered else (),
        fallback=tuple(draw(st.sets(st.sampled_from([baseline.name])))),
    )
    return mesh, replace(mesh, lanes=(*mesh.lanes, lane))


@given(additions())
@settings(max_examples=50)
def test_a_lane_that_is_deleted_might_as_well_never_have_existed(meshes: tuple[Mesh, Mesh]) -> None:
    """Byte for byte, though an emitter remembers what it has emitted."""
    before, more = meshes
    emitter = Emitter(OPTIONS)
    first = emitted(emitter, before)
    assert emitted(emitter, more) == emitted(Emitter(OPTIONS), more)
    without = replace(more, lanes=tuple(lane for lane in more.lanes if lane.name != NEW))
    assert emitted(emitter, without) == first == emitted(Emitter(OPTIONS), without)


@given(
    additions(), st.lists(requests(), min_size=1, max_size=5), st.frozensets(st.sampled_from(NAMES))
)
@settings(max_examples=100)
def test_a_lane_changes_no_path_of_requests_that_do_not_name_it(
    meshes: tuple[Mesh, Mesh], asked: list[Request], down: frozenset[object]
) -> None:
    """Where its rules are the baseline's: a rule of its own also takes requests without a lane."""
    ready = [name for name in NAMES if name not in down]
    for request in asked:
        before, after = (
            [
                (hop.service, hop.port, hop.intended, hop.served, hop.workloads)
                for hop in simulate(mesh, lower(mesh), request, ready=ready).hops
            ]
            for mesh in meshes
        )
        assert before == after


@pytest.mark.xfail(strict=True, reason="a lane's own rule also takes what it does not name")
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
