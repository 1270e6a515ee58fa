"""Folders of whole applications: what is not laneway's is passed over, misspellings are not."""

from __future__ import annotations

from typing import Any

import pytest

from laneway.model.codes import Code
from laneway.model.findings import Finding, Severity, Source
from laneway.schema import Document, decode

KUSTOMIZE = "kubectl kustomize FOLDER"
HELM = "helm template CHART"


def findings_of(data: Any, file: str = "app.yaml") -> tuple[Finding, ...]:
    return decode([Document(data, Source(file))])[1]


def of_kind(api: str, kind: str) -> tuple[Finding, ...]:
    return findings_of({"apiVersion": api, "kind": kind, "metadata": {"name": "web"}, "spec": {}})


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("apps/v1", "Deployment"),
        ("batch/v1", "CronJob"),
        ("skaffold/v4beta1", "Config"),
        ("v1", "ConfigMap"),
        ("flagger.app/v1beta1", "Canary"),
        ("bitnami.com/v1alpha1", "SealedSecret"),
        ("kuma.io/v1alpha1", "Mesh"),
        ("policy.linkerd.io/v1beta3", "Server"),
        ("env.alibaba.com/v1alpha2", "VirtualEnvironment"),
        ("kueue.x-k8s.io/v1beta1", "Workload"),
        ("gateway.networking.x-k8s.io/v1alpha1", "Gateway"),
        ("gateway.networking.k8s.io/v1", "Gateway"),
        ("networking.k8s.io/v1", "Ingress"),
        ("networking.gke.io/v1", "ManagedCertificate"),
        ("gateway.dev/v1", "Route"),
        ("serving.knative.dev/v1", "Service"),
        ("security.istio.io/v1", "PeerAuthentication"),
        ("networking.istio.io/v1", "TrafficExtension"),
        ("istio.alibabacloud.com/v1beta1", "ASMLocalRateLimiter"),
        ("istio.alibabacloud.com/v1", "ASMSwimLaneV2"),
        ("example.com/v1", "Lan"),
    ],
)
def test_other_peoples_kinds_are_passed_over(api: str, kind: str) -> None:
    (finding,) = of_kind(api, kind)
    assert (finding.code, finding.severity) == (Code.IGNORED_KIND, Severity.WARNING)


@pytest.mark.parametrize(
    ("api", "kind", "code"),
    [
        ("lanway.dev/v1alpha1", "Lane", Code.UNKNOWN_API_VERSION),
        ("lanway.dev/v1alpha1", "Widget", Code.UNKNOWN_API_VERSION),
        ("lane.dev/v1alpha1", "Workload", Code.UNKNOWN_API_VERSION),
        ("laneway.io/v1alpha1", "LaneGroup", Code.UNKNOWN_API_VERSION),
        ("laneway.io/v1alpha1", "Lan", Code.UNKNOWN_KIND),
        ("x.laneway.dev/v1alpha1", "Widget", Code.UNKNOWN_API_VERSION),
        ("laneway.dev/v1", "Lane", Code.UNKNOWN_API_VERSION),
        ("laneway.dev/v1alpha1", "Canary", Code.UNKNOWN_KIND),
        ("example.com/v1", "ASMSwimLane", Code.UNKNOWN_API_VERSION),
        ("istio.alibabcloud.com/v1", "ASMSwimLaneGroup", Code.UNKNOWN_API_VERSION),
        ("istio.alibabacloud.com/v1", "ASMSwimLanes", Code.UNKNOWN_KIND),
        ("networking.isto.io/v1", "Gateway", Code.UNKNOWN_API_VERSION),
        ("networking.istio.io/v1", "Gatway", Code.UNKNOWN_KIND),
        ("core/v1", "Service", Code.UNKNOWN_API_VERSION),
        ("apps/v1", "Service", Code.UNKNOWN_API_VERSION),
        ("v2", "Service", Code.UNKNOWN_API_VERSION),
        ("v1", "Servce", Code.UNKNOWN_KIND),
        ("v1", "Canary", Code.UNKNOWN_KIND),
        ("laneway.dev", "Canary", Code.UNKNOWN_API_VERSION),
        ("not a group/v1", "Canary", Code.UNKNOWN_API_VERSION),
    ],
)
def test_misspellings_of_what_laneway_reads_are_errors(api: str, kind: str, code: Code) -> None:
    assert (code, Severity.ERROR) in [(each.code, each.severity) for each in of_kind(api, kind)]


@pytest.mark.parametrize(
    ("file", "data", "fix"),
    [
        ("kustomization.yaml", {"resources": ["in.yaml"], "namePrefix": "a-"}, KUSTOMIZE),
        ("base/kustomization.yml", {"bases": ["../base"]}, KUSTOMIZE),
        (
            "k.yaml",
            {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"},
            KUSTOMIZE,
        ),
        ("chart/Chart.yaml", {"apiVersion": "v2", "name": "shop", "version": "0.1.0"}, HELM),
        ("chart/values.yaml", {"kind": "Deployment", "image": "web"}, HELM),
        ("docker-compose.yml", {"services": {"web": {"image": "web"}}}, ""),
        ("patch.yaml", [{"op": "replace", "path": "/spec/replicas", "value": 2}], ""),
    ],
)
def test_files_of_tools_are_passed_over(file: str, data: Any, fix: str) -> None:
    (finding,) = findings_of(data, file)
    assert (finding.code, finding.severity) == (Code.IGNORED_KIND, Severity.WARNING)
    assert fix in finding.fix


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "LaneGroup", "metadata": {"name": "shop"}},
        {"apiVersion": "laneway.dev/v1alpha1", "metadata": {"name": "shop"}},
        {"apiVersoin": "laneway.dev/v1alpha1", "knd": "Lane"},
        {"Spec": {"group": "shop"}},
        [{"apiVersion": "laneway.dev/v1alpha1", "kind": "Lane"}],
        "text",
    ],
)
def test_what_was_meant_for_an_object_is_an_error(data: Any) -> None:
    assert [each.severity for each in findings_of(data)] == [Severity.ERROR]


def test_a_templates_action_in_a_value_is_told_once() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]}}
    names = {"name": "web-{{ .Release.Name }}", "namespace": "{{ .Release.Namespace }}"}
    (finding,) = findings_of({**service, "metadata": names})
    assert (finding.code, finding.field) == (Code.HELM_TEMPLATE, "metadata.name")
    assert HELM in finding.fix


def test_braces_elsewhere_do_not_hide_what_is_wrong() -> None:
    names = {"name": "web", "annotations": {"summary": "{{ $labels.instance }}"}}
    document = {"apiVersion": "v1", "kind": "Service", "metadata": names, "spec": {"ports": 80}}
    assert [each.code for each in findings_of(document)] == [Code.WRONG_TYPE]
