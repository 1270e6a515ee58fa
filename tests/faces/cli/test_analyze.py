from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from laneway.compile.analyze import Code

from .conftest import Cli

REFERENCE = Path(__file__).parents[3] / "docs/reference/analyze.md"


@pytest.mark.parametrize("folder", ["scenario-1", "scenario-2", "asm"])
def test_the_examples_are_in_order(cli: Cli, examples: Path, folder: str) -> None:
    result = cli("analyze", "-f", examples / folder)
    assert (result.code, result.out) == (0, "analyzed: no problems.\n")


def test_a_warning_has_its_place_and_a_request(cli: Cli, copy: Callable[..., Path]) -> None:
    folder = copy(uri=("exact: /mock", "exact: /x/../mock"))
    result = cli("analyze", "-f", folder)
    assert result.code == 0
    first, second, last = result.out.splitlines()
    assert re.search(r"lanes.yaml:\d+ \(document 2\): warning GROUP_WITHOUT_RULES: ", first)
    assert re.search(r"lanes.yaml:\d+ \(document 3\): warning UNMATCHABLE_RULE: ", second)
    assert "; for example curl --path-as-is http://localhost/x/../mock -> 404: " in second
    assert last == "2 warnings."


def test_json_has_the_request_in_parts(cli: Cli, examples: Path) -> None:
    result = cli("analyze", "-f", examples / "scenario-1", "--down", "mocka-v2", "--output", "json")
    assert result.code == 0
    (finding,) = json.loads(result.out)["findings"]
    assert finding["code"] == "NO_READY_WORKLOAD"
    assert finding["line"]
    assert finding["example"] == {
        "gateway": "istio-system/ingressgateway",
        "port": 80,
        "method": "GET",
        "host": "localhost",
        "path": "/mock",
        "headers": {"x-asm-prefer-tag": "s2"},
        "down": ["default/mocka-v2"],
        "outcome": "mocka in lane s1 instead of s2, then mockb in lane s1 instead of s2, "
        "then mockc in lane s2",
        "curl": "curl -H 'x-asm-prefer-tag: s2' http://localhost/mock",
    }


def test_where_nobody_answers_it_fails(cli: Cli, examples: Path) -> None:
    result = cli("analyze", "-f", examples / "scenario-1", "--down", "mockb-v1")
    assert result.code == 1
    assert "(with default/mockb-v1 down) -> mocka in lane s1, then 503: " in result.out
    assert result.out.endswith("1 error.\n")


def test_input_that_cannot_be_read_is_told_as_validate_tells_it(
    cli: Cli, copy: Callable[..., Path]
) -> None:
    folder = copy(s2=("[mocka, mockc]", "[mocka, mockd]"))
    result = cli("analyze", "-f", folder)
    assert result.code == 1
    assert result.out == cli("validate", "-f", folder).out


def test_a_workload_that_is_not_there_is_misuse(cli: Cli, examples: Path) -> None:
    result = cli("analyze", "-f", examples / "scenario-1", "--down", "mocka-v9")
    assert result.code == 2
    assert "there is no workload mocka-v9" in result.message


def test_every_code_is_in_the_reference() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| ", REFERENCE.read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(Code)
