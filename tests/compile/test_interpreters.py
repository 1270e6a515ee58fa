"""Cases of agreement that random meshes seldom meet."""

from __future__ import annotations

import pytest
from tests.compile.interpreters import Asked, Readers
from tests.compile.meshes import (
    ROUTE_HEADER,
    TRACE_HEADER,
    exact,
    group,
    lane,
    mesh,
    name,
    rule,
    service,
)

from laneway.compile.simulate import Applications, Call, Request
from laneway.model.lanes import Sticky, StickyKind


@pytest.mark.parametrize("named", ["s1", "s2", "s3"])
@pytest.mark.parametrize("platform", ["istio", "asm"])
@pytest.mark.parametrize("shared", [True, False])
def test_a_rule_may_ask_for_the_route_header_itself(
    platform: str, named: str, shared: bool
) -> None:
    """Lane s3 states a rule that only requests of lane s2 meet."""
    own = rule("a", uri=exact("/x"), headers={"X-Lane": exact("s2")})
    baseline = lane("s1", "a", rule("a"), *([own] if shared else []))
    lanes = [baseline, lane("s2", "a", own), lane("s3", "a", own)]
    declared = mesh([group("a")], lanes, [service("a")])
    readers = Readers(declared, Applications())
    request = Request(path="/x", headers={"x-lane": named, "x-trace": "t"})
    asked = Asked(request, 80, frozenset(w.name for w in declared.workloads))
    served = readers.simulated(asked).hops[0].served
    assert served == ("s2" if named == "s2" else "s1")
    # ASM has no rule for a request of s3, and tells.
    assert readers.agree(platform, asked) is ((platform, named) != ("asm", "s3"))


@pytest.mark.parametrize("draw", range(0, 100, 5))
@pytest.mark.parametrize("owner", ["cart", "web cart"], ids=["inner", "entry and inner"])
@pytest.mark.parametrize("carried", [TRACE_HEADER, ROUTE_HEADER, "baggage"])
@pytest.mark.parametrize("sticky", [None, Sticky(StickyKind.HEADER, "x-user")])
def test_a_weight_does_not_undo_the_baselines_of_single_services(
    draw: int, owner: str, carried: str, sticky: Sticky | None
) -> None:
    """Services were promoted to r-12. Of the requests that r-13 does not get, all are answered as
    they were before r-13 was given a weight."""
    promoted = dict.fromkeys(map(name, owner.split()), "r-12")
    shop = group("web cart", baseline="stable", service_baselines=promoted, sticky=sticky,
                 trace_header=carried)  # fmt: skip
    lanes = [
        lane("stable", "web cart", rule("web")),
        lane("r-12", "web cart"),
        lane("r-13", "web", rule("web"), weight=5),
    ]
    services = [service("web"), service("cart")]
    kept = frozenset({carried})
    calls = Applications(
        {name("web"): (Call(name("cart"), 8000),)}, {name("web"): kept, name("cart"): kept}
    )
    declared = mesh([shop], lanes, services)
    everything = frozenset(w.name for w in declared.workloads)
    readers = Readers(declared, calls)
    asked = Asked(Request(headers={TRACE_HEADER: "t"}), 80, everything, draw=draw)
    web, cart = readers.simulated(asked).hops
    chosen = web.intended == "r-13"
    assert chosen or web.intended is cart.intended is None
    assert web.served == ("r-13" if chosen else "r-12" if "web" in owner else "stable")
    assert cart.served == "r-12"
    assert readers.agree("istio", asked)
