"""Every document of the examples is one that an API server with these CRDs takes, whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.conftest import EXAMPLES, ROOT, documents
from tests.workflows.validation import built_in, errors, problems

from laneway.adapters.files import read
from laneway.model.codes import Code
from laneway.model.selection import Selection

PAGE = ROOT / "docs" / "how-to" / "workflows.md"
FOLDERS = ["argo-rollouts", "github-actions", "kruise-rollout"]
DOCUMENTS = [
    pytest.param(document, id=f"{folder} {document['kind']} {document['metadata']['name']}")
    for folder in FOLDERS
    for document in documents(folder)
]


def of(folder: str, kind: str) -> list[dict[str, Any]]:
    return [document for document in documents(folder) if document["kind"] == kind]


def test_every_folder_is_looked_at() -> None:
    assert sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()) == FOLDERS


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_api_server_takes_it(document: dict[str, Any]) -> None:
    assert problems(document) == []
    template = document.get("spec", {}).get("template")
    if template:
        assert errors(built_in("PodTemplateSpec"), template) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_misspelt_field_would_be_noticed(document: dict[str, Any]) -> None:
    if spec := document.get("spec"):
        assert problems({**document, "spec": {**spec, "misspelt": 1}})
    else:
        assert problems({**document, "misspelt": 1})


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_lanes_are_valid(folder: str) -> None:
    reading = read([str(EXAMPLES / folder)])
    assert {finding.code for finding in reading.findings} == {Code.IGNORED_KIND}


@pytest.mark.parametrize("folder", FOLDERS)
def test_workloads_select_their_pods_and_services_find_them(folder: str) -> None:
    workloads = [d for d in documents(folder) if "template" in d.get("spec", {})]
    services = {d["metadata"]["name"]: d["spec"]["selector"] for d in of(folder, "Service")}
    for workload in workloads:
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert workload["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert services[labels["app"]].items() <= labels.items()
    assert {w["metadata"]["name"] for w in workloads} <= services.keys()


def test_neither_rollout_routes_traffic_itself() -> None:
    (argo,) = of("argo-rollouts", "Rollout")
    assert "trafficRouting" not in str(argo)
    (kruise,) = of("kruise-rollout", "Rollout")
    assert "trafficRouting" not in str(kruise)


def test_argo_s_own_service_is_none_that_lanes_divide() -> None:
    """Argo narrows its selector to the active version; lanes need the pods of all versions."""
    (rollout,) = of("argo-rollouts", "Rollout")
    active = rollout["spec"]["strategy"]["blueGreen"]["activeService"]
    (group,) = of("argo-rollouts", "LaneGroup")
    assert f"shop/{active}" not in group["spec"]["services"]
    assert active in [service["metadata"]["name"] for service in of("argo-rollouts", "Service")]


def test_the_analysis_asks_the_lane_that_previews() -> None:
    (rollout,) = of("argo-rollouts", "Rollout")
    (template,) = of("argo-rollouts", "AnalysisTemplate")
    analysis = rollout["spec"]["strategy"]["blueGreen"]["prePromotionAnalysis"]
    assert analysis["templates"] == [{"templateName": template["metadata"]["name"]}]
    given = {argument["name"]: argument["value"] for argument in analysis["args"]}
    taken = {argument["name"] for argument in template["spec"]["args"]}
    assert given.keys() <= taken
    assert given["lane"] in [lane["metadata"]["name"] for lane in of("argo-rollouts", "Lane")]
    used = set(re.findall(r"\{\{args\.(\w+)\}\}", str(template)))
    assert used == taken
    (metric,) = template["spec"]["metrics"]
    (group,) = of("argo-rollouts", "LaneGroup")
    header = group["spec"]["routeHeader"]
    assert header in [h["key"] for h in metric["provider"]["web"]["headers"]]


def test_what_the_page_names_exists() -> None:
    named = set(re.findall(r"\]\(\.\./\.\./(examples/workflows/[^)]+)\)", PAGE.read_text()))
    assert {f"examples/workflows/{folder}" for folder in FOLDERS} <= named
    assert not [path for path in named if not (ROOT / path).exists()]


BASELINE = """
apiVersion: laneway.dev/v1alpha1
kind: LaneGroup
metadata: {name: shop}
spec: {routeHeader: x-lane, services: [web, cart]}
---
apiVersion: laneway.dev/v1alpha1
kind: Lane
metadata: {name: main}
spec: {group: shop, selector: {version: main}}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {selector: {app: cart}, ports: [{port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 8080}]}
"""


def test_a_developer_joins_by_the_file_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "baseline.yaml").write_text(BASELINE)
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "me.yaml").write_text(block)
    mesh = read([str(tmp_path)]).mesh
    (joined,) = (lane for lane in mesh.lanes if lane.name == "me")
    (cart,) = joined.services
    (workload,) = Selection(mesh).workloads(mesh.services_by_name[cart], joined)
    assert workload.address == "127.0.0.1:9000"


def grants(account: str) -> dict[tuple[str, str], set[str]]:
    """By API group and resource, the verbs; a resource with one name is ``resource/name``."""
    roles = {(d["kind"], d["metadata"]["name"]): d for d in documents("github-actions")}
    found: dict[tuple[str, str], set[str]] = {}
    for binding in documents("github-actions"):
        if account not in [subject["name"] for subject in binding.get("subjects", ())]:
            continue
        role = roles[binding["roleRef"]["kind"], binding["roleRef"]["name"]]
        for rule in role["rules"]:
            (group,), (resource,) = rule["apiGroups"], rule["resources"]
            name = "/".join([resource, *rule.get("resourceNames", ())])
            found.setdefault((group, name), set()).update(rule["verbs"])
    return found


def test_the_accounts_may_do_what_the_scripts_do_and_no_more() -> None:
    """Only releases change the group, which decides what every user gets."""
    everything = {"create", "delete", "get", "list", "patch", "watch"}
    common = {("laneway.dev", "lanes"): everything, ("apps", "deployments"): everything}
    group = ("laneway.dev", "lanegroups/shop")
    assert grants("previews") == {**common, group: {"get"}}
    assert grants("releases") == {**common, group: {"get", "patch"}}
