from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Cli, Result

Ask = Callable[..., Result]


@pytest.fixture
def ask(cli: Cli, examples: Path) -> Ask:
    def ask(*words: str) -> Result:
        return cli("explain", "-f", examples / "scenario-1", "--path", "/mock", *words)

    return ask


@pytest.mark.parametrize(
    ("lane", "path"),
    [
        ("s1", "-> mocka-v1, mockb-v1, mockc-v1"),
        ("s2", "-> mocka-v2, mockb-v1, mockc-v2"),
        ("s3", "-> mocka-v1, mockb-v3, mockc-v1"),
    ],
)
def test_the_paths_of_the_article(ask: Ask, lane: str, path: str) -> None:
    result = ask("-H", f"x-asm-prefer-tag: {lane}")
    assert result.code == 0
    assert result.out.splitlines()[-1] == path


def test_the_table_tells_lane_workload_and_reasons(ask: Ask) -> None:
    lines = ask("-H", "x-asm-prefer-tag: s2", "-H", "my-request-id: x1").out.splitlines()
    assert lines[0] == "GET localhost/mock  x-asm-prefer-tag: s2  my-request-id: x1"
    (hop,) = (line for line in lines if line.startswith("2 "))
    assert hop.split()[1:6] == ["mockb", "s2", "->", "s1", "mockb-v1"]
    assert any("remembers my-request-id x1 in lane s2" in line for line in lines)
    assert any("lane s2 has no default/mockb" in line for line in lines)


def test_a_workload_that_is_down_is_fallen_back_from(ask: Ask) -> None:
    result = ask("-H", "x-asm-prefer-tag:s2", "--down", "mockc-v2")
    assert result.out.splitlines()[-1] == "-> mocka-v2, mockb-v1, mockc-v1"


def test_a_failure_is_told_with_its_status(ask: Ask) -> None:
    result = ask("--down", "mockb-v1", "--down", "default/mocka-v2")
    assert result.out.splitlines()[-1].startswith("-> 503 ")
    assert "nobody" in result.out
    assert ask("--path", "/other").out.splitlines()[-1].startswith("-> 404 ")


def test_calls_and_what_is_passed_on_can_be_told(ask: Ask) -> None:
    tag = ("-H", "x-asm-prefer-tag:s2")
    assert ask(*tag, "--calls", "mocka=mockc:8000").out.splitlines()[-1] == "-> mocka-v2, mockc-v2"
    assert ask(*tag, "--calls", "mocka=").out.splitlines()[-1] == "-> mocka-v2"
    lost = ask(*tag, "--passes-on", "mockb=")
    assert lost.out.splitlines()[-1] == "-> mocka-v2, mockb-v1, mockc-v1"


def test_json(ask: Ask) -> None:
    document = json.loads(ask("-H", "x-asm-prefer-tag:s3", "--output", "json").out)
    assert document["failure"] is None
    assert document["request"]["headers"] == {"x-asm-prefer-tag": "s3"}
    assert [hop["workloads"] for hop in document["hops"]] == [
        ["default/mocka-v1"], ["default/mockb-v3"], ["default/mockc-v1"],
    ]  # fmt: skip
    assert [hop["servedLane"] for hop in document["hops"]] == ["s1", "s3", "s1"]
    assert {hop["intendedLane"] for hop in document["hops"]} == {"s3"}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--down", "mockc-v9"), "there is no workload mockc-v9; did you mean default/mockc-v3?"),
        (("--down", "zzz"), "there is no workload zzz; there is: default/mocka-v1"),
        (("--calls", "mocka"), "'mocka' has no '='"),
        (("--calls", "mocka=mockd"), "there is no service default/mockd"),
        (("--calls", "mocka=mockb:http"), "'http' is not a port"),
        (("--passes-on", "mocka=a b"), "'a b' is not a legal header name"),
        (("--gateway", "other"), "there is no gateway other"),
        (("--port", "81"), "has no port 81"),
        (("-H", "no colon"), "'no colon' is not a header"),
        (("-H", "Host: a.test"), "write --host a.test"),
        (("-H", "x-lane: s1", "-H", "X-Lane: s2"), "the header X-Lane is given twice"),
    ],
)
def test_a_question_that_makes_no_sense(ask: Ask, words: tuple[str, ...], text: str) -> None:
    result = ask(*words)
    assert (result.code, result.out) == (2, "")
    assert text in result.message


@pytest.mark.parametrize(
    ("life", "text"),
    [
        ("enabled: false", "lane s2 is disabled"),
        ('expiresAt: "2026-01-01T08:00:00+08:00"', "lane s2 expired at 2026-01-01T00:00:00Z"),
    ],
)
def test_a_lane_that_does_not_count_is_told_from_one_that_never_existed(
    cli: Cli, tmp_path: Path, life: str, text: str
) -> None:
    file = tmp_path / "lanes.yaml"
    file.write_text(
        f"""\
apiVersion: laneway.dev/v1alpha1
kind: LaneGroup
metadata: {{name: shop}}
spec:
  services: [web]
  routeHeader: x-lane
  ingress: [{{name: all, destination: web}}]
---
apiVersion: laneway.dev/v1alpha1
kind: Lane
metadata: {{name: s1}}
spec: {{group: shop, selector: {{version: s1}}}}
---
apiVersion: laneway.dev/v1alpha1
kind: Lane
metadata: {{name: s2}}
spec: {{group: shop, selector: {{version: s2}}, {life}}}
---
apiVersion: laneway.dev/v1alpha1
kind: Workload
metadata: {{name: web-s1, labels: {{app: web, version: s1}}}}
spec: {{command: ["true"], ports: [{{port: 8000}}]}}
"""
    )
    result = cli("explain", "-f", file, "-H", "x-lane: s2")
    assert (result.code, result.out.splitlines()[-1]) == (0, "-> web-s1")
    assert text in result.out
    assert "no lane s2" not in result.out
    unknown = cli("explain", "-f", file, "-H", "x-lane: s3")
    assert "group shop has no lane s3" in unknown.out
