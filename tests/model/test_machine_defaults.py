"""What is assumed on one machine: Services of workloads, and gateways of groups."""

from __future__ import annotations

from dataclasses import replace

from tests.compile.meshes import GATEWAY, group, lane, name, rule, service, workload

from laneway.compile.envoy.limits import check
from laneway.model.findings import ObjectKey, Severity
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.keys import Declared, key_of
from laneway.model.machine_defaults import assumptions, machine_mesh_of
from laneway.model.services import Service
from laneway.model.workloads import Workload, WorkloadPort

BASE = lane("base", "a", rule("a"))
GROUP = group("a", gateway=None)
WORKLOAD = workload("a", "v-base")
SHOP: tuple[Declared, ...] = (GROUP, BASE, WORKLOAD)


def ports(service: Service) -> dict[int, int | str]:
    return {port.port: port.workload_port for port in service.ports}


def with_ports(each: Workload, *numbers: int) -> Workload:
    return replace(each, ports=tuple(map(WorkloadPort, numbers)))


def test_a_group_with_rules_runs_with_nothing_else_declared() -> None:
    mesh = machine_mesh_of(SHOP)
    assert [each.severity for each in check(mesh) if each.severity is Severity.ERROR] == []
    (gateway,) = mesh.gateways
    assert mesh.groups[0].gateway == gateway.name == name("test")
    assert gateway.servers == (GatewayServer(80, "http", listen=0),)


def test_a_gateway_that_a_group_names_is_assumed_by_that_name_at_the_port_it_fixes() -> None:
    mesh = machine_mesh_of([replace(GROUP, gateway=GATEWAY, listen=18080), BASE])
    (gateway,) = mesh.gateways
    assert (gateway.name, gateway.servers[0].listen) == (GATEWAY, 18080)


def test_groups_that_name_one_gateway_share_it() -> None:
    groups: list[Declared] = [replace(GROUP, gateway=GATEWAY), group("b", "other", listen=81)]
    (gateway,) = machine_mesh_of(groups).gateways
    assert (gateway.servers[0].listen, gateway.assumed_for) == (81, key_of(groups[1]))


def test_no_gateway_is_assumed_beside_a_declared_one() -> None:
    """The group's may be misspelt."""
    declared = Gateway(name("entry"), (GatewayServer(80),))
    mesh = machine_mesh_of([*SHOP, declared])
    assert mesh.gateways == (declared,)
    assert mesh.groups[0].gateway is None
    misspelt: list[Declared] = [replace(GROUP, gateway=name("entyr")), BASE, declared]
    codes = [each.code for each in check(machine_mesh_of(misspelt))]
    assert "UNKNOWN_GATEWAY" in codes


def test_nothing_is_assumed_in_the_place_of_what_has_errors() -> None:
    known = [ObjectKey("Gateway", "default/entry"), ObjectKey("Service", "default/a")]
    mesh = machine_mesh_of(SHOP, known)
    assert not mesh.gateways
    assert not mesh.services


def test_a_group_without_rules_has_no_gateway() -> None:
    assert machine_mesh_of([GROUP, lane("base", "a")]).gateways == ()


def test_a_service_leads_from_port_80_and_its_own_to_the_workloads() -> None:
    (assumed,) = machine_mesh_of([with_ports(WORKLOAD, 8000, 9000)]).services
    assert (assumed.name, assumed.selector) == (name("a"), {"app": "a"})
    assert ports(assumed) == {80: 8000, 8000: 8000, 9000: 9000}
    assert assumed.ports[0].port == 80


def test_a_service_has_the_ports_that_all_its_workloads_have() -> None:
    other = with_ports(workload("a", "v-blue"), 9000, 8000)
    (assumed,) = machine_mesh_of([WORKLOAD, other]).services
    assert ports(assumed) == {80: 8000, 8000: 8000}


def test_a_port_80_of_the_workloads_is_just_that() -> None:
    (assumed,) = machine_mesh_of([with_ports(WORKLOAD, 8000, 80)]).services
    assert ports(assumed) == {80: 80, 8000: 8000}


def test_workloads_without_a_common_port_are_told() -> None:
    other = with_ports(workload("a", "v-blue"), 9000)
    mesh = machine_mesh_of([*SHOP, other])
    assert mesh.services == ()
    (finding,) = (each for each in check(mesh) if each.code == "UNKNOWN_SERVICE")
    assert finding.fix == "declare it: the Workloads of app a have no port in common"


def test_workloads_that_a_declared_service_selects_get_no_other() -> None:
    by_another_name = replace(service("b"), selector={"app": "a"})
    assert machine_mesh_of([*SHOP, by_another_name]).services == (by_another_name,)


def test_a_service_that_selects_only_some_versions_is_not_in_the_way() -> None:
    some = replace(service("a-blue"), selector={"app": "a", "version": "v-blue"})
    mesh = machine_mesh_of([WORKLOAD, workload("a", "v-blue"), some])
    assert [each.name for each in mesh.services] == [name("a-blue"), name("a")]


def test_a_declared_service_of_the_name_stays_as_it_is() -> None:
    declared = service("a", 8000)
    assert machine_mesh_of([*SHOP, declared]).services == (declared,)


def test_a_label_that_is_no_name_makes_no_service() -> None:
    assert machine_mesh_of([replace(WORKLOAD, labels={"app": "Shop_Cart"})]).services == ()
    assert machine_mesh_of([replace(WORKLOAD, labels={})]).services == ()


def test_findings_about_what_is_assumed_are_of_what_is_declared() -> None:
    """A port that is fixed twice, by a group and a workload."""
    fixed = replace(WORKLOAD, ports=(WorkloadPort(8000, listen=18080),))
    mesh = machine_mesh_of([replace(GROUP, listen=18080), BASE, fixed])
    (finding,) = (each for each in check(mesh) if each.severity is Severity.ERROR)
    assert finding.code == "CONFLICTING_LISTEN_PORT"
    assert finding.subject == key_of(GROUP)


def test_a_port_of_a_group_whose_gateway_is_declared_has_no_effect() -> None:
    declared = Gateway(name("entry"), (GatewayServer(80),))
    mesh = machine_mesh_of([replace(GROUP, gateway=declared.name, listen=1), BASE, declared])
    (finding,) = (each for each in check(mesh) if each.code == "NO_EFFECT")
    assert "Gateway default/entry is declared" in finding.message


def test_a_cluster_is_told_of_everything_that_is_assumed() -> None:
    found = list(assumptions(machine_mesh_of(SHOP)))
    assert [(each.code, each.subject) for each in found] == [
        ("ASSUMED_OBJECT", key_of(WORKLOAD)),
        ("ASSUMED_OBJECT", key_of(GROUP)),
    ]
