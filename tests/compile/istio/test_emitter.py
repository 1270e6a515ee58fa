"""The emitter builds only what changed, and what it builds is what a fresh one would."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.compile.istio.emission import OPTIONS
from tests.compile.mesh_strategies import meshes
from tests.compile.meshes import group, lane, mesh, service

from laneway.compile.istio.documents import Emitter, emit
from laneway.compile.lower import lower
from laneway.model.meshes import Mesh


@given(st.lists(meshes(), min_size=2, max_size=4))
def test_whatever_came_before_the_result_is_that_of_a_fresh_emitter(sequence: list[Mesh]) -> None:
    emitter = Emitter(OPTIONS)
    for one in [*sequence, sequence[0]]:
        routes = lower(one)
        assert [*emitter(one, routes)] == [*emit(one, routes, OPTIONS)]


def test_only_what_a_lane_concerns_is_made_anew() -> None:
    lanes = [lane("s1", "a b c"), lane("s2", "a")]
    before = mesh([group("a b c")], lanes, [service(name) for name in "abc"])
    after = replace(before, lanes=(*before.lanes, lane("s3", "b")))
    emitter = Emitter(OPTIONS)
    old = {id(each) for each in emitter(before, lower(before))}
    new = [each for each in emitter(after, lower(after)) if id(each) not in old]
    assert {each["metadata"]["name"].partition("-")[0].partition(".")[0] for each in new} == {"b"}
