"""The chart and the manifests: one source, least privilege, restricted pods."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from deploy.charts import (
    CHART,
    MANIFESTS,
    NAMESPACE,
    NotUnderstood,
    crds,
    documents,
    manifests,
    render,
)
from prometheus_client import generate_latest
from tests.conftest import Golden

from laneway import __version__
from laneway.adapters.kube.resources import DECLARED, EVENTS, LEASES, WATCHED, Resource, generated
from laneway.compile.istio.kinds import KINDS
from laneway.faces.operator.app import operator
from laneway.faces.operator.metrics import Metrics
from laneway.faces.operator.webhook import PATH
from laneway.schema.crds import custom_resource_definitions as custom_resources

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "operator.md"

Document = dict[str, Any]
Grant = tuple[str, str, str]  # API group, resource, verb


def only(kind: str, **values: Any) -> Document:
    (found,) = (document for document in documents(values) if document["kind"] == kind)
    return found


def grants(role: Document) -> set[Grant]:
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def needed(found: tuple[Resource, ...]) -> set[Grant]:
    return {(r.group, r.plural, verb) for r in found for verb in r.verbs}


def container(**values: Any) -> Document:
    (found,) = only("Deployment", **values)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def test_the_manifests_are_the_charts() -> None:
    assert read(MANIFESTS) == dict(manifests()), "run: python deploy/charts.py"
    assert read(CHART / "crds") == dict(crds()), "run: python deploy/charts.py"


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.yaml")}


def test_the_cluster_role_grants_what_is_used_and_no_more() -> None:
    statuses = {(r.group, f"{r.plural}/status", "patch") for r in DECLARED}
    assert (
        grants(only("ClusterRole"))
        == needed((*WATCHED, *generated(KINDS).values(), EVENTS)) | statuses
    )


def test_the_lease_is_granted_in_the_operators_namespace_only() -> None:
    role = only("Role")
    assert role["metadata"]["namespace"] == NAMESPACE
    assert grants(role) == needed((LEASES,))
    names = [rule.get("resourceNames") for rule in role["rules"] if rule["verbs"] != ["create"]]
    assert names == [["laneway-operator"]]


def test_nothing_is_granted_by_wildcard() -> None:
    for kind in ("ClusterRole", "Role"):
        assert not [grant for grant in grants(only(kind)) if "*" in grant]


def test_the_pod_meets_the_restricted_standard() -> None:
    pod = only("Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    context = container()["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert not {"hostNetwork", "hostPID", "hostIPC", "volumes"} & set(pod)


def test_the_pod_has_probes_and_resources() -> None:
    found = container()
    assert found["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert found["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert {"cpu", "memory"} <= set(found["resources"]["requests"])
    assert "memory" in found["resources"]["limits"]


def test_selectors_and_names_lead_to_one_another() -> None:
    deployment, service = only("Deployment"), only("Service")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for selector in (service["spec"]["selector"], deployment["spec"]["selector"]["matchLabels"]):
        assert selector.items() <= labels.items()
    (port,) = service["spec"]["ports"]
    assert port["targetPort"] in [p["name"] for p in container()["ports"]]
    account = deployment["spec"]["template"]["spec"]["serviceAccountName"]
    assert account == only("ServiceAccount")["metadata"]["name"]
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        (subject,) = only(kind)["subjects"]
        assert (subject["name"], subject["namespace"]) == (account, NAMESPACE)


def test_the_arguments_are_ones_that_the_operator_has() -> None:
    taken = set(operator.__annotations__) - {"return"}
    given = {argument.removeprefix("--").partition("=")[0] for argument in container()["args"]}
    assert {name.replace("-", "_") for name in given} <= taken


def test_values_reach_the_deployment() -> None:
    image = {"repository": "registry.example.com/lanes", "tag": "9"}
    assert container(image=image)["image"] == "registry.example.com/lanes:9"
    assert container()["image"].endswith(f":{__version__}")
    assert only("Deployment", replicas=3)["spec"]["replicas"] == 3
    assert "--settle=5" in container(settleSeconds=5)["args"]


def test_the_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def _leaves(values: Any, path: str = "") -> Iterator[str]:
    if isinstance(values, dict) and values and path != "resources":
        for name, value in values.items():
            yield from _leaves(value, f"{path}.{name}" if path else name)
    else:
        yield path


def test_every_value_is_used_and_documented() -> None:
    values = set(_leaves(yaml.safe_load((CHART / "values.yaml").read_text())))
    templates = "".join(path.read_text() for path in (CHART / "templates").glob("*.yaml"))
    assert set(re.findall(r"\.Values\.([\w.]+)", templates)) == values
    assert described("### Values") == values


def test_values_that_the_chart_has_not_are_refused() -> None:
    """Helm itself would pass over a misspelt one in silence."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    jsonschema.validate(values, schema)
    known = {path.partition(".")[0] for path in _leaves(values)}
    assert set(schema["properties"]) == known | {"global"}
    for wrong in ({"replica": 3}, {"image": {"name": "x"}}, {"replicas": "3"}, {"logLevel": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**values, **wrong}, schema)


def test_every_metric_is_documented() -> None:
    found = re.findall(
        r"^# TYPE (\w+) ", generate_latest(Metrics().registry).decode(), re.MULTILINE
    )
    assert described("## Monitoring") == {name for name in found if not name.endswith("_created")}


def described(heading: str) -> set[str]:
    """What the first column of the table under the heading names."""
    section = HOW_TO.read_text().partition(f"{heading}\n")[2].partition("\n#")[0]
    rows = [row.split("|")[1] for row in section.splitlines() if row.startswith("|")]
    return {name for row in rows for name in re.findall(r"`([\w.]+)`", row)}


GOLDEN = Path(__file__).parents[1] / "golden" / "chart" / "webhook.yaml"
ON: Document = {
    "enabled": True,
    "caBundle": "Q0E=",
    "annotations": {"cert-manager.io/inject-ca-from": f"{NAMESPACE}/laneway-webhook"},
}


def test_the_webhook_is_off_by_default() -> None:
    assert "webhook" not in render()


def test_the_chart_with_the_webhook(golden: Golden) -> None:
    golden(GOLDEN, f"{render({'webhook': ON})}\n")


def test_the_webhook_changes_nothing_else() -> None:
    without = {(d["kind"], d["metadata"]["name"]): d for d in documents()}
    found = {(d["kind"], d["metadata"]["name"]): d for d in documents({"webhook": ON})}
    assert found.keys() - without.keys() == {
        ("Service", "laneway-webhook"),
        ("ValidatingWebhookConfiguration", "laneway"),
    }
    changed = {key for key in without if found[key] != without[key]}
    assert changed == {("Deployment", "laneway")}


def test_the_api_server_finds_the_webhook() -> None:
    configuration = only("ValidatingWebhookConfiguration", webhook=ON)
    (webhook,) = configuration["webhooks"]
    assert (webhook["failurePolicy"], webhook["sideEffects"]) == ("Ignore", "None")
    assert webhook["timeoutSeconds"] <= 5
    (rule,) = webhook["rules"]
    crds = {(crd["spec"]["group"], crd["spec"]["names"]["plural"]) for crd in custom_resources()}
    assert {(rule["apiGroups"][0], plural) for plural in rule["resources"]} == crds
    target = webhook["clientConfig"]["service"]
    assert target["path"] == PATH
    (service,) = (
        document
        for document in documents({"webhook": ON})
        if (document["kind"], document["metadata"]["name"]) == ("Service", target["name"])
    )
    (port,) = service["spec"]["ports"]
    assert port["port"] == target["port"]
    assert port["targetPort"] in [p["name"] for p in container(webhook=ON)["ports"]]
    pod = only("Deployment", webhook=ON)["spec"]["template"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()


def test_the_webhook_s_arguments_fit_the_pod() -> None:
    found = container(webhook=ON)
    arguments = dict(argument[2:].split("=") for argument in found["args"])
    (mount,) = found["volumeMounts"]
    assert arguments["webhook"] == mount["mountPath"]
    (port,) = (p for p in found["ports"] if p["name"] == "webhook")
    assert int(arguments["webhook-port"]) == port["containerPort"]
    taken = set(operator.__annotations__) - {"return"}
    assert {name.replace("-", "_") for name in arguments} <= taken
    (volume,) = only("Deployment", webhook=ON)["spec"]["template"]["spec"]["volumes"]
    assert volume["name"] == mount["name"]
    assert volume["secret"]["optional"] is True


def test_without_a_ca_bundle_there_is_none() -> None:
    configuration = only("ValidatingWebhookConfiguration", webhook={**ON, "caBundle": ""})
    (webhook,) = configuration["webhooks"]
    assert webhook["clientConfig"].keys() == {"service"}


def test_what_the_renderer_does_not_understand_it_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "templates").mkdir()
    for name in ("Chart.yaml", "values.yaml"):
        (tmp_path / name).write_text((CHART / name).read_text())
    monkeypatch.setattr("deploy.charts.CHART", tmp_path)
    unended = "{{- if .Values.replicas }}\n"
    for text in (
        unended,
        "{{- end }}",
        "{{ if .Values.x }}",
        "{{ .Values.image.tag | upper }}",
        "{{ .Values.image }}",
    ):
        (tmp_path / "templates" / "x.yaml").write_text(text)
        with pytest.raises(NotUnderstood):
            render()
