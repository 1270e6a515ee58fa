from __future__ import annotations

import asyncio
import json
import re
import subprocess
from pathlib import Path

import pytest
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.core.v3.config_source_pb2 import ApiConfigSource

# Imported for their registration, which parsing `Any` needs.
from envoy.extensions.filters.network.direct_response.v3 import config_pb2  # noqa: F401
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
    answer = validate(envoy, tmp_path, bootstrap("a", xds, tmp_path / "admin.sock"))
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.endswith("OK\n")
    assert answer.stderr == ""


def is_kept(statistic: str) -> bool:
    matcher = json.loads(bootstrap("a", TCP, Path("/a")))["stats_config"]["stats_matcher"]
    return any(
        statistic.startswith(pattern["prefix"])
        if "prefix" in pattern
        else re.fullmatch(pattern["safe_regex"]["regex"], statistic)
        for pattern in matcher["inclusion_list"]["patterns"]
    )


@pytest.mark.parametrize(
    "statistic",
    [
        "cluster.outbound|80|s2|b.default.svc.cluster.local.upstream_rq_total",
        "cluster.a.upstream_rq_timeout",
        "cluster.a.upstream_rq_retry_success",
        "cluster.a.membership_healthy",
        "cluster.a.outlier_detection.ejections_active",
        "cluster.a.outlier_detection.ejections_enforced_consecutive_local_origin_failure",
        "cluster.xds.circuit_breakers.default.cx_open",
        "cluster_manager.cds.update_rejected",
        "control_plane.connected_state",
        "http.outbound.downstream_rq_total",
        "http.outbound.downstream_rq_5xx",
        "wasmcustom.remembered",
        "listener.127.0.0.1_80.downstream_cx_total",
    ],
)
def test_statistics_that_tell_something_are_kept(statistic: str) -> None:
    assert is_kept(statistic)


@pytest.mark.parametrize(
    "statistic",
    [
        "cluster.a.circuit_breakers.default.cx_open",
        "cluster.a.lb_subsets_active",
        "cluster.a.upstream_flow_control_drained_total",
        "cluster.a.external.upstream_rq_200x",
        "cluster.upstream_rq_totals.max_host_weight",
    ],
)
def test_statistics_of_what_is_not_configured_are_not_kept(statistic: str) -> None:
    assert not is_kept(statistic)


@pytest.mark.envoy
@pytest.mark.parametrize("ours", [True, False])
def test_long_regex_routes_are_accepted(envoy: EnvoyBinary, tmp_path: Path, ours: bool) -> None:
    """Without our runtime layer Envoy refuses them: its limit is 100 RE2 instructions."""
    configuration = json.loads(bootstrap("a", TCP, tmp_path / "admin.sock"))
    if not ours:
        del configuration["layered_runtime"]
    regex = "|".join(f"/path{number}/[a-z]{{1,20}}" for number in range(30))
    route = {"match": {"safe_regex": {"regex": regex}}, "direct_response": {"status": 200}}
    hosts = [{"name": "all", "domains": ["*"], "routes": [route]}]
    filters = "type.googleapis.com/envoy.extensions.filters"
    router = {"name": "router", "typed_config": {"@type": f"{filters}.http.router.v3.Router"}}
    manager = {
        "@type": f"{filters}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "x",
        "route_config": {"virtual_hosts": hosts},
        "http_filters": [router],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    address = {"pipe": {"path": str(tmp_path / "l.sock")}}
    listener = {"name": "l", "address": address, "filter_chains": [chain]}
    configuration["static_resources"]["listeners"].append(listener)
    answer = validate(envoy, tmp_path, json.dumps(configuration))
    assert (answer.returncode == 0) == ours, answer.stderr
    assert ("max program size" in answer.stderr) != ours


def validate(envoy: EnvoyBinary, folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    file = folder / "bootstrap.json"
    file.write_text(text)
    command = [str(envoy.path), "--mode", "validate", "--config-path", str(file)]
    return subprocess.run(
        [*command, "--log-level", "warning"], capture_output=True, text=True, check=False
    )


@pytest.mark.envoy
async def test_a_proxy_without_its_control_plane_waits(runner: Runner, tmp_path: Path) -> None:
    """And asks again soon: a control plane that is late is found within moments."""
    asked = asyncio.Event()

    def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        writer.close()

    xds = tmp_path / "xds.sock"
    proxy = proxies.Proxy("a", lambda admin, _: bootstrap("a", xds, admin))
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
