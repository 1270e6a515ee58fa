"""The operator and an API server: what it writes, what it leaves alone, how it takes faults.

The emitter is a stand-in; everything else is real.
"""

from __future__ import annotations

import asyncio
from typing import Any

import jsonschema
import kmock
import pytest
import structlog
from tests.adapters.kube.api_servers import ApiServer, client_of
from tests.operator.fake_dialects import DIALECT
from tests.wiring.declared_objects import endpoints, gateway, group, lane, service
from tests.wiring.running_operators import (
    PACE,
    ROUTES,
    ROUTES_OF_A,
    RULE,
    Passes,
    changes,
    condition,
    declared,
    lane_of,
    operating,
    status,
    subsets,
    until,
)

from laneway.adapters.kube.leases import Terms
from laneway.compile.ownership import MANAGED_BY
from laneway.schema.crds import custom_resource_definitions
from laneway.wiring.dialects import istio
from laneway.wiring.operators import Observers, Operator, Settings

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _logging() -> None:
    """Tests of commands may have left it to write to a stream that is closed by now."""
    structlog.reset_defaults()


async def test_lanes_become_labelled_objects_and_a_status() -> None:
    async with declared() as api, operating(api):
        generated = [p for p in api.objects if p[0] in ("destinationrules", "virtualservices")]
        assert len(generated) == 4
        assert all(api.objects[p]["metadata"]["labels"][MANAGED_BY] == "laneway" for p in generated)
        assert subsets(api) == ["v1", "v2"]
        report = lane_of(api, "v2")["status"]
        assert report["observedGeneration"] == 1
        assert [(c["type"], c["status"]) for c in report["conditions"]] == [
            ("Accepted", "True"),
            ("Programmed", "True"),
            ("Ready", "True"),
        ]
        assert report["services"] == [{"namespace": "default", "name": "b", "ready": 1, "total": 1}]
        events = {(e["regarding"]["name"], e["reason"]) for e in api.of("events")}
        assert {("v1", "Applied"), ("v2", "Applied"), ("g", "Applied")} <= events


async def test_statuses_are_what_the_schemas_allow() -> None:
    schemas = {
        definition["spec"]["names"]["plural"]: definition["spec"]["versions"][0]["schema"]
        for definition in custom_resource_definitions()
    }
    async with declared() as api, operating(api):
        for plural in ("lanegroups", "lanes"):
            schema = schemas[plural]["openAPIV3Schema"]["properties"]["status"]
            strict = {**schema, "additionalProperties": False}
            for item in api.of(plural):
                jsonschema.validate(item["status"], strict)


async def test_a_restart_changes_nothing() -> None:
    async with declared() as api:
        async with operating(api):
            pass
        before = {p: o["metadata"]["resourceVersion"] for p, o in api.objects.items()}
        api.writes.clear()
        passes = Passes()
        async with operating(api, passes):
            await until(lambda: passes)
        after = {p: o["metadata"]["resourceVersion"] for p, o in api.objects.items()}
        del before["leases", "laneway-system", "laneway-operator"]
        assert {p: after[p] for p in before} == before
        assert {write[1] for write in api.writes} == {"leases/laneway-system/laneway-operator"}


async def test_only_what_a_change_concerns_is_written() -> None:
    async with declared() as api, operating(api):
        api.writes.clear()
        await api.write("lanes", lane("v3", "b"), created="2026-01-03T00:00:00Z")
        await until(lambda: status(api, "v3", "Programmed") == "True")
        assert [name for _, name in changes(api)] == [
            "destinationrules/default/b-lanes",
            "envoyfilters/default/b-lanes",
            "virtualservices/default/b-lanes",
        ]


async def test_drift_is_repaired() -> None:
    async with declared() as api, operating(api):
        item = api.objects[RULE]
        await api.write("destinationrules", {**item, "spec": {**item["spec"], "subsets": []}})
        await until(lambda: subsets(api) == ["v1", "v2"])


async def test_what_somebody_deletes_comes_back() -> None:
    async with declared() as api, operating(api):
        await api.drop(*ROUTES)
        await until(lambda: ROUTES in api.objects)


async def test_a_deleted_group_is_taken_down_routes_first() -> None:
    async with declared() as api, operating(api):
        api.writes.clear()
        await api.drop("lanegroups", "", "g")
        await until(lambda: not list(api.of("envoyfilters")))
        assert [(verb, name.partition("/")[0]) for verb, name in changes(api)] == [
            ("delete", "virtualservices"),
            ("delete", "virtualservices"),
            ("delete", "destinationrules"),
            ("delete", "destinationrules"),
            ("delete", "envoyfilters"),
            ("delete", "envoyfilters"),
        ]


async def test_a_lane_that_goes_takes_its_subset_after_its_route() -> None:
    async with declared() as api, operating(api):
        api.writes.clear()
        await api.drop("lanes", "", "v2")
        await until(lambda: len(changes(api)) == 3)
        assert [name.partition("/")[0] for _, name in changes(api)] == [
            "virtualservices",
            "destinationrules",
            "envoyfilters",
        ]
        assert subsets(api) == ["v1"]


async def test_many_changes_make_few_passes() -> None:
    passes = Passes()
    async with declared() as api, operating(api, passes):
        begun, api.forgetful = len(passes), True
        for number in range(100):
            await api.write("lanes", lane(f"pr-{number}", "b"), created="2026-02-01T00:00:00Z")
        await until(lambda: status(api, "pr-99", "Programmed") == "True")
        # 100 are as many bursts as the machine is slow; without pacing it would be one each.
        assert len(passes) - begun <= 20
        assert len(subsets(api)) == 102


async def test_an_invalid_new_lane_is_left_out_and_told() -> None:
    async with declared() as api, operating(api):
        api.writes.clear()
        await api.write("lanes", lane("v3", "nowhere"), created="2026-01-03T00:00:00Z")
        await until(lambda: "conditions" in lane_of(api, "v3").get("status", {}))
        state, reason, message = condition(lane_of(api, "v3"), "Accepted")
        assert (state, reason) == ("False", "UnknownService")
        assert "spec.services[0].name: there is no Service default/nowhere" in message
        assert status(api, "v3", "Programmed") == "False"
        await api.write("lanes", lane("v4", "b"), created="2026-01-04T00:00:00Z")
        await until(lambda: "v4" in subsets(api))
        warnings = [e for e in api.of("events") if e["type"] == "Warning"]
        assert ("v3", "UnknownService") in {(e["regarding"]["name"], e["reason"]) for e in warnings}


async def test_a_lane_that_becomes_invalid_keeps_the_last_good_state() -> None:
    async with declared() as api:
        async with operating(api):
            api.writes.clear()
            await api.write("lanes", lane("v2", "nowhere"))
            await until(lambda: status(api, "v2", "Accepted") == "False")
            state, reason, message = condition(lane_of(api, "v2"), "Programmed")
            assert (state, reason) == ("True", "Held")
            assert "Lane v2" in message
        async with operating(api):  # a restart does not forget what was active
            assert changes(api) == []
            assert subsets(api) == ["v1", "v2"]
            await api.write("lanes", lane("v2"))
            await until(lambda: status(api, "v2", "Accepted") == "True")
            await until(lambda: len(api.objects[ROUTES_OF_A]["spec"]["http"]) == 2)


async def test_a_shared_gateway_waits_for_the_group_with_errors() -> None:
    """The routes of all groups stand in one object there, so leaving one out would take it down."""
    async with declared() as api:
        entry: dict[str, Any] = {"name": "entry", "destination": "b"}
        await api.write("gateways", gateway())
        await api.write("lanegroups", group("a", "b", gateway={"name": "gate"}))
        await api.write("lanes", lane("v1", ingress=[entry]), created="2026-01-01T00:00:00Z")
        await api.write("services", service("c"))
        await api.write("lanegroups", group("c", name="h", gateway={"name": "gate"}))
        entry = {"name": "c", "hosts": ["c.example.com"], "destination": "c"}
        await api.write("lanes", lane("h1", of="h", ingress=[entry]))
        real = istio(b"\0asm")
        async with operating(api, dialect=real):
            ingress = [p for p in api.objects if p[0] == "virtualservices" and "gate" in p[2]]
            assert len(ingress) == 2
            api.writes.clear()
            await api.drop("services", "default", "c")
            await until(
                lambda: condition(api.objects["lanegroups", "", "h"], "Accepted")[0] == "False"
            )
            assert changes(api) == []
            await api.write("lanes", lane("v4", "b", ingress=[{**entry, "destination": "b"}]))
            await until(lambda: status(api, "v4", "Programmed") == "True")
            written = [name for _, name in changes(api) if "gate" in name]
            assert written == ["envoyfilters/istio-system/gate.default-gateway-lanes"]
            assert "errors in lane group h" in condition(lane_of(api, "v4"), "Programmed")[2]
            await api.drop("lanes", "", "v4")  # the held routes may still lead there
            await api.write("lanes", lane("v5", "a"))
            await until(lambda: status(api, "v5", "Programmed") == "True")
            assert subsets(api) == ["v1", "v2", "v4"]
            await api.write("services", service("c"))
            await until(lambda: subsets(api) == ["v1", "v2"])


def lane_filters(api: ApiServer) -> set[str]:
    return {p[2] for p in api.objects if p[0] == "envoyfilters" and "lane-filter" in p[2]}


async def test_wasm_plugins_of_a_former_version_are_replaced() -> None:
    """The module stands in EnvoyFilters now; a WasmPlugin of somebody else stays."""
    async with declared() as api:
        await api.write("lanegroups", group("a", "b", traceHeader="x-trace"))
        for name, labels in (
            ("b-lanes-inbound", {MANAGED_BY: "laneway", "laneway.dev/group": "g"}),
            ("theirs", {}),
        ):
            metadata = {"name": name, "namespace": "default", "labels": labels}
            metadata["annotations"] = {"laneway.dev/content": "0"}
            plugin = {"apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin"}
            await api.write("wasmplugins", {**plugin, "metadata": metadata, "spec": {"url": "x"}})
        api.writes.clear()
        async with operating(api, dialect=istio(b"\0asm")):
            await until(lambda: status(api, "v2", "Programmed") == "True")
        assert [p[2] for p in api.objects if p[0] == "wasmplugins"] == ["theirs"]
        names = [name for _, name in changes(api)]
        gone = names.index("wasmplugins/default/b-lanes-inbound")
        written = [name for name in names if "lane-filter" in name]
        assert len(written) == 4
        assert all(names.index(name) < gone for name in written)
        modules = [name for name in written if name.startswith("envoyfilters/istio-system/")]
        assert written[:2] == modules


async def test_a_module_that_the_api_server_refuses_is_told_and_nothing_refers_to_it() -> None:
    async with declared() as api:
        await api.write("lanegroups", group("a", "b", traceHeader="x-trace"))
        api.fail("patch", "envoyfilters/g-lane-filter-.*", 413, "too large")
        async with operating(api, dialect=istio(b"\0asm")):
            await until(lambda: status(api, "v2", "Programmed") == "False")
            _, _, message = condition(lane_of(api, "v2"), "Programmed")
            assert "g-lane-filter-inbound: too large" in message
            assert not lane_filters(api)
            assert not [p for p in api.objects if p[0] == "virtualservices"]


async def test_a_module_that_somebody_deletes_comes_back() -> None:
    async with declared() as api:
        await api.write("lanegroups", group("a", "b", traceHeader="x-trace"))
        async with operating(api, dialect=istio(b"\0asm")):
            await until(lambda: len(lane_filters(api)) == 4)
            await api.drop("envoyfilters", "istio-system", "g-lane-filter-inbound")
            await until(lambda: len(lane_filters(api)) == 4)


async def test_a_service_that_goes_does_not_take_its_group_down() -> None:
    async with declared() as api, operating(api):
        api.writes.clear()
        await api.drop("services", "default", "b")
        await until(lambda: condition(api.objects["lanegroups", "", "g"], "Accepted")[0] == "False")
        assert changes(api) == []
        await api.write("services", service("b"))
        await until(lambda: condition(api.objects["lanegroups", "", "g"], "Accepted")[0] == "True")
        assert changes(api) == []


async def test_a_users_virtual_service_is_left_alone_and_told_of() -> None:
    async with declared() as api:
        users = {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": "mine", "namespace": "default"},
            "spec": {"hosts": ["b"], "http": []},
        }
        await api.write("virtualservices", users)
        async with operating(api):
            await until(lambda: status(api, "v2", "Programmed"))
            assert ROUTES not in api.objects
            assert ROUTES_OF_A in api.objects
            _, reason, message = condition(api.objects["lanegroups", "", "g"], "Programmed")
            assert reason == "Partial"
            assert "VirtualService default/mine routes b.default.svc.cluster.local" in message
            assert api.objects["virtualservices", "default", "mine"]["spec"] == users["spec"]
            await api.drop("virtualservices", "default", "mine")
            await until(lambda: ROUTES in api.objects)


async def test_a_users_object_of_the_same_name_is_left_alone() -> None:
    async with declared() as api:
        users = {
            "apiVersion": "networking.istio.io/v1",
            "kind": "DestinationRule",
            "metadata": {"name": "b-lanes", "namespace": "default"},
            "spec": {"host": "b"},
        }
        await api.write("destinationrules", users)
        async with operating(api):
            await until(lambda: status(api, "v2", "Programmed"))
            assert api.objects[RULE]["spec"] == {"host": "b"}
            _, _, message = condition(api.objects["lanegroups", "", "g"], "Programmed")
            assert "DestinationRule default/b-lanes exists and was not created" in message


async def test_readiness_follows_endpoints_and_pods_labels() -> None:
    async with declared() as api, operating(api):
        api.writes.clear()
        await api.write("endpointslices", endpoints("b", v1=True, v2=False))
        await until(lambda: status(api, "v2", "Ready") == "False")
        assert (
            "no ready instance in lane v2 of default/b" in condition(lane_of(api, "v2"), "Ready")[2]
        )
        assert status(api, "v1", "Ready") == "True"
        assert changes(api) == []


async def test_a_missing_permission_is_named_and_the_routes_wait() -> None:
    async with declared() as api:
        api.fail("patch", "/envoyfilters/.*", 403, "envoyfilters is forbidden")
        async with operating(api):
            await until(lambda: status(api, "v1", "Programmed") == "False")
            message = condition(lane_of(api, "v1"), "Programmed")[2]
            assert "allow `patch` on `envoyfilters`" in message
            assert not list(api.of("virtualservices"))


async def test_a_missing_permission_to_watch_is_named_in_readiness() -> None:
    async with declared() as api:
        api.fail("get", "/lanes", 403, "lanes is forbidden")
        async with client_of(api) as client:
            operator = Operator(client, DIALECT, Settings("one", settle=0.0, pace=PACE))
            task = asyncio.create_task(operator.run())
            await until(lambda: operator.cluster is not None and operator.cluster.faults())
            assert operator.cluster is not None
            assert "allow `list` on `lanes`" in operator.cluster.faults()["lanes"]
            assert operator.leads
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_overload_and_server_faults_are_waited_out() -> None:
    async with declared() as api:
        api.fail("patch", "/destinationrules/.*", 429, "slow down", times=1)
        api.fail("patch", "/virtualservices/.*", 500, "oops", times=2)
        async with operating(api):
            await until(lambda: status(api, "v2", "Programmed") == "True")
            assert ROUTES in api.objects


async def test_a_conflict_makes_another_pass() -> None:
    passes = Passes()
    async with declared() as api:
        api.fail("patch", "/destinationrules/.*", 409, "changed", times=1)
        async with operating(api, passes):
            assert passes[0].failures
            await until(lambda: status(api, "v2", "Programmed") == "True")


async def test_watches_that_drop_are_resumed() -> None:
    async with declared() as api, operating(api):
        await api.cut_watches()
        lists = len([read for read in api.reads if read == "list lanes"])
        await api.write("lanes", lane("v3", "b"), created="2026-01-03T00:00:00Z")
        await until(lambda: "v3" in subsets(api))
        assert len([read for read in api.reads if read == "list lanes"]) == lists


async def test_a_version_too_old_is_answered_by_listing_again() -> None:
    async with declared() as api, operating(api):
        await api.cut_watches(forget=True)
        await api.write("lanes", lane("v3", "b"), created="2026-01-03T00:00:00Z")
        await until(lambda: "v3" in subsets(api))
        assert len([read for read in api.reads if read == "list lanes"]) >= 2


async def test_what_went_while_nobody_watched_is_noticed() -> None:
    async with declared() as api, operating(api):
        api.objects.pop(("lanes", "", "v2"))  # no watch tells of it
        await api.cut_watches(forget=True)
        await until(lambda: subsets(api) == ["v1"])


async def test_one_leads_and_another_takes_over() -> None:
    one, two = Passes(), Passes()
    settings = Settings("two", settle=0.0, pace=PACE, terms=Terms(retry=0.05))
    async with declared() as api, client_of(api) as client:
        second = Operator(client, DIALECT, settings, Observers(passed=two.passed))
        async with operating(api, one) as first:
            task = asyncio.create_task(second.run())
            await api.write("lanes", lane("v3", "b"), created="2026-01-03T00:00:00Z")
            await until(lambda: "v3" in subsets(api))
            assert (first.leads, second.leads, len(two)) == (True, False, 0)
        await until(lambda: two)  # at once: the first gave its lease back
        assert [lease["spec"]["leaseTransitions"] for lease in api.of("leases")] == [1]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_pods_are_asked_for_their_metadata_only() -> None:
    async with declared() as api, operating(api):
        accepts = {
            request.headers["Accept"].partition(";g=")[0]
            for request in api[kmock.action.LIST]
            if request.resource and request.resource.plural == "pods"
        }
        assert accepts == {"application/json;as=PartialObjectMetadataList"}
