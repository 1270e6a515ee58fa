"""Clients of other languages, as docs/how-to/own-services.md lists them, run for real."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from tests.e2e.test_own_services import folder as folder
from tests.e2e.test_own_services import running

from laneway.adapters.runner import environments

pytestmark = pytest.mark.envoy
JAVA = str(Path(__file__).with_name("Client.java"))
HTTPX = "import httpx, sys; sys.stdout.write(httpx.get('http://cart/').text)"
URLLIB = (
    "from urllib.request import urlopen; import sys;"
    "sys.stdout.write(urlopen('http://cart/').read().decode())"
)
FETCH = "fetch(process.env.CART_URL).then(a => a.text()).then(t => process.stdout.write(t))"

CLIENTS = {
    "curl": ["curl", "-s", "http://cart/"],
    "python urllib": [sys.executable, "-c", URLLIB],
    "python httpx": [sys.executable, "-c", HTTPX],
    "node fetch, CART_URL": ["node", "-e", FETCH],
    "java HttpClient, CART_URL": ["java", JAVA],
}


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_client_reaches_the_service(folder: Path, client: str) -> None:
    command = CLIENTS[client]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed: {client} is not tried")
    async with running(folder) as embedded:
        (web,) = (each for each in embedded.mesh.workloads if each.name.name == "web")
        placement = embedded.control_plane.placements.sidecars[web.name]
        known = environments.variables(web, placement)
        process = await asyncio.create_subprocess_exec(
            *command, env=environments.environment(known, os.environ, ""), stdout=PIPE
        )
        out = (await process.communicate())[0].decode()
        assert '"name": "stable"' in out
