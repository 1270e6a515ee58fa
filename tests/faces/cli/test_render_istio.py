"""``laneway render`` for clusters: Istio's resources, and laneway's own definitions."""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml

from laneway.faces.operator.serving import Module
from laneway.filter import module_path

from .conftest import Cli


def test_istio_on_standard_output(cli: Cli, examples: Path) -> None:
    result = cli("render", "-f", examples / "scenario-2", "--dialect", "istio")
    assert result.code == 0
    kinds = [document["kind"] for document in yaml.safe_load_all(result.out)]
    one_service = ["DestinationRule", "VirtualService", "EnvoyFilter", "EnvoyFilter"]
    assert kinds == [*one_service * 3, "VirtualService", "EnvoyFilter"]
    assert "warning ISTIO_SPILL_UNDER_EJECTION: LaneGroup test" in result.err


def test_the_filter_is_fetched_from_the_operator_or_elsewhere(cli: Cli, examples: Path) -> None:
    content = module_path().read_bytes()
    files = ("render", "-f", examples / "scenario-1", "--dialect", "istio")
    for more, end in (
        ((), Module(content).path),
        (("--wasm-url", "https://files.test/lanes.wasm"), "://files.test/lanes.wasm"),
    ):
        documents = yaml.safe_load_all(cli(*files, *more).out)
        plugins = [d["spec"] for d in documents if d["kind"] == "WasmPlugin"]
        assert len(plugins) == 6
        assert all(plugin["url"].endswith(end) for plugin in plugins)
        assert {p["sha256"] for p in plugins} == {hashlib.sha256(content).hexdigest()}


def test_definitions_need_no_file(cli: Cli, tmp_path: Path) -> None:
    result = cli("render", "--dialect", "crds", "-o", tmp_path / "crds")
    assert result.code == 0
    assert len(list((tmp_path / "crds").glob("customresourcedefinition.*.yaml"))) == 2
