"""``laneway render`` for clusters: Istio's resources, and laneway's own definitions."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml

from laneway.filter import module_path

from .conftest import Cli


def test_istio_on_standard_output(cli: Cli, examples: Path) -> None:
    result = cli("render", "-f", examples / "scenario-2", "--dialect", "istio")
    assert result.code == 0
    kinds = [document["kind"] for document in yaml.safe_load_all(result.out)]
    one_service = ["DestinationRule", "VirtualService", "EnvoyFilter", "EnvoyFilter"]
    assert kinds == [*one_service * 3, "VirtualService", "EnvoyFilter", "EnvoyFilter"]
    assert "warning ISTIO_SPILL_UNDER_EJECTION: LaneGroup test" in result.err


def test_the_filter_stands_in_the_resources(cli: Cli, examples: Path) -> None:
    """So that no proxy needs another server when it starts, however long the operator is gone."""
    result = cli("render", "-f", examples / "scenario-1", "--dialect", "istio")
    patches = [
        patch["patch"]["value"]
        for document in yaml.safe_load_all(result.out)
        if document["kind"] == "EnvoyFilter"
        for patch in document["spec"]["configPatches"]
        if patch["applyTo"] == "EXTENSION_CONFIG"
    ]
    codes = [value["typed_config"]["config"]["vm_config"]["code"] for value in patches]
    module = base64.b64encode(module_path().read_bytes()).decode()
    assert codes == [{"local": {"inline_bytes": module}}] * 2
    assert "http://laneway" not in result.out


def test_definitions_need_no_file(cli: Cli, tmp_path: Path) -> None:
    result = cli("render", "--dialect", "crds", "-o", tmp_path / "crds")
    assert result.code == 0
    assert len(list((tmp_path / "crds").glob("customresourcedefinition.*.yaml"))) == 2


def test_the_root_namespace_may_be_another(cli: Cli, examples: Path) -> None:
    scenario = ("render", "-f", examples / "scenario-1", "--dialect", "istio")
    default, other = (
        list(yaml.safe_load_all(cli(*scenario, *words).out))
        for words in ((), ("--root-namespace", "mesh-config"))
    )

    def in_root(documents: list[dict[str, Any]], root: str) -> list[str]:
        names = (d["metadata"] for d in documents if d["kind"] == "EnvoyFilter")
        return [each["name"] for each in names if each["namespace"] == root]

    assert in_root(other, "istio-system") == []
    assert in_root(other, "mesh-config") == in_root(default, "istio-system") != []


def test_a_root_namespace_is_a_namespaces_name(cli: Cli, examples: Path) -> None:
    words = ("--dialect", "istio", "--root-namespace", "Not_One")
    result = cli("render", "-f", examples / "scenario-1", *words)
    assert result.code == 1
    assert "--root-namespace: `Not_One` is no namespace's name" in result.err
