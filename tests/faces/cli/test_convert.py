from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from .conftest import Cli


def test_asms_kinds_become_ours_and_are_the_same_lanes(
    cli: Cli, examples: Path, tmp_path: Path
) -> None:
    converted = cli("convert", "-f", examples / "asm" / "lanes.yaml", "--to", "laneway")
    assert (converted.code, converted.err) == (0, "")
    kinds = [document["kind"] for document in yaml.safe_load_all(converted.out)]
    assert kinds == ["LaneGroup", "Lane", "Lane", "Lane"]
    lanes = tmp_path / "lanes.yaml"
    gateway = (examples / "asm" / "lanes.yaml").read_text().split("---\n")[0]
    lanes.write_text(f"{gateway}---\n{converted.out}")
    words = ("-f", examples / "asm" / "workloads.yaml", "--dialect", "asm")
    asm = cli("render", "-f", examples / "asm", "--dialect", "asm").out
    assert cli("render", "-f", lanes, *words).out == asm


@pytest.mark.parametrize("example", ["scenario-1", "scenario-2", "asm"])
def test_there_and_back(cli: Cli, examples: Path, tmp_path: Path, example: str) -> None:
    ours = cli("convert", "-f", examples / example / "lanes.yaml", "--to", "laneway").out
    asm, again = tmp_path / "asm.yaml", tmp_path / "again.yaml"
    asm.write_text(cli("convert", "-f", examples / example / "lanes.yaml", "--to", "asm").out)
    assert {d["kind"] for d in yaml.safe_load_all(asm.read_text())} == {
        "ASMSwimLaneGroup",
        "ASMSwimLane",
    }
    again.write_text(cli("convert", "-f", asm, "--to", "laneway").out)
    assert again.read_text() == ours
    assert cli("convert", "-f", again, "--to", "asm").out == asm.read_text()


def test_what_asm_cannot_say_is_told(cli: Cli, tmp_path: Path) -> None:
    lane = tmp_path / "lane.yaml"
    lane.write_text(
        "apiVersion: laneway.dev/v1alpha1\nkind: LaneGroup\nmetadata: {name: g}\n"
        "spec: {gateway: g, routeHeader: x, services: [a], unmatched: notFound, "
        "routeBy: {cookie: c}}\n---\n"
        "apiVersion: laneway.dev/v1alpha1\nkind: Lane\nmetadata: {name: l}\n"
        "spec: {group: g, selector: {v: '1'}, names: [n], ingress: [{name: r, destination: a, "
        "enter: true}]}\n"
    )
    result = cli("convert", "-f", lane, "--to", "asm")
    assert result.code == 0
    for lost in (
        "LaneGroup g, spec.unmatched",
        "LaneGroup g, spec.routeBy",
        "Lane g/l, spec.names",
        "Lane g/l, spec.ingress[0].enter",
    ):
        assert f"warning NOT_CONVERTED: {lost}" in result.err


def test_errors_are_told_and_nothing_is_converted(cli: Cli, tmp_path: Path) -> None:
    lane = tmp_path / "lane.yaml"
    lane.write_text("apiVersion: laneway.dev/v1alpha1\nkind: Lane\nmetadata: {name: L}\nspec: {}\n")
    result = cli("convert", "-f", lane, "--to", "asm")
    assert result.code != 0
    assert result.out == ""
    assert "INVALID_VALUE" in result.err
