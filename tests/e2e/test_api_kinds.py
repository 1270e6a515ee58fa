"""Change sets, promotions and rollbacks on real proxies, by kubectl."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.kubectls import Kubectl
from tests.e2e.scenarios import EXPECTED, answer
from tests.e2e.test_kubectl import (
    LANES,
    REST,
    documents,
    kubectl_for,
    path_of,
    serving,
    under_load,
    until_path,
    version,
)

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

__all__ = ["version"]  # a fixture

WORKLOADS = documents("workloads.yaml")


def asked(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "api.laneway.dev/v1alpha1", "kind": kind, "spec": spec}


def change_set(*objects: dict[str, Any], **more: Any) -> dict[str, Any]:
    return asked("ChangeSet", {"source": "shop", "objects": list(objects), **more})


async def create(kubectl: Kubectl, given: dict[str, Any], *options: str) -> dict[str, Any]:
    output = await kubectl("create", "-f", "-", "-o", "yaml", *options, given=given)
    status: dict[str, Any] = yaml.safe_load(output)["status"]
    return status


async def test_the_articles_steps_as_change_sets_cost_no_request(
    tmp_path: Path, version: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    everything = [*WORKLOADS, *LANES.values()]
    async with serving(tmp_path) as served:
        kubectl = await kubectl_for(served, tmp_path, version, capsys)
        status = await create(
            kubectl, change_set(*everything, wait=True, timeoutSeconds=300, message="first")
        )
        assert status["ready"] is True, status
        first = int(status["revision"])
        async with under_load(served) as answers:
            # What the answer says is so: the next request goes there.
            promotion = asked("Promotion", {"group": "test", "lane": "s2", "services": ["mocka"]})
            dry = await create(kubectl, promotion, "--dry-run=server")
            assert dry["revision"] is None
            changed = [path["request"]["headers"] for path in dry["changedPaths"]]
            assert {"my-request-id": "s3"} in changed
            promoted = await create(kubectl, promotion)
            assert await path_of(served, "s3") == answer("v2", "v3", "v1")
            await create(kubectl, asked("Rollback", {"revision": first}))
            assert await path_of(served, "s3") == EXPECTED["s3"]
            fewer = [each for each in everything if each is not LANES["Lane s3"]]
            await create(kubectl, change_set(*fewer, prune=True, force=True))
            assert await path_of(served, "s3") == EXPECTED["s1"]
        lost = [each for each in answers if each.status != 200 or "FAILED" in each.body]
        assert not lost, lost[:3]
        assert len(answers) > 20
        await check_lists(kubectl, first, int(promoted["revision"]))


async def check_lists(kubectl: Kubectl, first: int, promoted: int) -> None:
    listed = (await kubectl("get", "revisions")).splitlines()
    assert listed[0].split() == ["NAME", "AUTHOR", "SOURCE", "CHANGES", "MESSAGE", "AGE"]
    named = [line.split()[0] for line in listed[1:]]
    assert {str(first), str(promoted)} <= set(named)
    revision = json.loads(await kubectl("get", "revision", str(promoted), "-o", "json"))
    assert [change["name"] for change in revision["status"]["changes"]] == ["test"]
    traffic = json.loads(await kubectl("get", "traffic", "test", "-o", "json"))
    assert {each["lane"] for each in traffic["status"]["lanes"]} >= {"s1", "s2"}
    assert traffic["status"]["requests"] > 20
    proxies = json.loads(await kubectl("get", "proxies", "-o", "json"))["items"]
    assert len(proxies) == 10
    assert all(each["status"]["connected"] for each in proxies)
    listed_events = await kubectl("get", "events")
    assert "AcknowledgedByProxies" in listed_events
    assert "InstancesReady" in listed_events
    described = await kubectl("describe", "lane", "s1")
    assert "Events:" in described
    assert "AcknowledgedByProxies" in described.partition("Events:")[2]
    of_workload = (await kubectl("describe", "workload", "mocka-v1")).partition("Events:")[2]
    assert "Started" in of_workload
    assert "Programmed" not in of_workload


async def test_a_list_is_applied_as_its_items_are(
    tmp_path: Path, version: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """kubectl validates a ``kind: List`` by OpenAPI v2, and its items on the server."""
    services = [each for each in WORKLOADS if each["kind"] == "Service"]
    whole: dict[str, Any] = {"apiVersion": "v1", "kind": "List", "items": services}
    async with serving(tmp_path) as served:
        kubectl = await kubectl_for(served, tmp_path, version, capsys)
        await kubectl("apply", "-f", "-", given=whole)
        found = json.loads(await kubectl("get", "services", "-o", "json"))["items"]
        assert len(found) == 3
        misspelt = {**services[0], "spec": {**services[0]["spec"], "prots": []}}
        whole["items"] = [misspelt, *services[1:]]
        errors = await kubectl("apply", "-f", "-", given=whole, fails=True)
        assert "did you mean ports?" in errors


async def test_a_change_set_of_which_a_process_cannot_start_changes_nothing(
    tmp_path: Path, version: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(tmp_path) as served:
        kubectl = await kubectl_for(served, tmp_path, version, capsys)
        sound = [*REST, *WORKLOADS, LANES["LaneGroup test"], LANES["Lane s1"]]
        await create(kubectl, change_set(*sound, wait=True, timeoutSeconds=300))
        before = served.store.latest
        (broken,) = [each for each in WORKLOADS if each["metadata"]["name"] == "mocka-v3"]
        broken = {**broken, "metadata": {**broken["metadata"], "name": "mocka-v4"}}
        broken["spec"] = {**broken["spec"], "command": ["/no/such/program"]}
        given = change_set(LANES["Lane s2"], broken)
        async with under_load(served) as answers:
            errors = await kubectl("create", "-f", "-", given=given, fails=True)
        assert "/no/such/program" in errors
        lost = [each for each in answers if each.status != 200 or "FAILED" in each.body]
        assert answers
        assert not lost, lost[:3]
        assert {key.name for key in served.store.objects} & {"s2", "mocka-v4"} == set()
        assert [lane.name for lane in served.embedded.mesh.lanes] == ["s1"]
        assert all(
            revision.draft.reason == "status"
            for revision in await served.store.revisions(before, 100)
        )
        assert await until_path(served, "s2", EXPECTED["s1"])
