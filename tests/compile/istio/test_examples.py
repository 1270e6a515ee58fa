"""The examples for Kubernetes: they run, and mean what the embedded examples mean."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.compile.golden_cases import ROOT
from tests.compile.istio.emission import emitted

from laneway.adapters.files import read
from laneway.compile.istio.limits import limits
from laneway.compile.lower import lower
from laneway.model.codes import Code
from laneway.schema.yaml_text import dump_all

SCENARIOS = ["scenario-1", "scenario-2"]
FOLDER = ROOT / "examples/kubernetes"


def documents(scenario: str, kind: str) -> list[dict[str, Any]]:
    found = yaml.safe_load_all((FOLDER / scenario / "workloads.yaml").read_text(encoding="utf-8"))
    return [document for document in found if document["kind"] == kind]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_resources_are_those_of_the_embedded_example(scenario: str) -> None:
    reading = read([str(FOLDER / scenario)])
    assert {finding.code for finding in reading.findings} == {Code.IGNORED_KIND}
    embedded = read([str(ROOT / "examples" / scenario)]).mesh
    assert dump_all(emitted(reading.mesh)) == dump_all(emitted(embedded))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_lane_selects_a_pod_of_each_of_its_services(scenario: str) -> None:
    mesh = read([str(FOLDER / scenario)]).mesh
    pods = [
        deployment["spec"]["template"]["metadata"]["labels"]
        for deployment in documents(scenario, "Deployment")
    ]
    for lane in mesh.lanes:
        for name in lane.services:
            wanted = {**mesh.services_by_name[name].selector, **lane.selector}
            assert sum(wanted.items() <= labels.items() for labels in pods) == 1
    for deployment in documents(scenario, "Deployment"):
        spec = deployment["spec"]
        labels = spec["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"].items() <= labels.items()
        assert labels["sidecar.istio.io/inject"] == "true"


@contextlib.contextmanager
def running(script: Path, **environment: str) -> Iterator[str]:
    """The application, and its URL."""
    process = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "host": "127.0.0.1", "port": "0", "ip": "10.0.0.1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().split()[-1]}/"
    finally:
        process.kill()
        process.communicate()


def test_the_application_answers_as_the_article_has_it(tmp_path: Path) -> None:
    (config,) = documents("scenario-1", "ConfigMap")
    script = tmp_path / "mock.py"
    script.write_text(config["data"]["mock.py"], encoding="utf-8")
    assert documents("scenario-2", "ConfigMap") == [config]
    common = {"header": "my-request-id"}
    with (
        running(script, app="mockb", version="v2", **common) as behind,
        running(script, app="mocka", version="v1", upstream_url=behind, **common) as before,
    ):
        request = urllib.request.Request(f"{before}mock", headers={"my-request-id": "x"})
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = response.read().decode()
    first, second = "mocka(version: v1, ip: 10.0.0.1)", "mockb(version: v2, ip: 10.0.0.1)"
    assert answer == f"-> {first}-> {second}"


def test_every_limit_is_documented() -> None:
    """The table of ``docs/how-to/kubernetes.md`` names each code, and no other."""
    source = (ROOT / "src/laneway/compile/istio/limits.py").read_text(encoding="utf-8")
    told = {part.split('"')[0] for part in source.split('"ISTIO_')[1:]}
    page = (ROOT / "docs/how-to/kubernetes.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `ISTIO_")]
    assert {row.split("`")[1].removeprefix("ISTIO_") for row in rows} == told
    mesh = read([str(FOLDER / "scenario-1")]).mesh
    assert {f.code.removeprefix("ISTIO_") for f in limits(mesh, lower(mesh))} <= told
