"""Cases of agreement that random meshes seldom meet."""

from __future__ import annotations

import pytest
from tests.compile.interpreters import Asked, Readers
from tests.compile.meshes import exact, group, lane, mesh, rule, service

from laneway.compile.simulate import Applications, Request


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
