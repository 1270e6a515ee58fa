"""The lane filter as Istio's proxies get it: a real Envoy with what istiod makes of our resources.

istiod and istio-agent are doubles (``istiod.py``); Envoy and the module are not.
"""

from __future__ import annotations

import asyncio
import copy
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.xds.envoys import Envoy, start
from tests.compile.meshes import ROUTE_HEADER, TRACE_HEADER, group, lane, mesh, rule, service
from tests.e2e.clients import Call, fetch
from tests.e2e.istiod import Istiod, eventually, serving

from laneway.compile.istio.documents import emit
from laneway.compile.istio.options import Options
from laneway.compile.lower import lower
from laneway.filter import module_path

pytestmark = pytest.mark.envoy

Json = dict[str, Any]

#: A custom section at the end: other bytes, hence another module, that does the same.
OTHER = b"\0\x06\x05other"


def generated(module: bytes = b"") -> list[Json]:
    declared = mesh([group("a")], [lane("s1", "a", rule("a")), lane("s2", "a")], [service("a")])
    options = Options(module or module_path().read_bytes())
    return [copy.deepcopy(each) for each in emit(declared, lower(declared), options)]


def edited(documents: Sequence[Json], applied_to: str, edit: Callable[[Json], Any]) -> list[Json]:
    """The documents, with a change to the value of each patch of that kind."""
    found = copy.deepcopy(list(documents))
    for document in found:
        for patch in document["spec"].get("configPatches", ()):
            if patch["applyTo"] == applied_to:
                edit(patch["patch"]["value"])
    return found


def without(documents: Sequence[Json], applied_to: str) -> list[Json]:
    return [
        document
        for document in documents
        if all(p["applyTo"] != applied_to for p in document["spec"].get("configPatches", ()))
    ]


def former() -> list[Json]:
    """The WasmPlugins that laneway generated before the module stood in EnvoyFilters."""
    return [
        {
            "apiVersion": "extensions.istio.io/v1alpha1",
            "kind": "WasmPlugin",
            "metadata": {"name": f"a-lanes-{direction}", "namespace": "default"},
            "spec": {
                "pluginName": f"{direction}|test",
                "selector": {"matchLabels": {"app": "a"}},
                "url": "http://laneway.laneway-system.svc.cluster.local:8080/lanes.wasm",
                "type": "HTTP",
                "failStrategy": "FAIL_OPEN",
                "match": [{"mode": mode}],
                "pluginConfig": {
                    "direction": direction,
                    "route_header": ROUTE_HEADER,
                    "trace_header": TRACE_HEADER,
                },
            },
        }
        for direction, mode in (("inbound", "SERVER"), ("outbound", "CLIENT"))
    ]


class Sidecar:
    def __init__(self, istiod: Istiod, envoy: Envoy) -> None:
        self.istiod = istiod
        self.envoy = envoy

    async def call(self, side: str, **headers: str) -> str:
        """The route header that is seen behind the filters of that side."""
        url = f"http://127.0.0.1:{await self.envoy.port(side)}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, answered, body = await fetch(url, Call("/", named))
        assert status == 200, body
        return answered.get("x-seen", "")

    async def receive(self, trace: str, lane_name: str) -> None:
        await self.call("inbound", x_trace=trace, x_lane=lane_name)

    async def send(self, trace: str) -> str:
        return await self.call("outbound", x_trace=trace)

    async def serves(self) -> bool:
        """Whether the listeners take requests."""
        return await self.envoy.stat("listener_manager.workers_started") == 1

    async def remembers(self, trace: str = "probe") -> bool:
        await self.receive(trace, "s1")
        return await self.send(trace) == "s1"


@asynccontextmanager
async def sidecar(
    documents: Sequence[Json], extensions_wait: bool = False
) -> AsyncIterator[Sidecar]:
    with tempfile.TemporaryDirectory(prefix="laneway-") as name:
        folder = Path(name)
        istiod = Istiod({"app": "a", "version": "v-s1"}, module_path(), ROUTE_HEADER)
        istiod.extensions_wait = extensions_wait
        await istiod.push(documents)
        socket = folder / "xds"
        async with serving(istiod, socket), start(folder, socket) as envoy:
            yield Sidecar(istiod, envoy)


async def test_a_sidecar_runs_the_module_that_istiod_hands_it() -> None:
    async with sidecar(generated()) as proxy:
        await eventually(proxy.serves)
        await proxy.receive("t1", "s2")
        assert await proxy.send("t1") == "s2"
        assert await proxy.send("another") == ""


async def test_a_new_sidecar_takes_no_request_before_it_has_the_module() -> None:
    async with sidecar(generated(), extensions_wait=True) as proxy:

        async def waiting() -> bool:
            return await proxy.envoy.stat("listener_manager.listener_added") == 2

        await eventually(waiting)
        assert await proxy.envoy.stat("listener_manager.workers_started") == 0
        await proxy.istiod.release()
        await eventually(proxy.serves)
        assert await proxy.remembers()


async def test_a_running_sidecar_gets_the_filter_without_a_failed_request() -> None:
    """Its old listener serves until the new one has the module; then each request has it."""
    async with sidecar(without(without(generated(), "HTTP_FILTER"), "EXTENSION_CONFIG")) as proxy:
        await eventually(proxy.serves)
        assert not await proxy.remembers()
        proxy.istiod.extensions_wait = True
        await proxy.istiod.push(generated())

        async def updated() -> bool:
            return await proxy.envoy.stat("listener_manager.lds.update_success") == 2

        await eventually(updated)
        for number in range(20):
            assert not await proxy.remembers(f"before-{number}")
        await proxy.istiod.release()
        await eventually(proxy.remembers)
        for number in range(20):
            assert await proxy.remembers(f"after-{number}")


async def test_without_a_configuration_requests_pass_and_the_filter_comes_later() -> None:
    """As where somebody has deleted the object with the module: a pod starts all the same."""

    def hurry(value: Json) -> None:
        value["config_discovery"]["config_source"]["initial_fetch_timeout"] = "0.2s"

    whole = edited(generated(), "HTTP_FILTER", hurry)
    async with sidecar(without(whole, "EXTENSION_CONFIG")) as proxy:
        await eventually(proxy.serves)
        assert not await proxy.remembers()
        await proxy.istiod.push(whole)
        await eventually(proxy.remembers)


async def test_the_filter_of_a_former_version_is_replaced_without_a_gap() -> None:
    """Both work at once, on one memory, so a lane that one has remembered the other knows."""
    stages = [former(), [*former(), *generated()], generated()]
    async with sidecar(stages[0]) as proxy:
        await eventually(proxy.serves)
        await proxy.receive("early", "s2")
        for stage in stages[1:]:
            pushing = asyncio.create_task(proxy.istiod.push(stage))
            for number in range(30):
                assert await proxy.send("early") == "s2"
                assert await proxy.remembers(f"at-{number}")
            await pushing
        updates = "listener_manager.(listener_modified|listener_in_place_updated)"
        assert await proxy.envoy.stat(updates) >= 2


async def test_another_version_of_the_module_keeps_the_memory() -> None:
    content = module_path().read_bytes()
    async with sidecar(generated()) as proxy:
        await eventually(proxy.serves)
        await proxy.receive("early", "s2")
        await proxy.istiod.push(generated(content + OTHER))

        async def reloaded() -> bool:
            return await proxy.envoy.stat("extension_config_discovery.*config_reload") >= 4

        await eventually(reloaded)
        assert await proxy.send("early") == "s2"
        assert await proxy.remembers()
