"""Hypothesis strategies: meshes of three services that call one another in a row."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.compile.meshes import (
    ROUTE_HEADER,
    TRACE_HEADER,
    exact,
    group,
    lane,
    mesh,
    rule,
    service,
)

from laneway.model.lanes import Lane, Mode
from laneway.model.meshes import Mesh

SERVICES = [service("a"), service("b"), service("c")]
CHAIN = {"a": "b", "b": "c"}
LANES = ["s1", "s2", "s3", "s4"]
#: Services that a lane may contain, parted by spaces.
SUBSETS = st.sets(st.sampled_from("abc")).map(lambda texts: " ".join(sorted(texts)))


@st.composite
def meshes(draw: st.DrawFn, asm: bool = False) -> Mesh:
    """The first lane holds everything and has a rule. ``asm``: only what ASM can say."""
    modes = st.none() if asm else st.sampled_from([None, Mode.STRICT, Mode.PERMISSIVE])
    lanes: list[Lane] = []
    for number, text in enumerate(LANES[: draw(st.integers(1, len(LANES)))]):
        contained = "a b c" if number == 0 else draw(SUBSETS)
        rules = [rule("a", uri=exact("/mock"))] if number == 0 or draw(st.booleans()) else []
        earlier = [] if asm else [one.name for one in lanes[1:]]
        order = draw(st.permutations(earlier))
        fallback = tuple(order[: draw(st.integers(0, len(order)))])
        lanes.append(lane(text, contained, *rules, fallback=fallback, mode=draw(modes)))
    trace = draw(st.sampled_from([TRACE_HEADER, ROUTE_HEADER]))
    mode = draw(st.sampled_from(Mode))
    return mesh([group("a b c", trace_header=trace, mode=mode)], lanes, SERVICES, CHAIN)
