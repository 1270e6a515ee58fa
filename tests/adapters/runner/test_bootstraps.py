from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.core.v3.config_source_pb2 import ApiConfigSource

# Imported for their registration, which parsing `Any` needs.
from envoy.extensions.resource_monitors.downstream_connections.v3 import (
    downstream_connections_pb2,  # noqa: F401
)
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2  # noqa: F401
from google.protobuf import json_format

from laneway.adapters.runner import proxies
from laneway.adapters.runner.binary import EnvoyBinary
from laneway.adapters.runner.bootstraps import bootstrap
from laneway.adapters.runner.runner import Runner
from laneway.model.placements import Address

TCP = Address("127.0.0.1", 18000)
UNIX = Path("/run/laneway/xds.sock")


@pytest.mark.parametrize("xds", [TCP, UNIX], ids=["tcp", "unix"])
def test_it_is_a_bootstrap_with_delta_ads(xds: Address | Path) -> None:
    parsed = json_format.Parse(bootstrap("sidecar/a", xds, Path("/run/a.sock")), Bootstrap())
    assert parsed.node.id == "sidecar/a"
    assert parsed.node.cluster == "laneway"
    assert parsed.admin.address.pipe.path == "/run/a.sock"
    resources = parsed.dynamic_resources
    assert resources.ads_config.api_type == ApiConfigSource.DELTA_GRPC
    for source in (resources.cds_config, resources.lds_config):
        assert source.HasField("ads")
        assert source.HasField("initial_fetch_timeout")
        assert source.initial_fetch_timeout.ToNanoseconds() == 0
    (cluster,) = parsed.static_resources.clusters
    address = cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address
    assert (address.pipe.path == str(UNIX)) == (xds is UNIX)
    assert (address.socket_address.port_value == 18000) == (xds is TCP)


@pytest.mark.envoy
@pytest.mark.parametrize("xds", [TCP, UNIX], ids=["tcp", "unix"])
def test_envoy_accepts_it_without_a_warning(
    envoy: EnvoyBinary, tmp_path: Path, xds: Address | Path
) -> None:
    file = tmp_path / "bootstrap.json"
    file.write_text(bootstrap("a", xds, tmp_path / "admin.sock"))
    command = [str(envoy.path), "--mode", "validate", "--config-path", str(file)]
    answer = subprocess.run(
        [*command, "--log-level", "warning"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.endswith("OK\n")
    assert answer.stderr == ""


@pytest.mark.envoy
async def test_a_proxy_without_its_control_plane_waits(runner: Runner, tmp_path: Path) -> None:
    """And asks again soon: a control plane that is late is found within moments."""
    asked = asyncio.Event()

    def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        writer.close()

    xds = tmp_path / "xds.sock"
    proxy = proxies.Proxy("a", lambda admin: bootstrap("a", xds, admin))
    started = await runner.start_proxy(proxy)
    admin = runner.admin("a")
    async with asyncio.timeout(20):
        while not await failed_to_connect(runner):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert await admin.state() == "PRE_INITIALIZING"
    server = await asyncio.start_unix_server(serve, xds)
    async with server, asyncio.timeout(20):
        await asked.wait()
    assert json.loads(await admin.get("/server_info"))["node"]["id"] == "a"
    await runner.stop_proxy("a")
    said = runner.log_path(started.subject).read_text()
    assert "SIGTERM" in said
    assert "no configured limit" not in said


async def failed_to_connect(runner: Runner) -> bool:
    try:
        stats = await runner.admin("a").stats(r"^cluster\.xds\.upstream_cx_connect_fail$")
    except Exception:  # not listening yet
        return False
    return any(stats.values())
