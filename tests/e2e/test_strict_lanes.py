"""Strict lanes ask nothing of applications: these pass on no header, and every hop is in its lane.

On real Envoys, from the files of ``examples/strict``: as laneway's own kinds, and as ASM's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.e2e.clients import Call, load
from tests.e2e.conftest import Run
from tests.e2e.scenarios import EXAMPLES, answer, gateway_url

from laneway.adapters.files import read
from laneway.model.meshes import Mesh

pytestmark = pytest.mark.envoy

STRICT = EXAMPLES / "strict"
KINDS = ("laneway", "asm")
STABLE, BETA = answer("v1", "v1", "v1"), answer("v2", "v2", "v2")
BY_RULE = {"x-customer": "beta"}
#: What the example's baseline asks for: nothing in one, a header in the other.
BASELINE = {"laneway": {}, "asm": {"x-customer": "stable"}}


def example(kinds: str) -> Mesh:
    return read([str(STRICT / part) for part in ("workloads.yaml", kinds)]).mesh


async def answers(url: str, calls: Sequence[Call]) -> Counter[tuple[str, int, str]]:
    return Counter((a.call.tag, a.status, a.body) for a in await load(url, calls, clients=8))


@pytest.mark.parametrize("kinds", KINDS)
async def test_a_request_enters_a_lane_by_its_rule_and_stays_in_it(kinds: str, run: Run) -> None:
    async with run(example(kinds)) as embedded:
        url = gateway_url(embedded)
        calls = []
        # A lane that the client names changes nothing.
        for named in ({}, {"x-asm-prefer-tag": "s1"}, {"x-asm-prefer-tag": "s9"}):
            calls += [Call("/mock", {**BY_RULE, **named}, tag="beta")] * 50
            calls += [Call("/mock", {**BASELINE[kinds], **named}, tag="stable")] * 50
        found = await answers(url, calls)
        assert found == {("beta", 200, BETA): 150, ("stable", 200, STABLE): 150}
        # What applications and clients send under the sidecars' own headers does not count.
        forged = {"x-laneway-caller": "always strict", "x-laneway-caller-lane": "s1"}
        found = await answers(url, [Call("/mock", {**BY_RULE, **forged}, tag="")] * 20)
        assert found == {("", 200, BETA): 20}


@pytest.mark.parametrize("kinds", KINDS)
async def test_a_strict_lane_that_lost_an_instance_answers_503(kinds: str, run: Run) -> None:
    mesh = example(kinds)
    left = tuple(one for one in mesh.workloads if one.name.name != "mockc-v2")
    async with run(replace(mesh, workloads=left)) as embedded:
        (found,) = await answers(gateway_url(embedded), [Call("/mock", BY_RULE, tag="")] * 20)
    served = BETA.partition("-> mockc")[0]
    refusal = "laneway: lane s2 has no healthy instance of service default/mockc\n"
    assert found[2] == served + refusal
