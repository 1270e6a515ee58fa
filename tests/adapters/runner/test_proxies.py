from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.runner.event_recorders import (
    DEADLINE,
    Recorder,
    empty_bootstrap,
    is_running,
    placement,
    workload,
)

from laneway.adapters.runner import proxies
from laneway.adapters.runner.binary import EnvoyBinary
from laneway.adapters.runner.bootstraps import probe_listener, probe_socket
from laneway.adapters.runner.errors import NotReady
from laneway.adapters.runner.http_client import exchange
from laneway.adapters.runner.ports import Ports
from laneway.adapters.runner.proxies import Proxy
from laneway.adapters.runner.runner import Runner
from laneway.control import events
from laneway.model.placements import Address

pytestmark = pytest.mark.envoy


class SlowUpstream:
    """Answers a request when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked.set()
            await self.answer.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def upstream() -> AsyncIterator[tuple[SlowUpstream, Address]]:
    slow = SlowUpstream()
    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    yield slow, Address(*server.sockets[0].getsockname())
    slow.answer.set()
    server.close()
    await server.wait_closed()


def forwarding(listen: Address, upstream: Address) -> Callable[[Path, int], str]:
    """The bootstrap of an Envoy that forwards everything."""
    http = "type.googleapis.com/envoy.extensions.filters"
    manager: dict[str, Any] = {
        "@type": f"{http}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "up"}}],
                }
            ]
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{http}.http.router.v3.Router"},
            }
        ],
    }

    def at(address: Address) -> dict[str, Any]:
        return {"socket_address": {"address": address.host, "port_value": address.port}}

    def bootstrap(admin: Path, _generation: int) -> str:
        endpoint = {"endpoint": {"address": at(upstream)}}
        assignment = {"cluster_name": "up", "endpoints": [{"lb_endpoints": [endpoint]}]}
        filters = [{"name": "http", "typed_config": manager}]
        listener = {"name": "l", "address": at(listen), "filter_chains": [{"filters": filters}]}
        cluster = {"name": "up", "type": "STATIC", "load_assignment": assignment}
        return json.dumps(
            {
                "admin": {"address": {"pipe": {"path": str(admin)}}},
                "static_resources": {
                    "listeners": [listener, probe_listener(probe_socket(admin))],
                    "clusters": [cluster],
                },
            }
        )

    return bootstrap


@pytest.fixture
def listen(ports: Ports) -> Address:
    address = ports.reserve("front")
    ports.release([address])
    return address


async def test_envoy_starts_answers_its_admin_and_stops(runner: Runner, told: Recorder) -> None:
    started = await runner.start_proxy(Proxy("sidecar/default/a", empty_bootstrap))
    await started.wait_ready()
    admin = runner.admin("sidecar/default/a")
    assert await admin.state() == "LIVE"
    assert (await admin.stats("^server.concurrency$"))["server.concurrency"] == 2
    assert json.loads(await admin.get("/server_info"))["node"]["id"] == "sidecar/default/a"
    with pytest.raises(ValueError, match="proxy sidecar/default/a is running already"):
        await runner.start_proxy(Proxy("sidecar/default/a", empty_bootstrap))
    await runner.stop_proxy("sidecar/default/a")
    assert str(told.of(events.Stopped)[0]) == "stopped (exited with 0)"


async def test_an_envoy_that_hangs_is_unready_until_it_goes_on(
    runner: Runner, told: Recorder
) -> None:
    started = await runner.start_proxy(Proxy("a", empty_bootstrap))
    await started.wait_ready()
    assert started.pid
    os.kill(started.pid, signal.SIGSTOP)
    unready = await told.wait_for(events.Unready)
    assert str(unready) == "is not ready any more: it has not answered for 0.7 s"
    os.kill(started.pid, signal.SIGCONT)
    await told.wait_for(events.Ready, 2)


async def test_when_all_sidecars_hang_none_is_unready(runner: Runner, told: Recorder) -> None:
    """A machine that is too busy: nobody could answer in their place. A gateway that answers does
    not tell the difference. As soon as one answers again, the other counts as one that hangs."""
    sidecars = [await runner.start_proxy(Proxy(name, empty_bootstrap)) for name in "ab"]
    gateway = await runner.start_proxy(Proxy("g", empty_bootstrap, gateway=True))
    pids = []
    for started in (*sidecars, gateway):
        await started.wait_ready()
        assert started.pid
        pids.append(started.pid)
    for pid in pids[:2]:
        os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(4 * proxies._READINESS.period)
    assert not told.of(events.Unready)
    os.kill(pids[0], signal.SIGCONT)
    unready = await told.wait_for(events.Unready)
    assert unready.subject == events.ProxyInstance("b")
    os.kill(pids[1], signal.SIGCONT)
    await told.wait_for(events.Ready, 4)


def test_an_envoy_that_hangs_is_noticed_within_three_seconds() -> None:
    """It hangs right after a good answer; half a second is left to tell the other proxies."""
    readiness = proxies._READINESS
    assert readiness.period * readiness.failure_threshold + readiness.timeout <= 2.5
    assert readiness.timeout < readiness.period


async def test_a_killed_envoy_comes_back_with_its_listener(
    runner: Runner, told: Recorder, listen: Address, upstream: tuple[SlowUpstream, Address]
) -> None:
    slow, address = upstream
    slow.answer.set()
    started = await runner.start_proxy(Proxy("a", forwarding(listen, address)))
    await started.wait_ready()
    assert (await exchange(listen, "GET", "/")).body == b"slow"
    assert started.pid is not None
    os.kill(started.pid, signal.SIGKILL)
    await told.wait_for(events.Ready, 2)
    assert (await exchange(listen, "GET", "/")).body == b"slow"


async def test_a_successor_that_is_killed_at_once_is_replaced(
    runner: Runner, told: Recorder, listen: Address, upstream: tuple[SlowUpstream, Address]
) -> None:
    """Its parent still drains, and waits for its word to end: nobody would ever give it."""
    slow, address = upstream
    slow.answer.set()
    started = await runner.start_proxy(Proxy("a", forwarding(listen, address)))
    await started.wait_ready()
    parent = started.pid
    await runner.restart_proxy("a")
    assert started.pid != parent
    assert started.ready
    assert started.pid is not None
    os.kill(started.pid, signal.SIGKILL)
    await told.wait_for(events.Ready, 2)
    assert (await exchange(listen, "GET", "/")).body == b"slow"
    assert parent is not None
    assert not is_running(parent)


async def test_nothing_is_left_in_shared_memory(runner: Runner, told: Recorder) -> None:
    started = await runner.start_proxy(Proxy("a", empty_bootstrap))
    await started.wait_ready()
    first = shared_memory(runner)
    assert first.exists()
    assert started.pid is not None
    os.kill(started.pid, signal.SIGKILL)
    await told.wait_for(events.Ready, 2)
    second = shared_memory(runner)
    assert second != first
    await runner.stop_proxy("a")
    assert not first.exists()
    assert not second.exists()


def shared_memory(runner: Runner) -> Path:
    base_id = (runner.run_dir / "proxies" / "a" / "base-id").read_text()
    return Path(f"/dev/shm/envoy_shared_memory_{base_id.strip()}0")


async def test_a_request_in_flight_is_answered_before_the_stop(
    runner: Runner, listen: Address, upstream: tuple[SlowUpstream, Address]
) -> None:
    slow, address = upstream
    started = await runner.start_proxy(Proxy("a", forwarding(listen, address)))
    await started.wait_ready()
    request = asyncio.create_task(exchange(listen, "GET", "/"))
    await slow.asked.wait()
    stop = asyncio.create_task(runner.stop_proxy("a"))
    admin = runner.admin("a")
    async with asyncio.timeout(DEADLINE):
        while await admin.state() != "DRAINING":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    slow.answer.set()
    response = await request
    assert (response.status, response.body) == (200, b"slow")
    await stop


async def test_a_request_without_end_does_not_hold_up_the_stop(
    runner: Runner, told: Recorder, listen: Address, upstream: tuple[SlowUpstream, Address]
) -> None:
    slow, address = upstream
    proxy = Proxy("a", forwarding(listen, address), grace=lambda: 0.1)
    started = await runner.start_proxy(proxy)
    await started.wait_ready()
    request = asyncio.create_task(exchange(listen, "GET", "/"))
    await slow.asked.wait()
    await runner.stop_proxy("a")
    assert str(told.of(events.Stopped)[0]) == "stopped (exited with 0)"
    await asyncio.wait([request])
    assert request.exception() is not None


async def test_an_idle_proxy_does_not_wait_for_its_drain_time(runner: Runner) -> None:
    started = await runner.start_proxy(Proxy("a", empty_bootstrap, grace=lambda: 3600.0))
    await started.wait_ready()
    async with asyncio.timeout(DEADLINE):
        await runner.stop_proxy("a")


async def test_a_stuck_envoy_is_stopped_all_the_same(runner: Runner, told: Recorder) -> None:
    started = await runner.start_proxy(Proxy("a", empty_bootstrap, grace=lambda: 0.1))
    await started.wait_ready()
    assert started.pid is not None
    os.kill(started.pid, signal.SIGSTOP)
    await runner.stop_proxy("a")
    assert str(told.of(events.Stopped)[0]) == "stopped (killed by SIGKILL)"


async def test_a_bootstrap_that_envoy_refuses_is_told_in_envoys_words(
    runner: Runner, told: Recorder
) -> None:
    started = await runner.start_proxy(Proxy("a", lambda *_: '{"no_such_field": 1}'))
    with pytest.raises(NotReady, match="proxy a ended 3 times in a row") as refused:
        await started.wait_ready()
    assert "no_such_field" in str(refused.value)
    assert told.of(events.Ready) == []


async def test_gateways_are_stopped_before_everything_else(
    runner: Runner, told: Recorder, ports: Ports
) -> None:
    app = workload()
    address = ports.reserve("app")
    ports.release([address])
    for name, gateway in [("a-sidecar", False), ("b-gateway", True), ("c-sidecar", False)]:
        await runner.start_proxy(Proxy(name, empty_bootstrap, gateway=gateway))
    await runner.start_workload(app, placement(app, address))
    await told.wait_for(events.Ready, 4)
    await runner.aclose()
    stopped = [event.subject.name for event in told.of(events.Stopped)]
    assert stopped[0] == "b-gateway"
    assert sorted(stopped[1:]) == ["a-sidecar", "c-sidecar", "default/app"]
    first = told.events.index(told.of(events.Stopped)[0])
    others = [e for e in told.of(events.Unready) if e.subject.name != "b-gateway"]
    assert all(told.events.index(event) > first for event in others)


async def test_stopping_completes_though_its_caller_is_cancelled(
    runner: Runner, told: Recorder
) -> None:
    started = await runner.start_proxy(Proxy("a", empty_bootstrap))
    await started.wait_ready()
    pid = started.pid
    stop = asyncio.create_task(runner.stop_proxy("a"))
    await told.wait_for(events.Unready)
    stop.cancel()
    await told.wait_for(events.Stopped)
    assert pid is not None
    assert not is_running(pid)


async def test_envoy_raises_its_limit_of_open_files_itself(runner: Runner) -> None:
    """Debian's soft limit of 1024 would be reached by a few hundred connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    try:
        started = await runner.start_proxy(Proxy("a", empty_bootstrap))
        await started.wait_ready()
        assert started.pid is not None
        assert resource.prlimit(started.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_an_envoy_that_cannot_run_is_told(told: Recorder, tmp_path: Path) -> None:
    absent = EnvoyBinary(tmp_path / "envoy", (1, 40, 0))
    async with Runner(absent, told) as runner:
        await runner.start_proxy(Proxy("a", empty_bootstrap))
        exited = await told.wait_for(events.Exited)
    assert exited.status.code == 127
    assert str(absent.path) in exited.output[-1]
