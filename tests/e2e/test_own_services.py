"""Applications that use no proxy for their calls, or that choose their ports themselves."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from laneway.adapters.files import read
from laneway.model.names import ObjectName
from laneway.wiring.embedded import Embedded, Settings

pytestmark = pytest.mark.envoy
APPLICATION = Path(__file__).with_name("own_application.py")
CART = ObjectName("default", "cart")

MESH = """\
apiVersion: laneway.dev/v1alpha1
kind: LaneGroup
metadata: {name: shop}
spec:
  routeHeader: x-lane
  traceHeader: x-request-id
  services: [web, cart]
  ingress: [{name: all, destination: web}]
---
apiVersion: laneway.dev/v1alpha1
kind: Lane
metadata: {name: base}
spec: {group: shop, selector: {version: stable}}
---
apiVersion: laneway.dev/v1alpha1
kind: Lane
metadata: {name: fix}
spec: {group: shop, selector: {version: fix}, services: [cart]}
---
apiVersion: laneway.dev/v1alpha1
kind: Workload
metadata: {name: web, labels: {app: web, version: stable}}
spec:
  command: [PYTHON, own_application.py, web, $(CART_URL)]
  env: {direct: "1"}
  callUrls: [cart]
---
apiVersion: laneway.dev/v1alpha1
kind: Workload
metadata: {name: cart, labels: {app: cart, version: stable}}
spec:
  command: [PYTHON, own_application.py, stable]
  address: 127.0.0.1:OWN_PORT
  env: {OWN_PORT: "OWN_PORT"}
  envFile: cart.env
  terminationGracePeriodSeconds: 2
---
apiVersion: laneway.dev/v1alpha1
kind: Workload
metadata: {name: cart-fix, labels: {app: cart, version: fix}}
spec: {command: [PYTHON, own_application.py, fix], outboundPort: OUTBOUND}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(APPLICATION, tmp_path)
    text = MESH.replace("PYTHON", sys.executable).replace("OUTBOUND", str(free_port()))
    own = str(free_port())
    text = text.replace("127.0.0.1:OWN_PORT", f"127.0.0.1:{own}").replace('"OWN_PORT"', f'"{own}"')
    (tmp_path / "mesh.yaml").write_text(text)
    (tmp_path / "cart.env").write_text("# of the cart\nexport GREETING='hello'\n")
    return tmp_path


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Embedded]:
    async with Embedded(read([str(folder)]).mesh, Settings()) as embedded:
        assert not await embedded.wait_ready()
        yield embedded


async def ask(embedded: Embedded, lane: str = "") -> Any:
    ((url,),) = (urls.values() for urls in embedded.gateway_urls().values())
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(url, headers={"x-lane": lane} if lane else {})
        assert answer.status_code == 200, answer.text
        return answer.json()


async def test_a_client_without_a_proxy_calls_by_a_loopback_port_and_stays_in_its_lane(
    folder: Path,
) -> None:
    async with running(folder) as embedded:
        for lane, version in (("", "stable"), ("fix", "fix"), ("base", "stable")):
            (called,) = (await ask(embedded, lane))["called"]
            assert called["name"] == version
            assert called["host"] == "cart.default"


async def test_an_application_with_a_port_of_its_own_is_started_and_restarted(folder: Path) -> None:
    async with running(folder) as embedded:
        (called,) = (await ask(embedded))["called"]
        assert called["greeting"] == "hello"
        before = {each.name: each.pid for each in embedded.workloads()}
        (folder / "cart.env").write_text('GREETING="good evening" # now\n')
        await embedded.start_workload(CART)
        assert not await embedded.wait_ready()
        (called,) = (await ask(embedded))["called"]
        assert called["greeting"] == "good evening"
        assert {each.name: each.pid for each in embedded.workloads()}[CART] != before[CART]


async def test_one_whose_successor_does_not_become_ready_runs_again_as_it_was(folder: Path) -> None:
    async with running(folder) as embedded:
        broken = [
            replace(each, command=("false",), start_timeout=1.0) if each.name == CART else each
            for each in embedded.mesh.workloads
        ]
        with pytest.raises(Exception, match="default/cart"):
            await embedded.change(replace(embedded.mesh, workloads=tuple(broken)))
        assert not await embedded.wait_ready()
        (called,) = (await ask(embedded))["called"]
        assert called["greeting"] == "hello"


async def test_the_outbound_port_that_is_fixed_is_a_proxy_of_the_mesh(folder: Path) -> None:
    async with running(folder) as embedded:
        fix = embedded.mesh.workloads_by_name[ObjectName("default", "cart-fix")]
        async with httpx.AsyncClient(
            trust_env=False, proxy=f"http://127.0.0.1:{fix.outbound_port}"
        ) as client:
            assert (await client.get("http://cart/")).json()["name"] == "stable"


DEBUGGED = """\
---
apiVersion: laneway.dev/v1alpha1
kind: Workload
metadata: {name: cart-debug, labels: {app: cart, version: fix}}
spec: {address: 127.0.0.1:DEBUG, outboundPort: OUTBOUND, callUrls: [web]}
"""


async def test_an_application_that_runs_already_is_told_how_to_call(folder: Path) -> None:
    """As in a user's shell: ``eval "$(laneway env cart-debug)"``, then the application."""
    address, outbound = free_port(), free_port()
    text = DEBUGGED.replace("DEBUG", str(address)).replace("OUTBOUND", str(outbound))
    (folder / "debug.yaml").write_text(text)
    laneway = Path(sys.executable).parent / "laneway"
    async with Embedded(read([str(folder)]).mesh, Settings()) as embedded:
        script = f'eval "$({laneway} env cart-debug --run-dir {embedded.run_dir})"; exec "$@"'
        words = (sys.executable, str(folder / "own_application.py"), "debug", "http://web/")
        process = await asyncio.create_subprocess_exec("sh", "-c", script, "-", *words)
        try:
            assert not await embedded.wait_ready()
            async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
                told = (await client.get(f"http://127.0.0.1:{address}/")).json()
            assert told["called"][0]["called"][0]["name"] == "stable"
            shown = await asyncio.create_subprocess_exec(
                laneway, "env", "cart-debug", "--run-dir", embedded.run_dir, stdout=PIPE
            )
            out = (await shown.communicate())[0].decode()
            assert f"export http_proxy=http://127.0.0.1:{outbound}" in out
            assert "export WEB_URL=http://127.0.0.1:" in out
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def test_a_call_at_a_wrong_port_or_by_https_is_answered_with_the_reason(folder: Path) -> None:
    async with running(folder) as embedded:
        fix = embedded.mesh.workloads_by_name[ObjectName("default", "cart-fix")]
        proxy = f"http://127.0.0.1:{fix.outbound_port}"
        async with httpx.AsyncClient(trust_env=False, proxy=proxy) as client:
            answer = await client.get("http://cart:9999/")
            assert answer.status_code == 503
            assert "laneway: cart:9999 is no service of the mesh with that port" in answer.text
        reader, writer = await asyncio.open_connection("127.0.0.1", fix.outbound_port)
        writer.write(b"CONNECT cart:443 HTTP/1.1\r\nHost: cart:443\r\n\r\n")
        assert b"503" in await reader.readline()
        assert b"called by http" in await reader.readuntil(b"no such host\n")
        writer.close()
