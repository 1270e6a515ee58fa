"""What is inside a workload, a gateway or a proxy that goes is answered before it goes.

Applications die at SIGTERM, with all that is inside (``soak_application``), and answer in pieces. A
request stays inside until the test lets it go, so that nothing depends on how long a change takes.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from dataclasses import replace
from pathlib import Path

import grpc.aio
import pytest
from tests.e2e.chains import chain, pair
from tests.e2e.clients import Answer, Call, load
from tests.e2e.conftest import Run, running
from tests.e2e.grpc_application import method
from tests.e2e.scenarios import answer, gateway_url, short_slow_mesh, slow_mesh
from tests.e2e.soak_application import WAIT
from tests.e2e.test_changes import with_a_rule_that_envoy_refuses, with_workload
from tests.e2e.test_fallback import workload_pid
from tests.e2e.test_grpc import channel, lane_metadata
from tests.e2e.test_websocket import socket
from websockets.exceptions import ConnectionClosed

from laneway.adapters.runner.errors import Closed
from laneway.adapters.runner.ports import Ports
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.wiring.embedded import Embedded
from laneway.wiring.terminations import WORKERS_FOLLOW

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

MOCKA_V1, MOCKA_V2 = (ObjectName("default", f"mocka-{v}") for v in ("v1", "v2"))
SOAK_APPLICATION = Path(__file__).with_name("soak_application.py")
GATEWAY = "router~ingressgateway.istio-system"
A_S2 = ObjectName("default", "a-s2")
S1, S2 = answer("v1", "v1"), answer("v2", "v2")  # of lanes of `short_slow_mesh`


def edited(mesh: Mesh, name: ObjectName, **env: str) -> Mesh:
    workload = mesh.workloads_by_name[name]
    return with_workload(mesh, replace(workload, env={**workload.env, **env}))


def without(mesh: Mesh, *names: ObjectName) -> Mesh:
    return replace(mesh, workloads=tuple(w for w in mesh.workloads if w.name not in names))


def with_grace(mesh: Mesh, seconds: float) -> Mesh:
    return replace(
        mesh,
        workloads=tuple(replace(w, termination_grace_period=seconds) for w in mesh.workloads),
    )


class Inside:
    """A request that stays inside an application until ``answer``."""

    def __init__(self, url: str, lane: str, application: str, folder: Path) -> None:
        self._file = folder / f"held-{next(_NUMBERS)}"
        self._request = asyncio.create_task(_ask(url, lane, f"{application}={self._file}"))

    @classmethod
    async def begin(cls, embedded: Embedded, lane: str, application: str) -> Inside:
        return await cls(gateway_url(embedded), lane, application, embedded.run_dir).arrived()

    async def arrived(self) -> Inside:
        async with asyncio.timeout(60):
            while not self._file.with_suffix(".inside").exists():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return self

    async def answer(self, held: float = 2 * WORKERS_FOLLOW + 0.5) -> Answer:
        """After so many seconds, in which a process might be stopped that must not."""
        await asyncio.sleep(held)
        self._file.touch()
        return await self._request

    async def lost(self) -> Answer:
        """Its end without an answer."""
        async with asyncio.timeout(60):
            return await self._request


_NUMBERS = itertools.count()


async def _ask(url: str, lane: str, wait: str = "") -> Answer:
    (result,) = await load(url, [Call("/mock", {"my-request-id": lane, WAIT: wait})])
    return result


def free_port() -> int:
    ports = Ports()
    try:
        return ports.reserve("test").port
    finally:
        ports.close()


def alive(pid: int | None) -> bool:
    assert pid is not None
    return Path(f"/proc/{pid}").exists()


def children() -> set[int]:
    """The processes that this one has started, and those that they have."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(stat.parent.name)] = int(fields[1])
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


async def test_a_slow_answer_outlives_the_process_being_replaced(run: Run) -> None:
    mesh = short_slow_mesh()
    async with run(mesh) as embedded:
        old = workload_pid(embedded, MOCKA_V2)
        request = await Inside.begin(embedded, "s2", "mocka")
        changed = edited(mesh, MOCKA_V2, version="v2-new")
        assert (await embedded.change(changed)).applied
        assert embedded.terminating() == (MOCKA_V2,)
        fresh = await _ask(gateway_url(embedded), "s2")
        assert fresh.body == answer("v2-new", "v2")
        assert alive(old)
        slow = await request.answer()
        assert (slow.status, slow.body) == (200, S2)
        await embedded.wait_terminated()
        assert not alive(old)
        assert embedded.terminating() == ()


async def test_several_generations_end_one_by_one(run: Run) -> None:
    mesh = with_grace(short_slow_mesh(), 300)
    async with run(mesh) as embedded:
        requests = []
        for number in range(3):
            requests.append(await Inside.begin(embedded, "s2", "mocka"))
            changed = edited(mesh, MOCKA_V2, version=f"v2-{number}")
            assert (await embedded.change(changed)).applied
        assert embedded.terminating() == (MOCKA_V2,) * 3
        answers = await asyncio.gather(*(request.answer() for request in requests))
        await embedded.wait_terminated()
    versions = ("v2", "v2-0", "v2-1")
    assert [a.body for a in answers] == [answer(v, "v2") for v in versions]


async def test_a_slow_answer_outlives_its_workload_and_lane(run: Run) -> None:
    """The answer of mocka-v2 is not through yet when it calls onward: by the routes of then."""
    mesh = short_slow_mesh()
    names = [w.name for w in mesh.workloads if w.name.name.endswith("-v2")]
    gone = without(mesh, *names)
    gone = replace(gone, lanes=tuple(lane for lane in mesh.lanes if lane.name != "s2"))
    async with run(mesh) as embedded:
        pids = [workload_pid(embedded, name) for name in names]
        request = await Inside.begin(embedded, "s2", "mocka")
        assert (await embedded.change(gone)).applied
        assert MOCKA_V2 in embedded.terminating()
        assert len(embedded.proxies()) == len(gone.workloads) + 1
        slow = await request.answer()
        assert (slow.status, slow.body) == (200, answer("v2", "v1"))
        await embedded.wait_terminated()
        assert not any(map(alive, pids))
        assert embedded.control_plane.nodes == {proxy.node for proxy in embedded.proxies()}


async def test_what_is_terminating_calls_by_the_routes_that_are_current(run: Run) -> None:
    """The baseline that it knew when its workload was removed is removed, too."""
    mesh = slow_mesh()
    (group,) = mesh.groups
    mocka = ObjectName("default", "mocka")
    moved = without(mesh, MOCKA_V2)
    last = without(moved, ObjectName("default", "mockb-v1"))
    services = {"s1": (mocka,), "s2": mesh.lanes[1].services, "s3": group.services}
    lanes = (replace(lane, services=services[lane.name]) for lane in last.lanes)
    last = replace(last, groups=(replace(group, baseline="s3"),), lanes=tuple(lanes))
    async with run(mesh) as embedded:
        request = await Inside.begin(embedded, "s2", "mocka")
        for changed in (moved, last):
            assert (await embedded.change(changed)).applied
        slow = await request.answer()
    assert (slow.status, slow.body) == (200, answer("v2", "v3", "v2"))


async def test_a_slow_answer_outlives_a_stop_and_a_new_start(run: Run) -> None:
    async with run(short_slow_mesh()) as embedded:
        old = workload_pid(embedded, MOCKA_V2)
        request = await Inside.begin(embedded, "s2", "mocka")
        await embedded.stop_workload(MOCKA_V2)
        assert (await _ask(gateway_url(embedded), "s2")).body == answer("v1", "v2")
        await embedded.start_workload(MOCKA_V2)
        assert await embedded.wait_ready() == ()
        assert (await _ask(gateway_url(embedded), "s2")).body == S2
        assert workload_pid(embedded, MOCKA_V2) != old
        slow = await request.answer()
        assert (slow.status, slow.body) == (200, S2)
        await embedded.wait_terminated()
        assert not alive(old)


async def test_a_workload_that_serves_is_started_again_without_loss(run: Run) -> None:
    async with run(short_slow_mesh()) as embedded:
        old = workload_pid(embedded, MOCKA_V1)
        request = await Inside.begin(embedded, "s1", "mocka")
        await embedded.start_workload(MOCKA_V1)
        assert workload_pid(embedded, MOCKA_V1) != old
        assert (await _ask(gateway_url(embedded), "s1")).body == S1
        assert (await request.answer()).body == S1


async def test_one_of_the_same_name_and_port_starts_beside_one_that_is_terminating(
    run: Run,
) -> None:
    """Its port is fixed, and free again as soon as no requests are sent there."""
    mesh = short_slow_mesh()
    old = mesh.workloads_by_name[MOCKA_V2]
    mesh = with_workload(mesh, replace(old, ports=(replace(old.ports[0], listen=free_port()),)))
    async with run(mesh) as embedded:
        requests = []
        for _ in range(2):
            requests.append(await Inside.begin(embedded, "s2", "mocka"))
            assert (await embedded.change(without(mesh, MOCKA_V2))).applied
            assert (await embedded.change(mesh)).applied
            assert await embedded.wait_ready() == ()
            fresh = await _ask(gateway_url(embedded), "s2")
            assert (fresh.status, fresh.body) == (200, S2)
        assert embedded.terminating() == (MOCKA_V2,) * 2
        for slow in await asyncio.gather(*(request.answer() for request in requests)):
            assert (slow.status, slow.body) == (200, S2)
        await embedded.wait_terminated()
        assert (await _ask(gateway_url(embedded), "s2")).body == S2
        assert await embedded.wait_ready() == ()


async def test_a_gateway_that_is_removed_answers_and_its_port_is_free_at_once(run: Run) -> None:
    mesh = short_slow_mesh()
    (gateway,) = mesh.gateways
    (server,) = gateway.servers
    fixed = replace(gateway, servers=(replace(server, listen=free_port()),))
    mesh = replace(mesh, gateways=(fixed,))
    # Where none is declared, one is assumed.
    server = replace(server, listen=free_port())
    other = replace(gateway, name=ObjectName("default", "other"), servers=(server,))
    async with run(mesh, free_gateway_ports=False) as embedded:
        requests = []
        for _ in range(2):
            requests.append(await Inside.begin(embedded, "s1", "mockb"))
            assert (await embedded.change(replace(mesh, gateways=(other,)))).applied
            assert embedded.gateway_urls().keys() == {other.name}
            assert (await embedded.change(mesh)).applied
            assert await embedded.wait_ready() == ()
            assert (await _ask(gateway_url(embedded), "s1")).body == S1
        for slow in await asyncio.gather(*(request.answer() for request in requests)):
            assert (slow.status, slow.body) == (200, S1)


async def test_a_request_outlives_the_removal_of_its_listener(run: Run) -> None:
    """No workload stops, so that no grace period counts."""
    mesh = with_grace(short_slow_mesh(), 1)
    (gateway,) = mesh.gateways
    (server,) = gateway.servers
    more = replace(gateway, servers=(server, replace(server, port=81, name="more")))
    async with run(replace(mesh, gateways=(more,))) as embedded:
        url = embedded.gateway_urls()[gateway.name][81]
        request = await Inside(url, "s1", "mockb", embedded.run_dir).arrived()
        assert (await embedded.change(mesh)).applied
        slow = await request.answer(held=7)
    assert (slow.status, slow.body) == (200, S1)


@pytest.mark.parametrize("node", [GATEWAY, "sidecar~mockb-v1.default"])
async def test_a_slow_answer_outlives_a_hot_restart(node: str, run: Run) -> None:
    mesh = short_slow_mesh()
    async with run(mesh) as embedded:
        request = await Inside.begin(embedded, "s1", "mockb")
        await embedded.restart_proxy(node)
        slow = await request.answer(held=7)
    assert (slow.status, slow.body) == (200, S1)


async def test_a_websocket_outlives_its_process_being_replaced(run: Run) -> None:
    mesh = pair("asgi_application")
    async with run(mesh) as embedded:
        old = workload_pid(embedded, A_S2)
        async with socket(embedded, "s2") as ws:
            await ws.recv()
            assert (await embedded.change(edited(mesh, A_S2, VERSION="new"))).applied
            async with socket(embedded, "s2") as fresh:
                assert await fresh.recv() == "new"
            for text in ("one", "two", "three"):
                await asyncio.sleep(0.5)
                await ws.send(text)
                assert await ws.recv() == text
            assert alive(old)
        await embedded.wait_terminated()
        assert not alive(old)


async def test_a_tunnel_outlives_the_process_at_its_end(run: Run) -> None:
    """An application's own WebSocket to its upstream, by CONNECT through its sidecar."""
    mesh = chain("asgi_application", scheme="http://")
    a_s1, b_s1 = (ObjectName("default", name) for name in ("a-s1", "b-s1"))
    mesh = without(mesh, *mesh.workloads_by_name.keys() - {a_s1, b_s1})
    async with run(mesh) as embedded, socket(embedded, "s1", "/upstream") as ws:
        assert [await ws.recv(), await ws.recv()] == ["a-s1", "b-s1"]
        for changed in (edited(mesh, b_s1, VERSION="b-new"), mesh):
            assert (await embedded.change(changed)).applied
            await asyncio.sleep(1)
            await ws.send("still here")
            assert await ws.recv() == "still here"


async def test_a_grpc_stream_outlives_its_workload(run: Run) -> None:
    mesh = pair("grpc_application")
    async with run(mesh) as embedded, channel(embedded) as ch:
        echo: grpc.aio.StreamStreamCall = ch.stream_stream(method("Echo"))(
            metadata=lane_metadata("s2")
        )
        await echo.write(b"before")
        assert await echo.read() == b"before"
        assert (await embedded.change(without(mesh, A_S2))).applied
        for number in range(4):
            await asyncio.sleep(0.5)
            await echo.write(b"%d" % number)
            assert await echo.read() == b"%d" % number
        await echo.done_writing()
        assert await echo.read() is grpc.aio.EOF
        assert await echo.code() is grpc.StatusCode.OK
        await embedded.wait_terminated()


async def test_a_socket_that_stays_open_is_cut_at_the_end_of_the_grace_period(run: Run) -> None:
    mesh = with_grace(pair("asgi_application"), 1)
    async with run(mesh) as embedded:
        old = workload_pid(embedded, A_S2)
        async with socket(embedded, "s2") as ws:
            await ws.recv()
            assert (await embedded.change(edited(mesh, A_S2, VERSION="new"))).applied
            async with asyncio.timeout(20):
                with pytest.raises(ConnectionClosed) as closed:
                    await ws.recv()
                await embedded.wait_terminated()
        # It got SIGTERM, and had time to end by itself.
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        assert not alive(old)


STUBBORN = (
    sys.executable,
    "-c",
    "import signal, runpy, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "runpy.run_path(sys.argv[1], run_name='__main__')",
    str(SOAK_APPLICATION),
)


async def test_an_application_that_ignores_sigterm_is_killed(run: Run) -> None:
    mesh = with_grace(short_slow_mesh(), 1)
    workload = replace(mesh.workloads_by_name[MOCKA_V2], command=STUBBORN)
    mesh = with_workload(mesh, workload)
    async with run(mesh) as embedded:
        old = workload_pid(embedded, MOCKA_V2)
        request = await Inside.begin(embedded, "s2", "mocka")
        assert (await embedded.change(without(mesh, MOCKA_V2))).applied
        async with asyncio.timeout(30):
            await embedded.wait_terminated()
            await request.lost()
        assert not alive(old)


async def test_leaving_answers_what_is_inside_and_leaves_nothing_behind(run: Run) -> None:
    """Also what is terminating already."""
    mesh = short_slow_mesh()
    before = children()
    context = running(mesh)
    embedded = await context.__aenter__()
    requests = [await Inside.begin(embedded, "s2", "mocka")]
    assert (await embedded.change(edited(mesh, MOCKA_V2, version="v2-new"))).applied
    requests.append(await Inside.begin(embedded, "s2", "mocka"))
    leaving = asyncio.create_task(context.__aexit__(None, None, None))
    bodies = [(await request.answer()).body for request in requests]
    assert bodies == [S2, answer("v2-new", "v2")]
    await leaving
    assert children() <= before
    with pytest.raises(Closed):
        await embedded.change(mesh)


async def test_overlapping_changes_are_made_one_after_another(run: Run) -> None:
    mesh = slow_mesh()
    removed, moved = without(mesh, MOCKA_V2), edited(mesh, MOCKA_V1, version="v1-new")
    async with run(mesh) as embedded:
        before = children()
        changes = await asyncio.gather(
            embedded.change(removed),
            embedded.change(moved),
            embedded.stop_workload(MOCKA_V1),
            embedded.restart_proxy(GATEWAY),
            embedded.change(removed),
            embedded.start_workload(MOCKA_V1),
        )
        assert all(change.applied for change in changes if change is not None)
        assert await embedded.wait_ready() == ()
        await embedded.wait_terminated()
        assert embedded.mesh == removed
        await is_what_runs(embedded, removed)
        assert (await _ask(gateway_url(embedded), "s2")).body == answer("v1", "v1", "v2")
        assert len(children()) < len(before)


async def is_what_runs(embedded: Embedded, mesh: Mesh) -> None:
    """Exactly the processes of the mesh run, and all that callers may be sent to is there."""
    assert {status.name for status in embedded.workloads()} == set(mesh.workloads_by_name)
    assert all(status.ready for status in embedded.workloads())
    assert embedded.control_plane.placements.sidecars.keys() == mesh.workloads_by_name.keys()
    assert embedded.control_plane.placements.ready == mesh.workloads_by_name.keys()
    assert len(embedded.proxies()) == len(mesh.workloads) + len(mesh.gateways)
    assert embedded.control_plane.nodes == {proxy.node for proxy in embedded.proxies()}
    # Each application stands below a shim, whose command line ends with the application's.
    commands = [_command(pid) for pid in children()]
    applications = [each for each in commands if "soak_application.py" in each]
    assert sum("shim.py" not in each for each in applications) == len(mesh.workloads)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@pytest.mark.parametrize("moment", [0.0, 0.02, 0.3, 0.8])
async def test_a_change_that_is_cancelled_leaves_nothing_behind(moment: float, run: Run) -> None:
    """While it starts processes, while it waits for a successor, or while proxies acknowledge."""
    mesh = short_slow_mesh()
    new = replace(mesh.workloads_by_name[MOCKA_V2], name=ObjectName("default", "mocka-new"))
    changed = edited(without(mesh, MOCKA_V2), MOCKA_V1, version="v1-new")
    changed = replace(changed, workloads=(new, *changed.workloads))
    async with run(mesh) as embedded:
        change = asyncio.create_task(embedded.change(changed))
        await asyncio.sleep(moment)
        change.cancel()
        await asyncio.wait([change])
        current = mesh if change.cancelled() and embedded.mesh == mesh else changed
        await embedded.wait_terminated()
        assert await embedded.wait_ready() == ()
        await is_what_runs(embedded, current)


async def test_what_a_refused_change_started_is_gone(run: Run) -> None:
    mesh = short_slow_mesh()
    new = replace(mesh.workloads_by_name[MOCKA_V2], name=ObjectName("default", "mocka-new"))
    changed = edited(without(mesh, MOCKA_V2), MOCKA_V1, version="v1-new")
    changed = replace(changed, workloads=(new, *changed.workloads))
    async with run(mesh) as embedded:
        change = await embedded.change(with_a_rule_that_envoy_refuses(changed))
        assert not change.applied
        await embedded.wait_terminated()
        assert await embedded.wait_ready() == ()
        await is_what_runs(embedded, mesh)
