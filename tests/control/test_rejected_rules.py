"""Of the rules of a mesh, those that proxies accept are brought into force."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.compile.meshes import group, lane, mesh, rule, service
from tests.compile.meshes import regex as any_regex

from laneway.control.control_plane import Change
from laneway.control.rejected_rules import leave_out_rejected
from laneway.model.meshes import Mesh


class Proxies:
    """They reject meshes with certain rules, by their position in ``MESH``."""

    def __init__(self, bad: Sequence[int], healthy: bool = True) -> None:
        self.bad = {str(each) for each in bad}
        self.healthy = healthy
        self.mesh = Mesh()
        self.changes = 0

    async def apply(self, wanted: Mesh) -> Change:
        self.changes += 1
        found = [path for path in paths(wanted) if path in self.bad]
        if found or not self.healthy:
            return Change(False, tuple(f"no {path}" for path in found))
        self.mesh = wanted
        return Change(True)


def declared(number: int) -> Mesh:
    rules = [rule("a", uri=any_regex(str(each))) for each in range(number)]
    half = number // 2
    lanes = [lane("s1", "a", *rules[:half]), lane("s2", "a", *rules[half:])]
    return mesh([group("a")], lanes, [service("a")])


def paths(of: Mesh) -> list[str]:
    return [each.uri.value for lane in of.lanes for each in lane.ingress if each.uri]


@pytest.mark.parametrize("bad", [[], [0], [6], [2, 3], [0, 6], range(7)])
async def test_all_but_the_bad_are_kept(bad: Sequence[int]) -> None:
    proxies = Proxies(bad)
    left_out = await leave_out_rejected(declared(7), proxies.apply)
    assert [each.rule.uri.value for each in left_out if each.rule.uri] == [str(b) for b in bad]
    assert [each.reason for each in left_out] == [f"no {each}" for each in bad]
    assert paths(proxies.mesh) == [str(each) for each in range(7) if each not in bad]


async def test_one_bad_rule_of_1000_takes_few_changes() -> None:
    proxies = Proxies([617])
    (left_out,) = await leave_out_rejected(declared(1000), proxies.apply)
    assert str(left_out) == "Lane test/s2: ingress rule r is left out: no 617"
    assert proxies.changes < 25


async def test_a_mesh_that_is_rejected_without_rules_is_left_as_it_is() -> None:
    proxies = Proxies([], healthy=False)
    assert await leave_out_rejected(declared(7), proxies.apply) == ()
    assert proxies.changes == 1
