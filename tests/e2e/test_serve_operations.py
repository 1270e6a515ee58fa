"""``laneway serve`` as a service that is left running: figures, logs, backups, its history."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.test_up_api import until
from tests.wiring.reconciled_stores import WEB, group, lane
from tests.wiring.test_serving import workload

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

LANEWAY = Path(sys.executable).with_name("laneway")
V1 = "/apis/laneway.dev/v1alpha1"


@dataclass
class Served:
    """``laneway serve`` over ``data``; ``log`` is what it has written to standard error so far."""

    data: Path
    environment: dict[str, str]
    log: list[dict[str, Any]] = field(default_factory=list)

    async def read(self, errors: asyncio.StreamReader) -> None:
        """Every line is a JSON object, but for what a terminal is told when it stops."""
        while line := (await errors.readline()).decode():
            if line.strip() and not line.startswith("Stopping; press Ctrl-C"):
                self.log.append(json.loads(line))

    async def said(self) -> list[dict[str, Any]]:
        return self.log

    async def command(self, *words: str, fails: bool = False) -> str:
        """What it prints."""
        process = await asyncio.create_subprocess_exec(
            *(str(LANEWAY), *words),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self.environment,
        )
        output, _ = await process.communicate()
        assert (process.returncode != 0) is fails, output
        return output.decode()

    async def metrics(self) -> dict[str, float]:
        async with self.client() as client:
            response = await client.get("/metrics")
        assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
        lines = [line for line in response.text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def client(self) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(uds=str(self.data / "api.sock"))
        return httpx.AsyncClient(transport=transport, base_url="http://laneway", timeout=60)


@asynccontextmanager
async def serve(folder: Path, *options: str) -> AsyncIterator[Served]:
    data = folder / "data"
    environment = {**os.environ, "XDG_STATE_HOME": str(folder), "COLUMNS": "300"}
    environment |= {"LANEWAY_DATA_DIR": str(data)}
    notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notifications.bind(str(folder / "notify"))
    notifications.setblocking(False)
    process = await asyncio.create_subprocess_exec(
        *(str(LANEWAY), "serve", "--log-level", "info", *options),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env={**environment, "NOTIFY_SOCKET": str(folder / "notify")},
    )
    served = Served(data, environment)
    assert process.stderr is not None
    reading = asyncio.create_task(served.read(process.stderr))
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(60):
            assert await loop.sock_recv(notifications, 100) == b"READY=1"
        yield served
    finally:
        process.terminate()
        await reading
        await process.wait()
        notifications.close()
        (folder / "notify").unlink()


async def write(served: Served, *objects: dict[str, Any]) -> None:
    paths = {
        "Service": "/api/v1/namespaces/default/services",
        "Gateway": "/apis/networking.istio.io/v1/namespaces/default/gateways",
        "Workload": f"{V1}/namespaces/default/workloads",
        "Lane": f"{V1}/lanes",
        "LaneGroup": f"{V1}/lanegroups",
    }
    async with served.client() as client:
        for each in objects:
            metadata = {k: v for k, v in each["metadata"].items() if k not in ("uid", "generation")}
            response = await client.post(paths[each["kind"]], json={**each, "metadata": metadata})
            assert response.status_code == 201, response.text


async def test_figures_and_logs_say_what_happens(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        async with served.client() as client:
            assert (await client.get("/readyz")).status_code == 200
            assert (await client.get(f"{V1}/lanes/none")).status_code == 404
        await write(served, WEB, group(), lane("base"), workload("base"))
        synced = 'laneway_proxies{state="synced"}'
        # The sidecar's and the gateway's, which nobody had to declare.
        found = await until(served.metrics, lambda found: found[synced] == 2)
        assert found['laneway_store_objects{resource="lanes.laneway.dev"}'] == 1
        assert found['laneway_api_requests_total{method="POST",code="201"}'] == 4
        assert found['laneway_api_requests_total{method="GET",code="404"}'] == 1
        assert found["laneway_store_revision"] >= 4
        writes = found["laneway_store_write_seconds_count"]
        assert found['laneway_store_write_seconds_bucket{le="+Inf"}'] == writes >= 4
        assert found["laneway_api_watches"] == 0
        async with (
            served.client() as client,
            client.stream("GET", f"{V1}/lanes?watch=true") as stream,
        ):
            assert stream.status_code == 200
            assert (await served.metrics())["laneway_api_watches"] == 1
        await write(served, workload("bad", "/nowhere/at/all"))
        why = "/nowhere/at/all does not exist"
        await until(served.said, lambda said: any(why in each.get("reason", "") for each in said))
    started = [each for each in served.log if each["event"] == "Ready"]
    assert any(each["subject"] == "workload default/web-base" for each in started)
    for each in served.log:
        assert each["level"] in ("info", "warning", "error")
        assert re.match(r"\d{4}-\d\d-\d\dT", each["timestamp"])


async def test_a_store_is_backed_up_compacted_checked_and_restored(tmp_path: Path) -> None:
    backup = str(tmp_path / "backup")
    async with serve(tmp_path) as served:
        await write(served, *(lane(f"s{number}") for number in range(10)))
        assert "10 objects" in await served.command("store", "backup", backup)
        refused = await served.command("store", "backup", backup, fails=True)
        assert f"{backup} is there already, and is not replaced" in refused
        before = (await served.metrics())["laneway_store_revision"]
        said = await served.command("store", "compact", "--keep", "2")
        assert f"{int(before) - 2} revisions removed" in said
        assert (await served.metrics())["laneway_store_compacted_revision"] == before - 2
        refused = await served.command("store", "restore", backup, fails=True)
        assert "store is there already, and is not replaced" in refused
        assert "10 objects" in await served.command("store", "check")
    assert "10 objects" in await served.command("store", "check")
    assert "0 revisions removed" in await served.command("store", "compact", "--keep", "2")
    (tmp_path / "data" / "store").rename(tmp_path / "moved")
    assert "there is no store" in await served.command("store", "check", fails=True)
    assert "10 objects" in await served.command("store", "restore", backup)
    async with serve(tmp_path) as served, served.client() as client:
        items = (await client.get(f"{V1}/lanes")).json()["items"]
        assert len(items) == 10


async def test_what_cannot_be_read_is_said_by_check_log_and_figures(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        await write(served, lane("s1"), lane("s2"))
    program = (
        "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); "
        "d.execute(\"UPDATE writes SET manifest = json_set(manifest, '$.spec.gone', 1) "
        "WHERE name = 's1'\"); d.commit()"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(served.data / "store")
    )
    assert await process.wait() == 0
    said = await served.command("store", "check", fails=True)
    assert "cannot be read: lanes.laneway.dev s1: spec.gone: unknown field" in said
    async with serve(tmp_path) as served:
        assert (await served.metrics())["laneway_store_unreadable_objects"] == 1
        async with served.client() as client:
            found = (await client.get(f"{V1}/lanes/s1")).json()
        assert found["spec"]["gone"] == 1
    assert any("lanes.laneway.dev s1 in the store" in str(each) for each in served.log)
