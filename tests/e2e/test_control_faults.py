"""The control plane dies: proxies serve on, and notice nothing when it is back."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import replace

import pytest
from tests.e2e.scenarios import EXPECTED, SCENARIOS, Scenario, answer
from tests.e2e.separate_control_plane import SeparateControlPlane
from tests.e2e.traffic import Traffic, outcomes

from laneway.compile.envoy import names
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

# A sidecar that no lane of the scenario uses, so that it can be away without any request noticing.
UNUSED = names.sidecar_node(ObjectName("default", "mocka-v3"))


def without_mocka(mesh: Mesh) -> Mesh:
    """Lane s2 has no version of mocka any more, and enters through the baseline's."""
    lanes = tuple(
        replace(lane, services=tuple(s for s in lane.services if s.name != "mocka"))
        if lane.name == "s2"
        else lane
        for lane in mesh.lanes
    )
    return replace(mesh, lanes=lanes)


CHANGED = {**EXPECTED, "s2": answer("v1", "v1", "v2")}


@pytest.mark.parametrize(
    "scenario",
    [SCENARIOS[0], pytest.param(SCENARIOS[1], marks=pytest.mark.nightly)],
    ids=lambda scenario: scenario.folder,
)
async def test_a_control_plane_that_is_killed_and_restarted_is_not_noticed(
    scenario: Scenario,
) -> None:
    async with SeparateControlPlane(scenario.mesh) as mesh:
        traffic = Traffic(mesh.url, scenario)
        await traffic.more(100)
        before = {node: await mesh.versions(node) for node in mesh.nodes}
        updates = {node: await mesh.updates(node) for node in mesh.nodes}
        await mesh.kill_control()
        await traffic.more(200)
        for hash_seed in (2, 3):
            await mesh.start_control(hash_seed)
            report = await mesh.wait_synced()
            await traffic.more(100)
            assert report.sent == Counter()
            assert {node: await mesh.versions(node) for node in mesh.nodes} == before
            assert {node: await mesh.updates(node) for node in mesh.nodes} == updates
            await mesh.kill_control()
        answers = await traffic.stop()
    resources = sum(map(len, before.values()))
    assert resources > 100
    assert sum(map(len, updates.values())) > 100
    assert outcomes(answers) == {"right": len(answers)}
    print(
        f"{len(answers)} requests, none lost; {len(before)} proxies hold {resources} resources; "
        f"after each of 2 restarts {report.sent.total()} resources were sent in "
        f"{report.responses} responses"
    )


async def test_a_control_plane_restarted_with_another_mesh_sends_just_the_difference() -> None:
    async with SeparateControlPlane(SCENARIOS[1].mesh) as mesh:
        traffic = Traffic(mesh.url)
        await traffic.more(100)
        await mesh.kill_control()
        await traffic.more(100)
        change = await mesh.start_control(2, without_mocka(mesh.mesh))
        report = await mesh.wait_synced()
        during = len(traffic.answers)
        await traffic.more(300)
        answers = await traffic.stop()
    assert change.rejections == ()
    # What has been under way when the change was through may still be of the old way.
    after = outcomes(answers[during + 12 :], CHANGED.__getitem__)
    assert after == {"right": len(answers) - during - 12}
    known = {EXPECTED[lane] for lane in EXPECTED} | {CHANGED[lane] for lane in CHANGED}
    assert {(a.status, a.body) for a in answers} <= {(200, body) for body in known}
    # Two clusters of (mocka, s2), gone at ten proxies; its routes; baseline's mocka has no alias.
    touched = {name for _, name in report.sent if "mocka" not in name}
    assert touched <= {"gateway|80|istio-system/ingressgateway"}, report.sent
    print(f"{len(answers)} requests, none lost; sent: {dict(report.sent)}")


async def test_a_proxy_that_was_away_during_a_change_catches_up() -> None:
    """One hangs, which the change waits for until its deadline; then it dies and comes back."""
    async with SeparateControlPlane(SCENARIOS[1].whole_mesh) as mesh:
        traffic = Traffic(mesh.url)
        pid = mesh.fleet.proxy_pid(UNUSED)
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        late = await mesh.change(without_mocka(mesh.mesh), deadline=1)
        others = await mesh.wait_synced(mesh.nodes - {UNUSED})
        assert late.applied
        assert late.late == (UNUSED,)
        assert UNUSED not in others.synced
        os.kill(pid, signal.SIGCONT)
        await mesh.wait_synced()
        assert await same_versions(mesh)

        os.kill(pid, signal.SIGKILL)
        back = await mesh.change(mesh.mesh)
        assert back.applied
        await mesh.wait_synced()
        assert await same_versions(mesh)
        await traffic.more(100)
        answers = await traffic.stop()
    assert {a.status for a in answers} == {200}
    print(f"{len(answers)} requests, none lost")


async def same_versions(mesh: SeparateControlPlane) -> bool:
    """The proxy that was away holds what calls need in the same versions as another."""
    other = names.sidecar_node(ObjectName("default", "mocka-v1"))
    mine, theirs = await mesh.versions(UNUSED), await mesh.versions(other)
    shared = mine.keys() & theirs.keys()
    return len(shared) > 10 and all(
        mine[key][0] == theirs[key][0]
        for key in mine.keys() | theirs.keys()
        if key[1].startswith("outbound|")
    )
