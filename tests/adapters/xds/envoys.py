"""A real Envoy that takes everything over incremental ADS, and an upstream for it."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from laneway.adapters.runner.binary import find_envoy

BOOTSTRAP: dict[str, Any] = {
    "node": {"id": "n", "cluster": "test"},
    "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
    "dynamic_resources": {
        "ads_config": {
            "api_type": "DELTA_GRPC",
            "transport_api_version": "V3",
            "grpc_services": [{"envoy_grpc": {"cluster_name": "xds"}}],
        },
        "cds_config": {"ads": {}, "resource_api_version": "V3"},
        "lds_config": {"ads": {}, "resource_api_version": "V3"},
    },
}
HTTP2 = {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
}


def bootstrap(socket: Path) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": {"pipe": {"path": str(socket)}}}}
    cluster = {
        "name": "xds",
        "type": "STATIC",
        "typed_extension_protocol_options": HTTP2,
        "load_assignment": {"cluster_name": "xds", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    return {**BOOTSTRAP, "static_resources": {"clusters": [cluster]}}


def get(url: str | urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


class Envoy:
    def __init__(self, admin: str) -> None:
        self.admin = admin

    async def ask(self, path: str) -> Any:
        _, text = await asyncio.to_thread(get, f"http://{self.admin}{path}")
        return json.loads(text)

    async def stat(self, name: str) -> int:
        answer = await self.ask(f"/stats?format=json&filter=^{name}$")
        return sum(int(each["value"]) for each in answer["stats"])

    async def clusters(self) -> set[str]:
        answer = await self.ask("/clusters?format=json")
        return {each["name"] for each in answer["cluster_statuses"]} - {"xds"}

    async def port(self, listener: str) -> int:
        answer = await self.ask("/listeners?format=json")
        (found,) = (each for each in answer["listener_statuses"] if each["name"] == listener)
        return int(found["local_address"]["socket_address"]["port_value"])


@asynccontextmanager
async def start(folder: Path, socket: Path) -> AsyncIterator[Envoy]:
    config, admin, log = folder / "envoy.json", folder / "admin", folder / "envoy.log"
    config.write_text(json.dumps(bootstrap(socket)))
    with log.open("w") as output:
        process = await asyncio.create_subprocess_exec(
            *(str(find_envoy().path), "-c", str(config), "--admin-address-path", str(admin)),
            *("--disable-hot-restart", "--concurrency", "1", "-l", "warn"),
            *("--drain-time-s", "1"),
            stdout=output,
            stderr=output,
        )
    try:
        async with asyncio.timeout(20):
            while not admin.exists() or not admin.read_text():
                assert process.returncode is None, log.read_text()
                await asyncio.sleep(0.02)
        yield Envoy(admin.read_text())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def upstream(name: str) -> AsyncIterator[int]:
    """An HTTP service on a port of its own that answers with its name."""
    answer = f"HTTP/1.1 200 OK\r\ncontent-length: {len(name)}\r\n\r\n{name}".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
