"""Change sets and previews in a cluster: tried as a whole, written one by one, as the user may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from tests.e2e.kubectls import VERSIONS, Kubectl, program
from tests.faces.operator.certificate_authorities import Authority
from tests.wiring.aggregated_apis import Served, served, write
from tests.wiring.aggregating_clusters import authorities
from tests.wiring.api_servers import API, ENTRY, LANES, V1, group, lane, manifest, service

from laneway.apiserver.cluster_change_sets import MOST_OBJECTS

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _logging() -> None:
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Authority]:
    return authorities(tmp_path_factory.mktemp("authorities"))


@pytest.fixture
async def found(tmp_path: Path, made: tuple[Authority, Authority]) -> AsyncIterator[Served]:
    """Jane may change lanes and groups; Joe may create change sets, and may change nothing."""
    async with served(tmp_path, made) as found:
        found.cluster.allow("dev", "create", "changesets")
        found.cluster.allow("joe", "create", "changesets")
        for verb in ("create", "patch", "delete"):
            found.cluster.allow("jane", verb, "lanes", "lanegroups")
        yield found


async def change(
    found: Served, *objects: dict[str, Any], user: str = "jane", query: str = "", **more: Any
) -> tuple[int, Any]:
    spec = {"source": "shop", "objects": list(objects), **more}
    return await found.cluster.create("changesets", "ChangeSet", spec, user, query)


def writes(found: Served) -> list[tuple[str, str]]:
    """What the operator wrote of lanes and groups: how, and what."""
    listed = []
    for user, how, path in found.cluster.writes:
        if path.startswith(f"/apis/{V1}/"):
            assert user == "operator"
            listed.append((how, path.partition("?")[0].removeprefix(f"/apis/{V1}/")))
    return listed


async def names(found: Served, plural: str = "lanes") -> list[str]:
    answer = await found.cluster.api.client.get(f"/apis/{V1}/{plural}")
    return sorted(each["metadata"]["name"] for each in answer.json()["items"])


async def test_all_is_tried_before_anything_is_written(found: Served) -> None:
    code, answer = await change(found, lane("s3"), lane("s2"), message="release 1.8")
    assert code == 201, answer
    status = answer["status"]
    assert (status["atomic"], status["revision"]) == (False, None)
    assert [(each["name"], each["operation"]) for each in status["objects"]] == [
        ("s3", "created"),
        ("s2", "created"),
    ]
    how, what = zip(*writes(found), strict=True)
    assert how == ("dry PATCH", "dry PATCH", "real PATCH", "real PATCH")
    assert what[2:] == ("lanes/s3", "lanes/s2")
    live = (await found.cluster.api.client.get(f"{LANES}/s3")).json()
    assert live["metadata"]["managedFields"][0]["manager"] == "shop"


async def test_events_tell_who_changed_what(found: Served) -> None:
    await change(found, lane("s2"), message="release 1.8")
    (event,) = found.cluster.rest.of("events")
    assert event["note"] == "jane changed it, by a ChangeSet of shop: release 1.8"
    assert (event["regarding"]["kind"], event["regarding"]["name"]) == ("Lane", "s2")


async def test_an_event_that_cannot_be_written_fails_nothing(found: Served) -> None:
    found.cluster.failing["real POST /apis/events.*"] = (403, "no events")
    assert (await change(found, lane("s2"), lane("s3")))[0] == 201


async def test_what_stands_already_is_not_written(found: Served) -> None:
    await change(found, lane("s2"))
    found.cluster.writes.clear()
    _, answer = await change(found, lane("s2"), lane("s3"))
    assert [each["operation"] for each in answer["status"]["objects"]] == ["unchanged", "created"]
    assert [what for how, what in writes(found) if how.startswith("real")] == ["lanes/s3"]


async def test_a_dry_run_writes_nothing_and_shows_other_paths(found: Served) -> None:
    code, answer = await change(found, lane("s2"), query="?dryRun=All")
    assert code == 201, answer
    assert answer["status"]["objects"][0]["operation"] == "created"
    assert answer["status"]["changedPathsTotal"] > 0
    assert "x-lane: s2" in answer["status"]["changedPaths"][0]["curl"]
    assert all(how.startswith("dry") for how, _ in writes(found))
    assert "s2" not in await names(found)


REFUSED: list[tuple[list[dict[str, Any]], dict[str, Any], int, str]] = [
    ([lane("s2"), lane("s3", servces=[])], {}, 422, "did you mean services?"),
    ([lane("s2"), lane("s3", group="bank")], {}, 422, "spec.objects[1].spec.group"),
    ([lane("s2"), lane("s1", selector={"version": "x"})], {}, 409, '"admin"'),
    ([lane("s2"), lane("s2")], {}, 422, "in the request twice"),
    ([lane("s2"), service("web")], {}, 422, "use kubectl for the rest"),
    ([lane("s2"), manifest("Workload", "w", {})], {}, 422, "use kubectl for the rest"),
    ([lane("s2"), manifest("Laine", "w", {})], {}, 422, "spec.objects[1]"),
    (
        [lane("s2")],
        {"deletions": [{"apiVersion": V1, "kind": "Lane", "name": "s9"}]},
        422,
        "there is no Lane s9",
    ),
]


async def test_nothing_is_written_if_anything_is_refused(found: Served) -> None:
    for objects, more, code, said in REFUSED:
        answer = await change(found, *objects, **more)
        assert (answer[0], said in str(answer[1])) == (code, True), str(answer)
    assert writes(found) == []
    assert await names(found) == ["s1", "z"]


async def test_more_objects_than_a_cluster_takes_are_refused(found: Served) -> None:
    many = [lane(f"x{number}") for number in range(MOST_OBJECTS + 1)]
    code, answer = await change(found, *many)
    assert (code, "takes 500 at a time" in str(answer)) == (422, True)
    assert len(found.cluster.reviews) == 1


async def test_what_only_the_api_server_refuses_is_refused_too(found: Served) -> None:
    denied = "admission webhook denied the request: not on Fridays"
    found.cluster.failing[r"dry PATCH .*/lanes/s3"] = (422, denied)
    code, answer = await change(found, lane("s2"), lane("s3"))
    assert code == 422
    (cause,) = answer["details"]["causes"]
    assert (cause["field"], "not on Fridays" in cause["message"]) == ("spec.objects[1]", True)
    assert await names(found) == ["s1", "z"]


async def test_an_api_server_that_fails_while_trying_is_no_refusal(found: Served) -> None:
    found.cluster.failing[r"dry PATCH .*/lanes/s3"] = (500, "etcd is away")
    code, answer = await change(found, lane("s2"), lane("s3"))
    assert (code, "nothing was changed" in str(answer)) == (503, True)
    assert await names(found) == ["s1", "z"]


async def test_a_failure_half_way_says_what_is_written(found: Served) -> None:
    found.cluster.failing[r"real PATCH .*/lanes/s3"] = (422, "quota")
    code, answer = await change(found, lane("s2"), lane("s3"), lane("s4"))
    assert code == 500
    assert answer["details"]["atomic"] is False
    assert answer["message"] == (
        "ChangeSet was written in part, since a cluster writes object by object; written: "
        "lanes.laneway.dev s2 (created); failed: lanes.laneway.dev s3: patch lanes s3: quota; "
        "not written: lanes.laneway.dev s4"
    )
    assert [each["name"] for each in answer["details"]["written"]] == ["s2"]
    assert [each["name"] for each in answer["details"]["notWritten"]] == ["s4"]
    assert await names(found) == ["s1", "s2", "z"]
    assert [each["regarding"]["name"] for each in found.cluster.rest.of("events")] == ["s2"]


async def test_an_object_that_another_replaces_meanwhile_is_not_written(found: Served) -> None:
    async def replaced() -> None:
        await found.cluster.api.client.delete(f"{LANES}/s1")
        await write(found.cluster, lane("s1"))

    found.cluster.interrupt = replaced
    code, answer = await change(found, lane("s1", services=[{"name": "web"}]))
    assert (code, "written: nothing" in str(answer)) == (409, True), answer


async def test_the_cluster_is_asked_for_each_object_as_kubernetes_would(found: Served) -> None:
    deletions = [{"apiVersion": V1, "kind": "Lane", "name": "s1"}]
    code, answer = await change(found, group(), lane("s2"), deletions=deletions, force=True)
    assert code == 201, answer
    asked = [
        (
            each["resourceAttributes"]["verb"],
            each["resourceAttributes"]["resource"],
            each["resourceAttributes"].get("name"),
        )
        for each in found.cluster.reviews
    ]
    assert sorted(asked, key=str) == sorted(
        [
            ("create", "changesets", None),
            ("patch", "lanegroups", "shop"),
            ("create", "lanes", "s2"),
            ("patch", "lanes", "s2"),
            ("delete", "lanes", "s1"),
        ],
        key=str,
    )
    assert {(each["user"], *each["groups"]) for each in found.cluster.reviews} == {("jane", "dev")}


async def test_who_may_not_write_an_object_writes_none_and_learns_nothing(found: Served) -> None:
    found.cluster.allow("joe", "patch", "lanes")
    conflicting = lane("s1", selector={"version": "x"})
    code, answer = await change(found, lane("s2"), conflicting, user="joe")
    assert (code, '"joe" cannot create resource "lanes"' in str(answer)) == (403, True)
    assert "admin" not in answer["message"]
    assert writes(found) == []


async def test_prune_deletes_what_the_source_applied_before(found: Served) -> None:
    await change(found, lane("s2"), lane("s3"))
    found.cluster.allow("joe", "patch", "lanes")
    code, answer = await change(found, lane("s3"), user="joe", prune=True)
    assert (code, "cannot delete" in str(answer)) == (403, True)
    assert await names(found) == ["s1", "s2", "s3", "z"]
    code, answer = await change(found, lane("s3"), prune=True)
    assert [(e["name"], e["operation"]) for e in answer["status"]["objects"]] == [
        ("s3", "unchanged"),
        ("s2", "deleted"),
    ]
    assert await names(found) == ["s1", "s3", "z"]


async def test_lanes_are_deleted_before_their_group(found: Served) -> None:
    deletions = [
        {"apiVersion": V1, "kind": kind, "name": name}
        for kind, name in (("LaneGroup", "shop"), ("Lane", "s1"), ("Lane", "z"))
    ]
    code, answer = await change(found, deletions=deletions, force=True)
    assert code == 201, answer
    real = [what for how, what in writes(found) if how == "real DELETE"]
    assert real == ["lanes/s1", "lanes/z", "lanegroups/shop"]
    assert await names(found, "lanegroups") == []


async def test_waiting_ends_when_the_lanes_are_ready(found: Served) -> None:
    code, answer = await change(found, lane("s2"), wait=True, timeoutSeconds=30)
    assert (code, answer["status"]["ready"], answer["status"]["notReady"]) == (201, True, [])


@pytest.mark.parametrize(
    "name",
    ["s1/status", "../lanegroups/shop", "s1?force=true", "s1%2fstatus", "", ".", "S1", "s1 "],
)
async def test_a_name_is_no_path(found: Served, name: str) -> None:
    code, answer = await change(found, {**lane("s2"), "metadata": {"name": name}})
    assert code in (400, 422), answer
    assert writes(found) == []
    body = {**service("x"), "metadata": {"name": "x", "namespace": f"default/services/{name}"}}
    spec = {"source": "shop", "objects": [body, {**service("x"), "metadata": {"name": name}}]}
    assert (await found.cluster.create("previews", "Preview", spec))[0] in (400, 422)


async def test_a_preview_shows_other_paths_and_writes_nothing(found: Served) -> None:
    spec = {"source": "shop", "objects": [lane("s2")]}
    found.cluster.allowed = {("dev", "create", "previews")}
    code, answer = await found.cluster.create("previews", "Preview", spec)
    assert code == 201, answer
    assert answer["status"]["changedPathsTotal"] > 0
    assert found.cluster.writes == []


async def test_a_preview_takes_services_and_gateways_as_a_cluster_has_them(found: Served) -> None:
    web = service("web")
    web["spec"] |= {"sessionAffinity": "ClientIP", "ports": [{"port": 81, "targetPort": 80}]}
    spec = {"source": "shop", "objects": [web, service("new"), ENTRY], "force": True}
    code, answer = await found.cluster.create("previews", "Preview", spec)
    assert code == 201, answer
    assert [(e["name"], e["operation"]) for e in answer["status"]["objects"]] == [
        ("web", "configured"),
        ("new", "created"),
        ("entry", "configured"),
    ]


@pytest.mark.parametrize("version", VERSIONS[-1:])
async def test_kubectl_creates_a_change_set(found: Served, version: str) -> None:
    if (path := program(version)) is None:
        pytest.skip(f"kubectl {version} is not installed: `make develop` installs it")
    kubectl = Kubectl(path, found.cluster.kubeconfig("jane"))
    spec = {"source": "shop", "objects": [lane("s2"), lane("s3")]}
    asked = {"apiVersion": API, "kind": "ChangeSet", "spec": spec}
    answer = await kubectl("create", "-f", "-", "-o", "yaml", "--dry-run=server", given=asked)
    assert yaml.safe_load(answer)["status"]["atomic"] is False
    assert await names(found) == ["s1", "z"]
    found.cluster.failing[r"real PATCH .*/lanes/s3"] = (422, "quota")
    said = await kubectl("create", "-f", "-", given=asked, fails=True)
    assert "not written" in said or "failed: lanes.laneway.dev s3" in said
    assert await names(found) == ["s1", "s2", "z"]
