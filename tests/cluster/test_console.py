"""The operator's console in a real browser, in front of a real API server and its RBAC."""

from __future__ import annotations

import pytest
from tests.cluster.aggregated_operators import account, aggregated, allow
from tests.cluster.sandboxes import Sandbox
from tests.e2e.browser_walks import programs, walk
from tests.wiring.api_servers import SHOP

pytestmark = pytest.mark.slow

_LOOK = ("get", "list", "watch")


async def declare(place: Sandbox) -> None:
    for item in SHOP:
        kind, metadata, spec = item["kind"], {**item["metadata"]}, {**item["spec"]}
        if kind in ("Service", "Gateway"):
            metadata["namespace"] = "default"
        if kind == "LaneGroup":
            spec["baseline"] = "z"  # all lanes are made in the same second
        await place.apply({**item, "metadata": metadata, "spec": spec})


async def looks_alone(place: Sandbox) -> str:
    """A ClusterRole that does not include what the operator answers."""
    rules = [
        {"apiGroups": ["laneway.dev"], "resources": ["lanegroups", "lanes"], "verbs": _LOOK},
        {"apiGroups": [""], "resources": ["services"], "verbs": _LOOK},
        {"apiGroups": ["networking.istio.io"], "resources": ["gateways"], "verbs": _LOOK},
    ]
    metadata = {"name": f"{place.prefix}-looks"}
    await place.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": metadata,
            "rules": rules,
        }
    )
    return "looks"


async def test_users_walk_the_console_with_the_rights_that_they_have(place: Sandbox) -> None:
    programs()
    await declare(place)
    tokens = [await account(place, name) for name in ("jane", "joe", "jim")]
    async with aggregated(place, "--console", "127.0.0.1:0") as console:
        await allow(place, "jane", "laneway-console-edit")
        await allow(place, "joe", await looks_alone(place))
        seen = await walk("cluster.mjs", console["at"], *tokens)
    assert not seen["errors"], "\n".join(seen["errors"])
    assert {each.partition(" ")[0] for each in seen["wrong"]} == {"401"}
    assert (seen["ofAdmin"], seen["ofViewer"]) == ([], []), "requests that failed"
    assert seen["places"] == ["Lane groups", "Try it", "Findings", "Generated"]
    assert seen["viewerPlaces"] == ["Lane groups"]
    assert set(seen["viewerOffered"]) == {0}, seen["viewerOffered"]
    assert "lanegroups.laneway.dev is forbidden" in seen["lacking"]
    lanes = await place.admin.list("laneway.dev/v1alpha1", "Lane")
    owners = {each["metadata"]["name"]: each["spec"].get("owner") for each in lanes}
    assert owners["s1"] == "team-a"
