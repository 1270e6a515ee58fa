"""The record that one program leaves to the next one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from pydantic import TypeAdapter
from tests.schema.object_strategies import meshes

from laneway.adapters.runner.records import (
    DirectoryRecord,
    PortRecord,
    ProcessRecord,
    ProxyRecord,
    ReaperRecord,
    RunnerRecord,
    SupervisorRecord,
    WorkloadRecord,
)
from laneway.model.findings import ObjectKey
from laneway.model.keys import Declared
from laneway.model.machine_defaults import machine_mesh_of
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Address, CallPlacement, GatewayPlacement, SidecarPlacement
from laneway.model.workloads import Workload, WorkloadPort
from laneway.wiring.handover import Handover, HandoverUnreadable, RunningMesh
from laneway.wiring.recorded_meshes import RecordedObject, mesh_of_recorded, recorded

GOLDEN = Path(__file__).with_name("golden") / "handover.json"


def supervisor(*descriptors: int | None) -> SupervisorRecord:
    process = ProcessRecord(100, 101, 5000, *descriptors) if descriptors else None
    return SupervisorRecord(process, ready=True, restarts=1, ends=2, ended_with=-9)


def handover() -> Handover:
    """Its descriptors are the numbers from 11 on."""
    web, at = ObjectName("default", "web"), Address("127.0.0.1", 20001)
    calls = {"CART_URL": CallPlacement(at, "cart.default")}
    runner = RunnerRecord(
        DirectoryRecord("/run/laneway-1", own=True, lock=11),
        "/run/laneway-1/logs",
        ReaperRecord(102, 12, (100,)),
        3,
        (ProxyRecord("sidecar~web.default", 2, 4, 13, supervisor(None, 14)),),
        (
            WorkloadRecord("default/web~2", supervisor(15, 16)),
            WorkloadRecord("default/cart", supervisor()),
        ),
    )
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"ports": [{"port": 80}]},
    }
    mesh = RunningMesh(
        (RecordedObject(document, ObjectKey("Workload", "default/web")),),
        (SidecarPlacement(web, {80: at}, {80: at}, at, 2, calls),),
        (GatewayPlacement(ObjectName("default", "entry"), {80: at}, 3),),
        {"default/web": "default/web~2"},
        {"sidecar~web.default": "secret"},
        (PortRecord(20001, "Workload default/web", 17, 18), PortRecord(20002, "x", None, 19)),
        runner,
        "0123abcd",
    )
    listening = {"/data/api.sock": 21, "API 127.0.0.1:0": 22}
    return Handover(mesh, 20, listening, {"default/web": "crash loop"}, entry=23)


def test_it_is_read_as_it_was_written() -> None:
    assert Handover.decoded(handover().encoded()) == handover()


def test_all_descriptors_are_passed_on() -> None:
    assert handover().descriptors == frozenset(range(11, 24))
    assert replace(handover(), entry=None).descriptors == frozenset(range(11, 23))


def test_a_change_of_the_record_is_noticed(golden: Any) -> None:
    """If this fails, increase ``handover.VERSION``, and then update the file."""
    schema = TypeAdapter(Handover).json_schema()
    golden(GOLDEN, json.dumps(schema, indent=1, sort_keys=True) + "\n")


def changed(**fields: object) -> bytes:
    return json.dumps({**json.loads(handover().encoded()), **fields}).encode()


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (changed(version=2), "it has version 2, and not 1"),
        (changed(version=None), "it has version None, and not 1"),
        (changed(store="a lock"), "store"),
        (changed(mesh=None), "mesh"),
        (b"", "it cannot be read"),
        (b"[]", "it cannot be read"),
        (handover().encoded()[:-1], "it cannot be read"),
        (handover().encoded().replace(b'"Service"', b'"Servant"'), "cannot be read"),
        (handover().encoded().replace(b'{"port":80}', b'{"port":-1}'), "ports"),
    ],
)
def test_another_version_or_a_damaged_record_is_refused(record: bytes, reason: str) -> None:
    with pytest.raises(HandoverUnreadable, match=reason):
        Handover.decoded(record)


def test_what_was_assumed_for_a_mesh_is_recorded() -> None:
    web = Workload(ObjectName("default", "web"), {"app": "web"}, (WorkloadPort(80),), ("true",))
    mesh = machine_mesh_of([web])
    assert [each.assumed_for for each in mesh.services] == [ObjectKey("Workload", "default/web")]
    assert mesh_of_recorded(recorded(mesh)) == mesh


@given(meshes())
def test_a_mesh_is_the_same_when_it_is_read(mesh: Mesh) -> None:
    """With what was assumed for it."""
    objects: Sequence[Declared] = (*mesh.groups, *mesh.lanes, *mesh.services, *mesh.workloads)
    for each in (mesh, machine_mesh_of(objects)):
        json_of = TypeAdapter(tuple[RecordedObject, ...])
        written = json_of.dump_json(recorded(each))
        assert mesh_of_recorded(json_of.validate_json(written)) == each
