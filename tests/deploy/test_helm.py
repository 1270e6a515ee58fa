"""The chart by Helm itself (its Go SDK, from the extra `helm`), and by this project's renderer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy.charts import CHART, NAMESPACE, documents

helm = pytest.importorskip("helm_python", reason="Helm is in the extra `helm`")

WEBHOOK = {"enabled": True, "caBundle": "QQ==", "annotations": {"a": "b"}}
VALUES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "placed": {"nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}]},
    "another image": {"image": {"repository": "registry.example.com/x", "tag": 9}, "replicas": 3},
    "a webhook": {"webhook": WEBHOOK},
    "the API": {"api": {"enabled": True}},
    "the API with a Secret": {"api": {"enabled": True, "secretName": "x"}, "webhook": WEBHOOK},
    "the console": {"console": {"enabled": True}},
    "the console by name": {"console": {"enabled": True, "host": "lanes.example.com"}},
}


@pytest.mark.parametrize("case", VALUES)
def test_helm_renders_the_same(case: str) -> None:
    rendered = helm.Chart.load(CHART).render(VALUES[case], name="laneway", namespace=NAMESPACE)
    theirs = [d for _, text in sorted(rendered.items()) for d in yaml.safe_load_all(text) if d]
    assert theirs == list(documents(VALUES[case]))


def test_helm_finds_nothing_wrong() -> None:
    report = helm.lint(CHART, strict=True)
    assert report["errors"] == []
    assert [m["error"] for m in report["messages"] if m["severity"] > 1] == []


def test_helm_refuses_what_the_chart_does_not_have() -> None:
    with pytest.raises(helm.HelmValuesError, match="replica"):
        helm.Chart.load(CHART).validate_schema({"replica": 3})


def test_helm_packs_the_definitions(tmp_path: Path) -> None:
    packed = helm.Chart.load(helm.Chart.load(CHART).save(tmp_path))
    assert sorted(yaml.safe_load(crd["data"])["metadata"]["name"] for crd in packed.crds) == [
        "lanegroups.laneway.dev",
        "lanes.laneway.dev",
    ]
