"""Changes to a running mesh: whole or not at all, and no request lost to any of them."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from tests.e2e.clients import Call, load
from tests.e2e.conftest import Run
from tests.e2e.late_proxies import late_server
from tests.e2e.random_changes import with_target_port
from tests.e2e.scenarios import EXPECTED, SCENARIOS, answer, gateway_url, slow_mesh
from tests.e2e.soak_application import WAIT
from tests.e2e.test_fallback import Load

from laneway.adapters.runner.errors import NotReady, PortUnavailable, Unstartable
from laneway.control import events
from laneway.control.declared import (
    Applied,
    Declaration,
    NotProgrammed,
    Principal,
    Programmed,
    Put,
    Write,
)
from laneway.model.acceptance import Standing
from laneway.model.keys import key_of
from laneway.model.lanes import Lane
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import ServicePort
from laneway.model.workloads import Workload, WorkloadPort
from laneway.wiring import embedded as wiring
from laneway.wiring.declared_runtime import DeclarationConflict

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

SCENARIO = SCENARIOS[1]
MOCKA_V1 = ObjectName("default", "mocka-v1")


def with_workload(mesh: Mesh, changed: Workload) -> Mesh:
    workloads = (changed if w.name == changed.name else w for w in mesh.workloads)
    return replace(mesh, workloads=tuple(workloads))


def with_lane(mesh: Mesh, changed: Lane) -> Mesh:
    return replace(mesh, lanes=tuple(changed if x.name == changed.name else x for x in mesh.lanes))


def with_a_rule_that_envoy_refuses(mesh: Mesh) -> Mesh:
    """Files with it would be refused; Envoy refuses the whole route configuration."""
    (rule,) = mesh.lanes[1].ingress
    rules = (rule, replace(rule, name="bad", uri=StringMatch(MatchKind.REGEX, "/a{1001}")))
    return with_lane(mesh, replace(mesh.lanes[1], ingress=rules))


async def test_a_new_process_of_the_only_instance_costs_nothing(run: Run) -> None:
    mesh = SCENARIO.mesh
    workload = mesh.workloads_by_name[MOCKA_V1]
    async with run(mesh) as embedded:
        requests = Load(SCENARIO, embedded, "s1")
        for number in range(3):
            await asyncio.sleep(0.2)
            env = {**workload.env, "version": f"v1.{number}"}
            changed = with_workload(mesh, replace(workload, env=env))
            assert (await embedded.change(changed)).applied
        await asyncio.sleep(0.2)
        answers = await requests.stop()
        assert {a.status for a in answers} == {200}
        allowed = {answer(v, "v1", "v1") for v in ("v1", "v1.0", "v1.1", "v1.2")}
        assert {a.body for a in answers} == allowed
        (last,) = await load(gateway_url(embedded), [SCENARIO.call("s1", 1)])
        assert last.body == answer("v1.2", "v1", "v1")


async def test_workloads_lanes_and_gateways_come_and_go(run: Run) -> None:
    full = SCENARIO.mesh
    v2 = {name for name in full.workloads_by_name if name.name.endswith("-v2")}
    without = replace(
        full,
        workloads=tuple(w for w in full.workloads if w.name not in v2),
        lanes=tuple(lane for lane in full.lanes if lane.name != "s2"),
    )
    async with run(without) as embedded:
        requests = Load(SCENARIO, embedded, "s2")
        before = len(embedded.proxies())
        for _ in range(2):
            assert (await embedded.change(full)).applied
            assert await embedded.wait_ready() == ()
            (inside,) = await load(gateway_url(embedded), [SCENARIO.call("s2", 1)])
            assert (inside.status, inside.body) == (200, EXPECTED["s2"])
            assert len(embedded.proxies()) == before + len(v2)
            assert (await embedded.change(without)).applied
            assert len(embedded.proxies()) == before
            assert {status.name for status in embedded.workloads()}.isdisjoint(v2)
        answers = await requests.stop()
    assert Counter(a.status for a in answers).keys() == {200}


async def test_ports_come_and_go(run: Run) -> None:
    """Of a gateway, of a service, and of the workloads behind it, which are started anew."""
    mesh = SCENARIO.mesh
    (gateway,) = mesh.gateways
    (server,) = gateway.servers
    workloads = tuple(
        replace(w, ports=(*w.ports, WorkloadPort(9000, "more")))
        if w.labels["app"] == "mocka"
        else w
        for w in mesh.workloads
    )
    services = tuple(
        replace(s, ports=(*s.ports, ServicePort(9000, "more"))) if s.name.name == "mocka" else s
        for s in mesh.services
    )
    opened = replace(gateway, servers=(server, replace(server, port=81, name="more")))
    more = replace(mesh, workloads=workloads, services=services, gateways=(opened,))
    async with run(mesh) as embedded:
        requests = Load(SCENARIO, embedded, "s2")
        for _ in range(2):
            assert (await embedded.change(more)).applied
            urls = embedded.gateway_urls()[gateway.name]
            (second,) = await load(urls[81], [SCENARIO.call("s2", 1)])
            assert (second.status, second.body) == (200, EXPECTED["s2"])
            assert set(embedded.control_plane.placements.sidecars[MOCKA_V1].inbound) == {8000, 9000}
            assert (await embedded.change(mesh)).applied
            assert set(embedded.gateway_urls()[gateway.name]) == {80}
        answers = await requests.stop()
    assert {(a.status, a.body) for a in answers} == {(200, EXPECTED["s2"])}


async def test_what_is_inside_a_process_that_is_taken_back_is_answered(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls go to the new port of a new process already when a proxy refuses the change."""
    monkeypatch.setattr(wiring, "XdsServer", late_server(lambda: 0.1))
    mesh = slow_mesh()
    mockb = ObjectName("default", "mockb")
    moved = with_target_port(mesh, mockb, 9000)
    edited = tuple(
        replace(w, env={**w.env, "version": "new"}) if w.labels["app"] == "mockb" else w
        for w in moved.workloads
    )
    refused = with_a_rule_that_envoy_refuses(replace(moved, workloads=edited))
    stopped = asyncio.Event()
    random = Random(1)

    def calls() -> Iterator[Call]:
        """Some are inside for longer than it takes to take the change back."""
        while not stopped.is_set():
            wait = random.choice((0.05, 0.05, 0.05, 2))
            yield Call("/mock", {"my-request-id": "s1", WAIT: f"mockb={wait}"})

    async with run(mesh) as embedded:
        requests = asyncio.create_task(load(gateway_url(embedded), calls(), 60))
        change = await embedded.change(refused)
        assert not change.applied
        stopped.set()
        answers = await requests
    bodies = {EXPECTED["s1"], answer("v1", "new", "v1")}
    assert {(a.status, a.body) for a in answers} == {(200, body) for body in bodies}


async def test_a_rule_that_envoy_rejects_at_the_start_is_left_out() -> None:
    """The gateway serves all its other rules, and what mends the rule is not refused."""
    mesh = SCENARIO.mesh
    bad, settings = with_a_rule_that_envoy_refuses(mesh), wiring.Settings(free_gateway_ports=True)
    async with wiring.Embedded(bad, settings) as embedded:
        (problem,) = await embedded.wait_ready()
        assert problem.startswith("Lane test/s2: ingress rule bad is left out: ")
        assert "invalid repetition size" in problem
        for tag in EXPECTED:
            (answered,) = await load(gateway_url(embedded), [SCENARIO.call(tag, 1)])
            assert (answered.status, answered.body) == (200, EXPECTED[tag])
        assert embedded.mesh == mesh
        assert not (await embedded.change(bad)).applied


async def test_what_envoy_rejects_is_taken_back_everywhere(run: Run) -> None:
    mesh = SCENARIO.whole_mesh
    heard: list[events.Event] = []
    async with run(mesh, heard.append) as embedded:
        requests = Load(SCENARIO, embedded, "s2")
        change = await embedded.change(with_a_rule_that_envoy_refuses(mesh))
        (rejection,) = [each for each in heard if isinstance(each, events.Rejected)]
        assert [str(each) for each in rejection.objects] == ["Lane test/s2"]
        assert not change.applied
        assert any("invalid repetition size" in rejection for rejection in change.rejections), (
            change
        )
        assert embedded.mesh == mesh
        assert await embedded.wait_synced() == ()
        moved = with_lane(mesh, replace(mesh.lanes[1], selector={"ASM_TRAFFIC_TAG": "v3"}))
        assert (await embedded.change(moved)).applied
        answers = await requests.stop()
        assert {a.status for a in answers} == {200}
        (last,) = await load(gateway_url(embedded), [SCENARIO.call("s2", 1)])
        assert last.body == answer("v3", "v1", "v3")


async def test_sources_share_a_mesh_and_a_write_that_envoy_rejects_is_held(run: Run) -> None:
    """A program declared the mesh; two lanes are written beside it, one of them again."""
    mesh = SCENARIO.mesh
    own = replace(mesh.lanes[1], name="own", weight=0)
    (bad,) = with_a_rule_that_envoy_refuses(Mesh(lanes=(mesh.lanes[0], own))).lanes[1:]
    other = replace(own, name="other")
    jack = Principal("jack")

    def write(lane: Lane) -> Write:
        return Write("api", Put(Declaration(lane)))

    async with run(mesh) as embedded:
        requests = Load(SCENARIO, embedded, "s2")
        apply = embedded.declarations.apply
        for lane in (own, other):
            result = await apply(write(lane), jack)
            assert isinstance(result.outcome, Programmed), result
        rejected = await apply(write(bad), jack)
        assert isinstance(rejected, Applied)
        assert isinstance(rejected.outcome, NotProgrammed)
        status = embedded.declarations.state.status(key_of(own))
        assert status.standing is Standing.HELD
        assert "invalid repetition size" in status.findings[0].message
        assert [lane.name for lane in embedded.mesh.lanes] == ["s1", "s2", "s3", "own", "other"]
        mended = await apply(write(replace(own, weight=1)), jack)
        assert isinstance(mended.outcome, Programmed), mended
        with pytest.raises(DeclarationConflict, match="Lane test/own is declared by api"):
            await embedded.change(replace(mesh, lanes=(*mesh.lanes, own)))
        assert (await embedded.change(replace(mesh, lanes=mesh.lanes[:2]))).applied
        assert [lane.name for lane in embedded.mesh.lanes] == ["s1", "s2", "own", "other"]
        answers = await requests.stop()
        assert {a.status for a in answers} == {200}


@pytest.mark.parametrize(
    ("workload", "error"),
    [
        (Workload(ObjectName("default", "x"), {}, (), ("no-such-command",)), Unstartable),
        (Workload(ObjectName("default", "x"), {}, (), ("laneway-mock",), working_dir="/no"), None),
    ],
)
async def test_a_change_that_cannot_be_started_changes_nothing(
    workload: Workload, error: type[Exception] | None, run: Run
) -> None:
    mesh = SCENARIO.mesh
    ports = mesh.workloads[0].ports
    async with run(mesh) as embedded:
        nodes = {proxy.node for proxy in embedded.proxies()}
        bad = replace(mesh, workloads=(*mesh.workloads, replace(workload, ports=ports)))
        with pytest.raises(error or Unstartable):
            await embedded.change(bad)
        assert embedded.mesh == mesh
        assert {proxy.node for proxy in embedded.proxies()} == nodes
        (last,) = await load(gateway_url(embedded), [SCENARIO.call("s3", 1)])
        assert (last.status, last.body) == (200, EXPECTED["s3"])


async def test_a_port_that_is_taken_refuses_the_change(run: Run) -> None:
    mesh = SCENARIO.mesh
    async with run(mesh) as embedded:
        taken = int(gateway_url(embedded).rpartition(":")[2])
        workload = mesh.workloads[0]
        ports = (replace(workload.ports[0], listen=taken),)
        new = replace(workload, name=ObjectName("default", "new"), ports=ports)
        with pytest.raises(PortUnavailable, match=str(taken)):
            await embedded.change(replace(mesh, workloads=(*mesh.workloads, new)))
        assert embedded.mesh == mesh


async def test_a_successor_that_never_becomes_ready_leaves_its_predecessor(run: Run) -> None:
    mesh = SCENARIO.mesh
    workload = mesh.workloads_by_name[MOCKA_V1]
    never = replace(workload, command=(sys.executable, "-c", "pass"), start_timeout=2.0)
    async with run(mesh) as embedded:
        with pytest.raises(NotReady, match="mocka-v1"):
            await embedded.change(with_workload(mesh, never))
        (last,) = await load(gateway_url(embedded), [SCENARIO.call("s1", 1)])
        assert (last.status, last.body) == (200, EXPECTED["s1"])
