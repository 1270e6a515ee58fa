"""The operator's console in a real browser, in front of an API server with TLS and two users."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import structlog
from tests.e2e.browser_walks import programs, walk
from tests.wiring.aggregated_apis import served
from tests.wiring.aggregating_clusters import AggregatingCluster, authorities

from laneway.adapters.kube.callers_client import CallersClient
from laneway.adapters.kube.credentials import read
from laneway.wiring.cluster_consoles import serve_console

pytestmark = pytest.mark.slow


def allow(cluster: AggregatingCluster) -> None:
    """Jane is an administrator. Joe may see the objects, and ask the operator for nothing. Jim has
    no rights."""
    cluster.users["jim"] = ("jim", ())
    cluster.decides_first = cluster.guards_objects = True
    for who in ("jane", "joe"):
        for verb in ("list", "watch"):
            cluster.allow(who, verb, "lanegroups", "lanes", "services", "gateways")
    for verb in ("create", "update", "patch", "delete"):
        cluster.allow("jane", verb, "lanes", "lanegroups")
    cluster.allow("dev", "create", "changesets")


async def test_the_walk_in_a_cluster(tmp_path: Path) -> None:
    programs()
    structlog.reset_defaults()
    async with served(tmp_path, authorities(tmp_path)) as found:
        cluster = found.cluster
        allow(cluster)
        ports: asyncio.Queue[int] = asyncio.Queue()
        api = CallersClient(read(cluster.kubeconfig("operator")))
        console = serve_console(api, ("127.0.0.1", 0), None, (), serving=ports.put_nowait)
        serving = asyncio.create_task(console)
        try:
            address = f"http://127.0.0.1:{await ports.get()}/console/"
            seen = await walk("cluster.mjs", address, "jane", "joe", "jim")
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
        writers = {
            user
            for user, how, path in cluster.writes
            if how == "real PUT" or "/lanegroups/" in path
        }
        changed = [
            user for user, how, path in cluster.writes if "change" in path or "weight" in path
        ]
    assert not seen["errors"], "\n".join(seen["errors"])
    assert "kubectl create token NAME --namespace NAMESPACE" in seen["hint"]
    assert "kubectl create token NAME --namespace NAMESPACE" in seen["zhHint"]
    assert "令牌" in seen["zhHint"]
    assert {each.partition(" ")[0] for each in seen["wrong"]} == {"401"}
    assert (seen["ofAdmin"], seen["ofViewer"]) == ([], []), "requests that failed"
    assert seen["places"] == ["Lane groups", "Try it", "Findings", "Generated"]
    assert seen["viewerPlaces"] == ["Lane groups"]
    assert set(seen["viewerOffered"]) == {0}, seen["viewerOffered"]
    assert 'User "jim" cannot list resource "lanegroups"' in seen["lacking"]
    assert "no lane group" not in seen["lacking"]
    assert "Envoy" not in seen["dialects"]
    assert seen["matching"] == 0, "the console does not know the pods of a cluster"
    assert "istioctl proxy-status" in "\n".join(seen["missing"])
    assert (seen["sends"], seen["cookies"], seen["strangers"]) == ([0], [], [])
    assert writers == {"jane"}, "edits are the user's own"
    assert changed
