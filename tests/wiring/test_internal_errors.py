"""A bug of laneway: it stops the group that it is met in, and no other group, pass or process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs
from tests.adapters.kube.api_servers import ApiServer
from tests.operator.fake_dialects import DIALECT, emit
from tests.wiring.declared_objects import gateway, group, lane, service
from tests.wiring.running_operators import (
    ROUTES,
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

from laneway.adapters.kube import retained_fields
from laneway.adapters.kube.cluster import KubeCluster
from laneway.compile.ir import MeshRoutes
from laneway.model.meshes import Mesh
from laneway.operator import acceptance, planning, reconciler
from laneway.operator.manifests import Manifest
from laneway.operator.status import conditions
from laneway.wiring.dialects import istio

pytestmark = pytest.mark.slow

RULE_OF_C = ("destinationrules", "default", "c-lanes")
Object = dict[str, Any]


@pytest.fixture(autouse=True)
def _logging() -> None:
    structlog.reset_defaults()


@asynccontextmanager
async def two_groups() -> AsyncIterator[ApiServer]:
    """Group g of services a and b, and a younger group h of service c."""
    async with declared() as api:
        await api.write("services", service("c"))
        await api.write("lanegroups", group("c", name="h"), created="2026-02-01T00:00:00Z")
        await api.write("lanes", lane("h1", "c", of="h"), created="2026-02-01T00:00:00Z")
        yield api


class Bug:
    """Raised by an emitter in the group that has it."""

    def __init__(self, group: str = "") -> None:
        self.group = group

    def emit(self, mesh: Mesh, routes: MeshRoutes) -> Iterator[Object]:
        yield from emit(mesh, routes)
        if self.group in [group.name for group in mesh.groups]:
            raise KeyError("no such thing")


def group_condition(api: ApiServer, name: str, kind: str) -> tuple[str, str, str]:
    return condition(api.objects["lanegroups", "", name], kind)


async def test_a_new_group_that_cannot_be_compiled_stops_no_other() -> None:
    async with two_groups() as api:
        passes = Passes()
        with capture_logs() as logs:
            async with operating(
                api, passes, dialect=replace(DIALECT, emit=Bug("h").emit)
            ) as operator:
                await until(lambda: status(api, "v2", "Programmed") == "True")
                assert subsets(api) == ["v1", "v2"]
                assert RULE_OF_C not in api.objects
                for item in (lane_of(api, "h1"), api.objects["lanegroups", "", "h"]):
                    state, reason, message = condition(item, "Programmed")
                    assert (state, reason) == ("False", "InternalError")
                    assert "internal error, please report it: KeyError: 'no such thing'" in message
                    assert condition(item, "Accepted")[:2] == ("Unknown", "InternalError")
                assert operator.leads
                await until(lambda: len(passes) > 1)  # it is tried again
        errors = [each for each in logs if each["log_level"] == "error"]
        (error,) = errors  # once, not in every pass
        assert "in emit" in error["exception"]
        assert error["exception"].endswith("KeyError: 'no such thing'\n")
        events = {(e["regarding"]["name"], e["reason"], e["type"]) for e in api.of("events")}
        assert ("h1", "InternalError", "Warning") in events


async def test_what_was_applied_stays_and_goes_on_when_the_bug_is_gone() -> None:
    async with two_groups() as api:
        bug = Bug()
        async with operating(api, dialect=replace(DIALECT, emit=bug.emit)):
            await until(lambda: status(api, "v2", "Programmed") == "True")
            bug.group = "g"
            api.writes.clear()
            await api.write("lanes", lane("v3", "b"), created="2026-01-03T00:00:00Z")
            await api.write("lanes", lane("h2", "c", of="h"), created="2026-02-03T00:00:00Z")
            await until(lambda: status(api, "h2", "Programmed") == "True")
            await until(lambda: condition(lane_of(api, "v1"), "Programmed")[1] == "InternalError")
            assert not [name for _, name in changes(api) if "c-lanes" not in name]
            assert subsets(api) == ["v1", "v2"]
            bug.group = ""
            await api.drop("lanes", "", "h2")
            await until(lambda: subsets(api) == ["v1", "v2", "v3"])
            await until(lambda: status(api, "v1", "Programmed") == "True")


async def test_errors_in_an_object_after_a_bug_do_not_remove_what_was_applied() -> None:
    async with declared() as api:
        bug = Bug()
        async with operating(api, dialect=replace(DIALECT, emit=bug.emit)):
            bug.group = "g"
            await api.write("lanes", lane("v3", "b"), created="2026-01-03T00:00:00Z")
            await until(lambda: condition(lane_of(api, "v2"), "Programmed")[1] == "InternalError")
            api.writes.clear()
            await api.write("lanes", lane("v2", "nowhere"))
            bug.group = ""
            await api.drop("lanes", "", "v3")
            for _ in range(2):
                await until(lambda: condition(lane_of(api, "v2"), "Programmed")[1] == "Held")
                await api.write("services", service("d"))
                await until(lambda: status(api, "v2", "Accepted") == "False")
            assert changes(api) == []
            assert subsets(api) == ["v1", "v2"]


async def test_groups_that_share_a_gateway_keep_its_routes() -> None:
    async with two_groups() as api:
        await api.write("gateways", gateway())
        for name, services in (("g", "ab"), ("h", "c")):
            await api.write("lanegroups", group(*services, name=name, gateway={"name": "gate"}))
        for version, of, target in (("v1", "g", "b"), ("h1", "h", "c")):
            entry = {"name": "e", "hosts": [f"{target}.example.com"], "destination": target}
            await api.write("lanes", lane(version, of=of, ingress=[entry]))
        real, bug = istio(b"\0asm"), Bug()

        def emitted(mesh: Mesh, routes: MeshRoutes) -> Iterator[Object]:
            yield from real.emit(mesh, routes)
            if bug.group in [group.name for group in mesh.groups]:
                raise KeyError

        async with operating(api, dialect=replace(real, emit=emitted)):
            entries = {p for p in api.objects if p[0] == "virtualservices" and "gate" in p[2]}
            assert len(entries) == 2
            bug.group = "h"
            await api.write("lanes", lane("v4", "b"), created="2026-03-01T00:00:00Z")
            await until(lambda: status(api, "v4", "Programmed") == "True")
            assert entries <= api.objects.keys()
            assert group_condition(api, "h", "Programmed")[1] == "InternalError"


@pytest.mark.parametrize("what", ["accept", "lower", "reconcile"])
async def test_a_bug_at_any_stage_of_planning(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    real: Callable[..., Any] = getattr(planning, what)

    def faulty(*arguments: Any) -> Any:
        if any("h1" in _names_in(each) for each in arguments[:2]):
            raise AssertionError(what)
        return real(*arguments)

    monkeypatch.setattr(planning, what, faulty)
    async with two_groups() as api, operating(api):
        await until(lambda: status(api, "v2", "Programmed") == "True")
        assert RULE_OF_C not in api.objects
        _, reason, message = condition(lane_of(api, "h1"), "Programmed")
        assert reason == "InternalError"
        assert f"AssertionError: {what}" in message


def _names_in(what: Any) -> set[str]:
    """Of lanes: in manifests, in a mesh, in generated objects."""
    if isinstance(what, Mesh):
        return {lane.name for lane in what.lanes}
    if not isinstance(what, list):
        return set()
    subsets = [s for each in what for s in each.get("spec", {}).get("subsets", ())]
    return {each["metadata"]["name"] for each in what} | {subset["name"] for subset in subsets}


async def test_a_bug_met_in_a_service_stops_the_group_that_lists_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = acceptance.accept

    def faulty(declared: Any, context: Any, *others: Any) -> Any:
        if "c" in [each["metadata"]["name"] for each in context]:
            raise RecursionError("deep")
        return real(declared, context, *others)

    monkeypatch.setattr(planning, "accept", faulty)
    async with two_groups() as api, operating(api):
        await until(lambda: status(api, "v2", "Programmed") == "True")
        assert group_condition(api, "h", "Accepted")[1] == "InternalError"
        await api.drop("lanes", "", "h1")
        await api.drop("lanegroups", "", "h")
        await api.write("lanes", lane("v3", "b"), created="2026-03-01T00:00:00Z")
        await until(lambda: subsets(api) == ["v1", "v2", "v3"])


async def test_a_bug_that_no_object_can_be_blamed_for_holds_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with two_groups() as api:
        passes = Passes()
        async with operating(api, passes) as operator:
            await until(lambda: status(api, "h1", "Programmed") == "True")
            before = {p: o for p, o in api.objects.items() if p[0] == "virtualservices"}

            def lower(mesh: Mesh) -> MeshRoutes:
                raise ZeroDivisionError

            monkeypatch.setattr(planning, "lower", lower)
            api.writes.clear()
            await api.write("lanes", lane("v3", "b"))
            await until(lambda: group_condition(api, "g", "Ready")[1] == "InternalError")
            await until(lambda: group_condition(api, "h", "Ready")[1] == "InternalError")
            assert changes(api) == []
            assert {p: o for p, o in api.objects.items() if p[0] == "virtualservices"} == before
            await until(lambda: passes[-1].failures)
            assert operator.leads


async def test_a_bug_while_an_object_is_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    real = KubeCluster.apply

    async def faulty(self: KubeCluster, manifest: Manifest, before: Manifest | None) -> None:
        if manifest["metadata"]["name"] == "c-lanes":
            raise TypeError("of the client")
        await real(self, manifest, before)

    monkeypatch.setattr(KubeCluster, "apply", faulty)
    async with two_groups() as api, operating(api):
        await until(lambda: status(api, "v2", "Programmed") == "True")
        assert ROUTES in api.objects
        state, reason, message = condition(lane_of(api, "h1"), "Programmed")
        assert (state, reason) == ("False", "Failed")
        assert "TypeError: of the client" in message


async def test_a_bug_in_one_objects_status(monkeypatch: pytest.MonkeyPatch) -> None:
    real = conditions

    def faulty(manifest: Manifest, *others: Any) -> Any:
        if manifest["metadata"]["name"] == "h1":
            raise IndexError
        return real(manifest, *others)

    monkeypatch.setattr(reconciler, "conditions", faulty)
    passes = Passes()
    async with two_groups() as api, operating(api, passes):
        await until(lambda: status(api, "v2", "Programmed") == "True")
        assert "IndexError" in passes[0].failures[0]


async def test_a_bug_in_reading_an_object_of_a_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    real = retained_fields._declared

    def faulty(item: Object) -> Object:
        if item["metadata"]["name"] == "v2":
            raise KeyError("odd")
        return real(item)

    async with declared() as api:
        async with operating(api):
            await until(lambda: status(api, "v2", "Programmed") == "True")
        monkeypatch.setattr(retained_fields, "_declared", faulty)
        async with operating(api):
            await api.write("lanes", lane("v3", "b"), created="2026-03-01T00:00:00Z")
            await until(lambda: subsets(api) == ["v1", "v2", "v3"])
            assert RULE in api.objects
