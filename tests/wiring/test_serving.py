"""A store and the mesh that it declares, on real Envoys: statuses that change without a write."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.adapters.xds.clients import connect
from tests.adapters.xds.proxies import request
from tests.wiring.reconciled_stores import ENTRY, WEB, group, key_of, lane, manifest

from laneway.adapters.runner.errors import RunnerError
from laneway.compile.resources import CLUSTER
from laneway.control.revisions import Draft, RevisionStore
from laneway.wiring.embedded import Settings
from laneway.wiring.serving import ServeSettings, Serving

pytestmark = [pytest.mark.envoy]

SERVER = (
    "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
)
REPORTS: list[str] = []
MESH = {"web": WEB, "entry": ENTRY, "shop": group(), "base": lane("base"), "s1": lane("s1")}


def workload(version: str, *command: str) -> dict[str, Any]:
    run = command or (sys.executable, "-c", SERVER.format(port="$(PORT)"))
    made = manifest("Workload", f"web-{version}", {"command": list(run), "ports": [{"port": 80}]})
    made["metadata"] |= {"namespace": "default", "labels": {"app": "web", "version": version}}
    return made


def serving(folder: Path) -> Serving:
    settings = ServeSettings(folder, mesh=Settings(free_gateway_ports=True, concurrency=1))
    return Serving(settings, report=REPORTS.append)


async def write(store: RevisionStore, **objects: dict[str, Any] | None) -> None:
    for name, each in objects.items():
        known = {key.name: key for key in store.submitted_objects}
        draft = Draft({known.get(name) or key_of(name, each): each}, "jack", "kubectl")
        await store.append(draft, expected=store.submitted)


async def condition(
    served: Serving, name: str, kind: str, wanted: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """The condition of the object, once it is as wanted."""
    found: dict[str, Any] = {}
    try:
        async with asyncio.timeout(60):
            while not (found and wanted(found)):
                found = conditions(served.store, name).get(kind, {})
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"{name} stays at {found}")
    return found


def conditions(store: RevisionStore, name: str) -> dict[str, Any]:
    found = [each for key, each in store.objects.items() if key.name == name]
    status = found[0].manifest.get("status", {}) if found else {}
    return {each["type"]: each for each in status.get("conditions", ())}


def is_true(found: dict[str, Any]) -> bool:
    return bool(found["status"] == "True")


async def test_a_proxy_that_goes_and_comes_back_shows_in_statuses(tmp_path: Path) -> None:
    """Nothing is written meanwhile, and no workload becomes ready: the proxy is the gateway's."""
    async with serving(tmp_path) as served:
        await write(served.store, **MESH, **{"web-base": workload("base")})
        await condition(served, "base", "Ready", is_true)
        node = next(s.node for s in served.embedded.proxies() if "entry" in s.node)
        pid = served.embedded.proxy_pid(node)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        away = "1 of 2 proxies are not connected"
        await condition(served, "base", "Programmed", lambda found: found["message"] == away)
        await condition(served, "base", "Programmed", lambda found: not found["message"])


async def test_a_stream_that_breaks_wakes_the_reconciliation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process ends by it, so that no event of one does."""
    async with serving(tmp_path) as served:
        await write(served.store, **MESH, **{"web-base": workload("base")})
        await condition(served, "base", "Ready", is_true)
        woken = asyncio.Event()
        assert served._reconciliation is not None
        monkeypatch.setattr(served._reconciliation, "wake", woken.set)
        node = served.embedded.proxies()[0].node
        connection = served.embedded._registry._proxies[node].connection
        assert connection is not None
        connection.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(woken.wait(), 60)
        assert woken.is_set()


async def test_a_process_that_cannot_be_started_shows_in_its_lane(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        missing = workload("s1", "/nowhere/at/all")
        await write(served.store, **MESH, **{"web-base": workload("base"), "web-s1": missing})
        await condition(served, "base", "Ready", is_true)
        why = "command /nowhere/at/all does not exist"
        lacking = await condition(served, "s1", "Ready", lambda found: why in found["message"])
        assert lacking["status"] == "False"
        assert any(why in report for report in REPORTS)
        await write(served.store, **{"web-s1": workload("s1", sys.executable, "-c", "exit(3)")})
        await condition(served, "s1", "Ready", lambda found: "exited with 3" in found["message"])
        await write(served.store, **{"web-s1": workload("s1")})
        await condition(served, "s1", "Ready", is_true)


async def test_it_starts_although_a_process_cannot_be_started_any_more(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{SERVER.format(port="$PORT")}"\n')
    program.chmod(0o755)
    async with serving(tmp_path / "data") as served:
        objects = {"web-base": workload("base"), "web-s1": workload("s1", str(program))}
        await write(served.store, **MESH, **objects)
        await condition(served, "s1", "Ready", is_true)
    program.unlink()
    again = serving(tmp_path / "data")
    try:
        await again.__aenter__()
    except RunnerError as error:
        pytest.fail(str(error))
    try:
        await condition(again, "base", "Ready", is_true)
        why = f"command {program} does not exist"
        await condition(again, "s1", "Ready", lambda found: why in found["message"])
        assert len(again.store.objects) == len(MESH) + 2
    finally:
        await again.__aexit__()


async def test_a_client_that_claims_a_proxys_node_id_is_told_nothing(tmp_path: Path) -> None:
    """The proxy it claims to be is real, and stays connected."""
    async with serving(tmp_path) as served:
        await write(served.store, **MESH, **{"web-base": workload("base")})
        await condition(served, "base", "Ready", is_true)
        node = next(s.node for s in served.embedded.proxies() if "web-base" in s.node)
        async with connect(f"unix:{served.embedded.run_dir}/xds.sock") as false:
            await false.send(request(CLUSTER), node)
            code, _ = await false.end()
        assert code is grpc.StatusCode.UNAUTHENTICATED
        assert all(status.synced for status in served.embedded.proxies())
