"""The machine runs out of something: disk for logs, or descriptors for connections."""

from __future__ import annotations

import asyncio
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.e2e.applications import applications, bodies, calls
from tests.e2e.clients import Answer, Connection, load
from tests.e2e.conftest import Run
from tests.e2e.scenarios import SCENARIOS, gateway_url
from tests.e2e.traffic import Traffic, outcomes

from laneway.adapters.runner.admin import Admin
from laneway.adapters.runner.descriptors import most_connections
from laneway.compile.envoy import names
from laneway.control import events

pytestmark = pytest.mark.envoy

DESCRIPTORS = 320


async def test_a_full_disk_for_logs_costs_nothing(run: Run, tmp_path: Path) -> None:
    """Every log file, of workloads and proxies and of access, is full from the beginning."""
    mesh = SCENARIOS[1].mesh
    logs, told = tmp_path / "logs", list[events.Event]()
    proxies = [names.gateway_node(gateway.name) for gateway in mesh.gateways]
    proxies += [names.sidecar_node(workload.name) for workload in mesh.workloads]
    for proxy in proxies:
        fill(tmp_path / "proxies" / proxy / "access.log")
        fill(logs / f"{proxy}.proxy.log")
    for workload in mesh.workloads:
        fill(logs / f"{workload.name.namespace}_{workload.name.name}.workload.log")
    async with run(mesh, told.append, access_log=True, run_dir=tmp_path, log_dir=logs) as embedded:
        traffic = Traffic(gateway_url(embedded))
        await traffic.more(600)
        answers = await traffic.stop()
        sockets = [Admin(path) for path in tmp_path.glob("admin-*.sock")]  # noqa: ASYNC240
        failed = 0
        async with asyncio.timeout(60):
            while not failed:  # Envoy writes its access logs every ten seconds or 64 kB
                await asyncio.sleep(0.2)
                for admin in sockets:
                    failed += sum((await admin.stats("^filesystem.write_failed$")).values())
    assert outcomes(answers) == {"right": len(answers)}
    lost = {event.subject for event in told if isinstance(event, events.LogLost)}
    assert len(lost) >= len(mesh.workloads)
    print(f"{len(answers)} requests, none lost; {len(lost)} logs and {failed} writes were")


def fill(path: Path) -> None:
    """Make it what /dev/full is; a link to that would be refused."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.stat("/dev/full").st_rdev)
    except PermissionError:
        pytest.skip("only root can make devices")


@contextmanager
def few_descriptors(number: int) -> Iterator[None]:
    """For processes that are started in the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_connections_above_the_limit_are_closed_and_cost_the_others_nothing(run: Run) -> None:
    most = most_connections(DESCRIPTORS)
    async with applications() as (mesh, _, _):
        with few_descriptors(DESCRIPTORS):
            running = run(mesh, concurrency=1)
            embedded = await running.__aenter__()
        try:
            url = gateway_url(embedded)
            host, _, port = url.removeprefix("http://").partition(":")
            connections = [Connection(host, int(port)) for _ in range(most + 20)]
            requests = calls("s2")

            async def ask(connection: Connection) -> Answer:
                async with asyncio.timeout(60):
                    return await connection.get(next(requests))

            first = [await ask(connection) for connection in connections]
            served = [c for c, a in zip(connections, first, strict=True) if a.status]
            again = await asyncio.gather(*map(ask, served))
            for connection in connections:
                connection.close()
            async with asyncio.timeout(60):
                while (await load(url, calls("s2", 1)))[0].status != 200:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            after = await load(url, calls("s2", 200), 4)
        finally:
            await running.__aexit__(None, None, None)
    assert {a.status for a in first} == {200, 0}
    # Whether the proxy is being probed makes a difference of one.
    assert abs(len(served) - most) <= 1
    assert bodies(list(again)) == {(200, "v-s2"): len(served)}
    assert bodies(after) == {(200, "v-s2"): 200}
    print(f"{len(served)} connections served, others closed at once, {len(after)} right after")
