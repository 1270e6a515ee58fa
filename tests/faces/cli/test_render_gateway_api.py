"""``laneway render --dialect gateway-api``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from .conftest import Cli


def test_services_and_routes_on_standard_output(cli: Cli, examples: Path) -> None:
    result = cli("render", "-f", examples / "scenario-2", "--dialect", "gateway-api")
    assert result.code == 0
    kinds = Counter(document["kind"] for document in yaml.safe_load_all(result.out))
    assert kinds == {"Service": 6, "HTTPRoute": 4, "ReferenceGrant": 1}
    assert "warning GATEWAY_API_NO_FAILOVER: Lane test/s2" in result.err
    assert "note GATEWAY_API_GATEWAY_EXPECTED: Gateway istio-system/ingressgateway" in result.err


def test_gateways_of_a_class_are_rendered_too(cli: Cli, examples: Path, tmp_path: Path) -> None:
    files = ("-f", examples / "scenario-2", "--dialect", "gateway-api")
    result = cli("render", *files, "--gateway-class", "cilium", "-o", tmp_path / "out")
    assert result.code == 0
    (file,) = (tmp_path / "out").glob("gateway.*.yaml")
    assert yaml.safe_load(file.read_text())["spec"]["gatewayClassName"] == "cilium"
    assert "GATEWAY_EXPECTED" not in result.err


@pytest.mark.parametrize("name", ["Cilium", "", "a b", "a/b"])
def test_what_is_no_class_is_refused(cli: Cli, examples: Path, name: str) -> None:
    files = ("-f", examples / "scenario-2", "--dialect", "gateway-api")
    result = cli("render", *files, "--gateway-class", name)
    assert (result.code, result.out) == (1, "")
    assert f"`{name}` is no GatewayClass's name" in result.err


def test_a_lane_without_its_group_renders_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lane.yaml").write_text(
        "apiVersion: laneway.dev/v1alpha1\nkind: Lane\nmetadata: {name: s2}\n"
        "spec: {group: test, selector: {version: v2}}\n"
    )
    result = cli("render", "-f", tmp_path, "--dialect", "gateway-api")
    assert (result.code, result.out) == (1, "")
    assert "UNKNOWN_GROUP" in result.err
