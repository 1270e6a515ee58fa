"""The operator on a real API server, with no more permissions than the chart grants."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.cluster.sandboxes import Doings, Sandbox, until

from laneway.compile.ownership import MANAGED_BY
from laneway.operator.manifests import CONTENT

pytestmark = pytest.mark.slow

PATCH = "patch"


async def test_lanes_become_objects_statuses_and_events(mesh: Sandbox) -> None:
    async with mesh.operating():
        v2 = mesh.lane("v2")
        await mesh.until_condition(v2, "Ready", "True", "InstancesReady")
        kinds = Counter(name.partition(" ")[0] for name in await mesh.generated())
        assert (kinds["DestinationRule"], kinds["VirtualService"]) == (2, 2)
        assert kinds["EnvoyFilter"]
        columns = await mesh.admin.columns(v2)
        assert columns["Group"] == mesh.prefix
        assert [columns[name] for name in ("Accepted", "Programmed", "Ready")] == ["True"] * 3
        status = (await mesh.admin.get(v2) or {})["status"]
        assert status["services"] == [
            {"namespace": mesh.namespace, "name": "b", "ready": 1, "total": 1}
        ]

        async def announced() -> bool:
            events = await mesh.admin.list("events.k8s.io/v1", "Event", namespace="default")
            return {(mesh.prefix, "Applied"), (v2["metadata"]["name"], "Applied")} <= {
                (event["regarding"]["name"], event["reason"]) for event in events
            }

        await until(announced)


async def test_no_call_fails(mesh: Sandbox) -> None:
    doings = Doings()
    async with mesh.operating(doings):
        await mesh.apply(mesh.lane("v3", "a"))
        await mesh.until_condition(mesh.lane("v3"), "Programmed", "True")
        await mesh.admin.delete(mesh.lane("v3"))
        await until(lambda: _lacks_subset(mesh, "v3"))
    assert [failure for result in doings.passes for failure in result.failures] == []


async def test_a_restart_writes_nothing(mesh: Sandbox) -> None:
    async with mesh.operating():
        await mesh.until_condition(mesh.lane("v2"), "Ready", "True")
    before, doings = await mesh.versions(), Doings()
    async with mesh.operating(doings):
        assert doings.calls == []
    assert await mesh.versions() == before


async def test_calls_are_in_proportion_to_the_change(mesh: Sandbox) -> None:
    doings = Doings()
    event = ("create", "events")

    async def announced() -> bool:
        return event in doings.calls

    async with mesh.operating(doings):
        await mesh.until_condition(mesh.lane("v2"), "Ready", "True")
        doings.calls.clear()
        await mesh.apply(mesh.lane("v3", "b"))
        await mesh.until_condition(mesh.lane("v3"), "Programmed", "True")
        await until(announced)
    assert doings.counts() == {
        (PATCH, "destinationrules"): 1,
        (PATCH, "envoyfilters"): 1,
        (PATCH, "virtualservices"): 1,
        (PATCH, "lanes"): 1,
        event: 1,
    }
    assert [plural for _, plural in doings.calls][:3] == [
        "destinationrules",
        "envoyfilters",
        "virtualservices",
    ]


async def test_drift_is_repaired_and_others_fields_stay(mesh: Sandbox) -> None:
    async with mesh.operating():
        await mesh.until_condition(mesh.lane("v2"), "Ready", "True")
        rule = (await mesh.generated())[f"DestinationRule {mesh.namespace}/b-lanes"]
        policy = {"connectionPool": {"tcp": {"maxConnections": 7}}}
        await mesh.admin.change(rule, {"spec": {"subsets": [], "trafficPolicy": policy}})
        await until(lambda: _has_subsets(mesh, "v1", "v2"))
        repaired = (await mesh.generated())[f"DestinationRule {mesh.namespace}/b-lanes"]
        assert repaired["spec"]["trafficPolicy"] == policy
        assert repaired["metadata"]["uid"] == rule["metadata"]["uid"]


async def test_what_somebody_deletes_comes_back(mesh: Sandbox) -> None:
    async with mesh.operating():
        before = await mesh.generated()
        for item in before.values():
            await mesh.admin.delete(item)

        async def back() -> bool:
            now = await mesh.generated()
            return now.keys() == before.keys() and all(
                now[name]["metadata"]["uid"] != item["metadata"]["uid"]
                for name, item in before.items()
            )

        await until(back)


async def test_a_deleted_group_is_taken_down_routes_first(mesh: Sandbox) -> None:
    doings = Doings()
    async with mesh.operating(doings):
        await mesh.until_condition(mesh.lane("v2"), "Ready", "True")
        doings.calls.clear()
        await mesh.admin.delete(mesh.group)  # its lanes are still there
        await until(lambda: _nothing(mesh))
        message = await mesh.until_condition(mesh.lane("v2"), "Accepted", "False")
        assert f"there is no lane group {mesh.prefix}" in message
    deleted = [plural for verb, plural in doings.calls if verb == "delete"]
    assert list(dict.fromkeys(deleted)) == ["virtualservices", "destinationrules", "envoyfilters"]
    assert deleted == sorted(deleted, key=list(dict.fromkeys(deleted)).index)


async def test_what_was_deleted_while_no_operator_ran_is_cleaned_up(mesh: Sandbox) -> None:
    async with mesh.operating():
        assert await mesh.generated()
    for item in (mesh.lane("v1"), mesh.lane("v2"), mesh.group):
        await mesh.admin.delete(item)
    async with mesh.operating():
        await until(lambda: _nothing(mesh))


async def test_a_users_route_wins_if_it_is_older_and_is_told_of(place: Sandbox) -> None:
    users = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "mine", "namespace": place.namespace},
        "spec": {"hosts": ["b"], "http": [{"route": [{"destination": {"host": "b"}}]}]},
    }
    await place.apply(users)
    await place.declare()
    async with place.operating():
        message = await place.until_condition(place.group, "Programmed", "True", "Partial")
        claimed = f"b.{place.namespace}.svc.cluster.local"
        assert f"VirtualService {place.namespace}/mine routes {claimed} already" in message
        assert f"VirtualService {place.namespace}/b-lanes" not in await place.generated()
        await place.admin.delete(users)
        await place.until_condition(place.group, "Programmed", "True", "Applied")
        assert f"VirtualService {place.namespace}/b-lanes" in await place.generated()
        later = await place.apply({**users, "metadata": {**users["metadata"], "name": "later"}})  # type: ignore[dict-item]
        await place.apply(place.lane("v3", "b"))
        await place.until_condition(place.lane("v3"), "Programmed", "True", "Applied")
        assert (await place.admin.get(later) or {})["spec"] == users["spec"]


async def test_a_users_object_of_the_same_name_is_left_alone(place: Sandbox) -> None:
    users = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "b-lanes", "namespace": place.namespace},
        "spec": {"host": "b"},
    }
    await place.apply(users)
    await place.declare()
    async with place.operating():
        message = await place.until_condition(place.group, "Programmed", "True", "Partial")
        assert (
            f"DestinationRule {place.namespace}/b-lanes exists and was not created by laneway"
            in message
        )
        assert (await place.admin.get(users) or {})["spec"] == {"host": "b"}


async def test_rendered_objects_are_no_ones_to_delete(place: Sandbox) -> None:
    """What ``laneway render`` prints has laneway's label, but no operator has applied it."""
    rendered = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {
            "name": "rendered",
            "namespace": place.namespace,
            "labels": {MANAGED_BY: "laneway", "laneway.dev/group": place.prefix},
        },
        "spec": {"host": "b"},
    }
    await place.apply(rendered)
    await place.declare()
    async with place.operating():
        await place.until_condition(place.lane("v2"), "Programmed", "True")
        assert await place.is_there(rendered)
        assert CONTENT not in (await place.admin.get(rendered) or {})["metadata"].get(
            "annotations", {}
        )


async def test_an_invalid_lane_is_told_why_and_holds_the_group(mesh: Sandbox) -> None:
    async with mesh.operating():
        await mesh.until_condition(mesh.lane("v2"), "Ready", "True")
        before = {n: i["metadata"]["resourceVersion"] for n, i in (await mesh.generated()).items()}
        await mesh.admin.apply(mesh.lane("v2", "nowhere"))
        message = await mesh.until_condition(mesh.lane("v2"), "Accepted", "False")
        assert f"there is no Service {mesh.namespace}/nowhere" in message
        await mesh.until_condition(mesh.lane("v2"), "Programmed", "True", "Held")
        await mesh.until_condition(mesh.lane("v1"), "Programmed", "True", "Held")
        await mesh.apply(mesh.lane("v3", "nowhere"))
        await mesh.until_condition(mesh.lane("v3"), "Programmed", "False")
        after = {n: i["metadata"]["resourceVersion"] for n, i in (await mesh.generated()).items()}
        assert after == before
        await mesh.admin.apply(mesh.lane("v2", "b"))
        await mesh.until_condition(mesh.lane("v2"), "Programmed", "True", "Applied")


async def test_readiness_follows_endpoints(mesh: Sandbox) -> None:
    async with mesh.operating():
        await mesh.until_condition(mesh.lane("v2"), "Ready", "True")
        await mesh.apply(mesh.endpoints("b", v1=True, v2=False))
        message = await mesh.until_condition(mesh.lane("v2"), "Ready", "False")
        assert f"no ready instance in lane {mesh.prefix}-v2 of {mesh.namespace}/b" in message
        await mesh.admin.delete(mesh.pod("a", "v1"))
        await mesh.until_condition(mesh.lane("v1"), "Ready", "False")


async def test_a_namespace_that_is_deleted_leaves_the_rest_active(mesh: Sandbox) -> None:
    """Nothing can be put back into a namespace that is going: that is no fault to be told of."""
    other = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{mesh.prefix}-b"}}
    await mesh.apply(other)
    service = mesh.service("c")
    service["metadata"]["namespace"] = f"{mesh.prefix}-b"
    await mesh.apply(service)
    group = mesh.group
    group["spec"]["services"].append(f"{mesh.prefix}-b/c")
    group["spec"]["baseline"] = f"{mesh.prefix}-v1"
    await mesh.apply(group)
    doings = Doings()
    async with mesh.operating(doings):
        await mesh.until_condition(mesh.lane("v2"), "Programmed", "True", "Applied")
        assert f"VirtualService {mesh.prefix}-b/c-lanes" in await mesh.generated()
        doings.passes.clear()
        await mesh.admin.delete(other)
        message = await mesh.until_condition(mesh.group, "Accepted", "False")
        assert f"there is no Service {mesh.prefix}-b/c" in message
        await mesh.until_condition(mesh.lane("v2"), "Programmed", "True", "Held")
        assert f"VirtualService {mesh.namespace}/b-lanes" in await mesh.generated()
        group["spec"]["services"].pop()
        await mesh.admin.apply(group)
        await mesh.until_condition(mesh.lane("v2"), "Programmed", "True", "Applied")


async def test_a_group_that_shares_a_gateway_with_one_that_is_held(mesh: Sandbox) -> None:
    server = {
        "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
        "tls": {"mode": "SIMPLE", "credentialName": "none"},
        "hosts": ["*"],
    }
    await mesh.apply(
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "gate", "namespace": mesh.namespace},
            "spec": {"selector": {"istio": mesh.prefix}, "servers": [server]},
        }
    )
    gateway = {"name": "gate", "namespace": mesh.namespace}
    await mesh.apply(mesh.service("c"))
    one, two = mesh.group, mesh.group
    one["spec"] |= {"gateway": gateway, "baseline": f"{mesh.prefix}-v1"}
    two["metadata"]["name"] = f"{mesh.prefix}-2"
    two["spec"] |= {"gateway": gateway, "services": [f"{mesh.namespace}/c"]}
    two["spec"]["baseline"] = f"{mesh.prefix}-w1"
    await mesh.apply(one)
    await mesh.apply(two)
    rule = {"name": "entry", "hosts": ["a.example.com"], "destination": f"{mesh.namespace}/a"}
    await mesh.apply(mesh.lane("v1", ingress=[rule]))
    w1 = mesh.lane("w1")
    w1["spec"] |= {"group": two["metadata"]["name"]}
    rule = {"name": "entry", "hosts": ["c.example.com"], "destination": f"{mesh.namespace}/c"}
    w1["spec"]["ingress"] = [rule]
    await mesh.apply(w1)
    async with mesh.operating():
        await mesh.until_condition(w1, "Programmed", "True", "Applied")
        entries = [name for name in await mesh.generated() if "/gate-" in name]
        assert len(entries) == 2
        await mesh.admin.delete(mesh.service("c"))
        await mesh.until_condition(two, "Programmed", "True", "Held")
        rule = {"name": "entry", "hosts": ["b.example.com"], "destination": f"{mesh.namespace}/b"}
        await mesh.apply(mesh.lane("v4", "b", ingress=[rule]))
        await mesh.until_condition(mesh.lane("v4"), "Programmed", "True", "Applied")
        assert len([name for name in await mesh.generated() if "/gate-" in name]) == 3
        rule["hosts"] = ["c.example.com"]  # the held group's
        await mesh.apply(mesh.lane("v4", "b", ingress=[rule]))
        message = await mesh.until_condition(mesh.lane("v4"), "Programmed", "True", "Partial")
        assert two["metadata"]["name"] in message
        # A group that goes for good holds nobody.
        await mesh.admin.delete(two)
        await mesh.admin.delete(w1)
        await mesh.until_condition(mesh.lane("v4"), "Programmed", "True", "Applied")


async def _nothing(mesh: Sandbox) -> bool:
    return not await mesh.generated()


async def _subsets(mesh: Sandbox) -> list[str]:
    rule = (await mesh.generated())[f"DestinationRule {mesh.namespace}/b-lanes"]
    return [subset["name"].removeprefix(f"{mesh.prefix}-") for subset in rule["spec"]["subsets"]]


async def _has_subsets(mesh: Sandbox, *names: str) -> bool:
    return await _subsets(mesh) == list(names)


async def _lacks_subset(mesh: Sandbox, name: str) -> bool:
    return name not in await _subsets(mesh)
