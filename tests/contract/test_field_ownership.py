"""Who owns which fields, on laneway's own server and on a cluster's (see ``test_objects``)."""

from __future__ import annotations

import pytest
from tests.contract.conftest import Server
from tests.contract.media_types import APPLY, JSON_PATCH, MERGE
from tests.wiring.api_servers import V1

pytestmark = pytest.mark.slow


async def test_server_side_apply_owns_fields(server: Server) -> None:
    path, flux, jack = server.path(), {"fieldManager": "flux"}, {"fieldManager": "jack"}
    made = await server.patch(APPLY, path, server.lane(weight=10), 201, flux)
    (entry,) = made["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("flux", "Apply")
    assert "f:weight" in entry["fieldsV1"]["f:spec"]
    conflict = await server.patch(APPLY, path, server.lane(weight=20), 409, jack)
    assert conflict["reason"] == "Conflict"
    (cause,) = conflict["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".spec.weight")
    assert '"flux"' in cause["message"]
    forced = await server.patch(
        APPLY, path, server.lane(weight=20), query={"force": "true", **jack}
    )
    assert forced["spec"]["weight"] == 20
    # What a manager does not apply any more goes, unless somebody else owns it.
    less = server.lane(order=3)
    await server.patch(APPLY, path, server.lane(order=3, weight=20), query=jack)
    after = await server.patch(APPLY, path, less, query=jack)
    assert after["spec"].get("weight", 0) == 0
    assert after["spec"]["order"] == 3
    assert after["spec"]["group"] == "contract"


async def test_conflicts_are_told_by_their_owners(server: Server) -> None:
    path, zoe = server.path(), {"fieldManager": "zoe"}
    await server.patch(APPLY, path, server.lane(weight=1), 201, {"fieldManager": "flux"})
    await server.patch(MERGE, path, {"spec": {"order": 2}}, query={"fieldManager": "jack"})
    one = await server.patch(APPLY, path, server.lane(weight=9), 409, zoe)
    assert one["message"] == 'Apply failed with 1 conflict: conflict with "flux": .spec.weight'
    assert one["details"]["causes"][0]["message"] == 'conflict with "flux"'
    two = await server.patch(APPLY, path, server.lane(weight=9, order=9), 409, zoe)
    assert two["message"] == (
        'Apply failed with 2 conflicts: conflicts with "flux":\n- .spec.weight\n'
        f'conflicts with "jack" using {V1}:\n- .spec.order'
    )


async def test_owners_are_removed_by_an_empty_entry(server: Server) -> None:
    """As ``kubectl`` and its documentation do it, also to change owners."""
    await server.create(server.lane(weight=1))
    path, fields = server.path(), "/metadata/managedFields"
    made = await server.get(path)
    renamed = [{**made["metadata"]["managedFields"][0], "manager": "jack", "operation": "Apply"}]
    patch = [{"op": "replace", "path": fields, "value": renamed}]
    after = await server.patch(JSON_PATCH, path, patch)
    assert [each["manager"] for each in after["metadata"]["managedFields"]] == ["jack"]
    kept = await server.patch(MERGE, path, {"metadata": {"managedFields": []}})
    assert [each["manager"] for each in kept["metadata"]["managedFields"]] == ["jack"]
    patch = [{"op": "replace", "path": fields, "value": [{}]}]
    cleared = await server.patch(JSON_PATCH, path, patch)
    assert not cleared["metadata"].get("managedFields")
    query = {"fieldManager": "flux"}
    conflict = await server.patch(APPLY, path, server.lane(weight=2), 409, query)
    assert '"before-first-apply"' in conflict["message"]


async def test_force_is_for_server_side_apply_alone(server: Server) -> None:
    await server.create(server.lane())
    await server.patch(MERGE, server.path(), {"spec": {"weight": 1}}, 422, {"force": "true"})


async def test_an_apply_needs_a_manager(server: Server) -> None:
    status = await server.patch(APPLY, server.path(), server.lane(), 422)
    assert "fieldManager" in status["message"]


async def test_a_status_has_owners_of_its_own(server: Server) -> None:
    path, flux = server.path(), {"fieldManager": "flux", "force": "true"}
    await server.patch(APPLY, path, server.lane(weight=10), 201, flux)
    applied = {**server.lane(), "status": {"observedGeneration": 7}}
    of_spec = await server.patch(APPLY, path, {**applied, **server.lane(weight=10)}, query=flux)
    assert (of_spec.get("status") or {}).get("observedGeneration") != 7
    entries = of_spec["metadata"]["managedFields"]
    assert "f:status" not in next(e["fieldsV1"] for e in entries if e["manager"] == "flux")
    del applied["spec"]
    after = await server.patch(APPLY, f"{path}/status", applied, query=flux)
    assert (after["status"]["observedGeneration"], after["spec"]["weight"]) == (7, 10)
    patch = {"status": {"observedGeneration": 8}}
    jack = {"fieldManager": "jack"}
    after = await server.patch(MERGE, f"{path}/status", patch, query=jack)
    entries = after["metadata"]["managedFields"]
    owners = {(each["manager"], each.get("subresource", "")): each["fieldsV1"] for each in entries}
    assert owners["jack", "status"]["f:status"] == {"f:observedGeneration": {}}
    nobody = {**applied, "metadata": {"name": f"{server.run}-nobody"}}
    await server.patch(APPLY, f"{server.path('nobody')}/status", nobody, 404, flux)
