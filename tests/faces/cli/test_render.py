from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from .conftest import Cli


def test_asm_on_standard_output(cli: Cli, examples: Path) -> None:
    result = cli("render", "-f", examples / "scenario-1", "--dialect", "asm")
    assert result.code == 0
    kinds = [document["kind"] for document in yaml.safe_load_all(result.out)]
    assert kinds == ["TrafficLabel"] * 3 + ["DestinationRule"] * 3 + ["VirtualService"] * 6
    assert "ASM_NO_ROUTE_WITHOUT_LANE" in result.err


def test_envoy_on_standard_output(cli: Cli, examples: Path) -> None:
    result = cli("render", "-f", examples / "scenario-2", "--dialect", "envoy")
    documents = list(yaml.safe_load_all(result.out))
    assert all(
        document["resource"]["@type"].startswith("type.googleapis") for document in documents
    )
    assert {"*", "sidecar~mocka-v1.default"} <= {document["node"] for document in documents}


def test_the_kinds_of_asm_give_the_documents_of_ours(cli: Cli, examples: Path) -> None:
    ours = cli("render", "-f", examples / "scenario-1", "--dialect", "asm").out
    assert cli("render", "-f", examples / "asm", "--dialect", "asm").out == ours


@pytest.mark.parametrize("dialect", ["asm", "envoy"])
def test_a_folder_holds_one_file_an_object(
    cli: Cli, examples: Path, tmp_path: Path, dialect: str
) -> None:
    files = ("-f", examples / "scenario-1", "--dialect", dialect)
    printed = list(yaml.safe_load_all(cli("render", *files).out))
    assert cli("render", *files, "-o", tmp_path / "new" / "out").code == 0
    written = [yaml.safe_load(f.read_text()) for f in (tmp_path / "new" / "out").rglob("*.yaml")]
    assert len(written) == len(printed)
    assert all(document in printed for document in written)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]


def test_a_rendering_replaces_an_earlier_one_as_a_whole(
    cli: Cli, examples: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    cli("render", "-f", examples / "scenario-1", "--dialect", "asm", "-o", out)
    cli("render", "-f", examples / "scenario-2", "--dialect", "asm", "-o", out)
    assert not list(out.glob("trafficlabel.*"))
    assert (out / "destinationrule.istio-system.trafficlabel-dr-test-default-mocka.yaml").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_with_files_of_the_users_own_is_left_alone(
    cli: Cli, examples: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text("mine")
    result = cli("render", "-f", examples / "scenario-1", "--dialect", "asm", "-o", tmp_path)
    assert result.code == 1
    assert "holds files that laneway did not render" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_file_is_not_taken_for_a_folder(cli: Cli, examples: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    result = cli("render", "-f", examples / "asm", "--dialect", "asm", "-o", tmp_path / "out")
    assert (result.code, (tmp_path / "out").read_text()) == (1, "mine")
    assert "is a file" in result.err


def test_invalid_files_render_nothing(cli: Cli, tmp_path: Path) -> None:
    result = cli("render", "-f", tmp_path, "--dialect", "asm", "-o", tmp_path / "out")
    assert (result.code, result.out) == (1, "")
    assert "NO_YAML_FILES" in result.err
    assert not (tmp_path / "out").exists()


def test_a_dialect_that_is_not_there(cli: Cli, examples: Path) -> None:
    result = cli("render", "-f", examples / "asm", "--dialect", "nginx")
    assert result.code == 2
    assert "choose one of asm, envoy, istio, gateway-api, crds" in " ".join(result.message.split())


@pytest.mark.parametrize("dialect", ["asm", "istio", "gateway-api"])
def test_a_cluster_is_said_to_need_what_is_assumed_on_one_machine(
    cli: Cli, examples: Path, dialect: str
) -> None:
    told = cli("render", "-f", examples / "shop", "--dialect", dialect).err
    assert "Service default/cart is not declared" in told
    assert "Gateway default/shop is not declared" in told


def test_proxies_of_this_machine_need_nothing_else(cli: Cli, examples: Path) -> None:
    assert cli("render", "-f", examples / "shop", "--dialect", "envoy").err == ""
