"""Golden meshes: each case's ASM documents, and hand-written calls that the simulator answers.

A case is a folder with ``mesh.yaml``, or else the name of an example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from laneway.adapters.files import read
from laneway.compile.asm.documents import emit
from laneway.compile.lower import lower
from laneway.compile.simulate import Applications, Hop, Outcome, Request, infer, simulate
from laneway.compile.yaml_text import dump_all
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

ROOT = Path(__file__).parents[2]
CASES = sorted(path.parent for path in ROOT.glob("tests/golden/meshes/*/calls.yaml"))
CALLS = [
    pytest.param(case, call, id=f"{case.name}: {call['about']}")
    for case in CASES
    for call in yaml.safe_load((case / "calls.yaml").read_text(encoding="utf-8"))
]


def _mesh(case: Path) -> Mesh:
    own = case / "mesh.yaml"
    return read([str(own if own.exists() else ROOT / "examples" / case.name)]).mesh


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_documents_are_the_golden_ones(case: Path, golden: Callable[[Path, str], None]) -> None:
    mesh = _mesh(case)
    golden(case / "asm.yaml", dump_all(emit(mesh, lower(mesh))))


@pytest.mark.parametrize(("case", "call"), CALLS)
def test_requests_take_the_path_expected(case: Path, call: Mapping[str, Any]) -> None:
    mesh = _mesh(case)
    outcome = _simulate(mesh, call)
    ports = {service.name: service.ports[0].port for service in mesh.services}
    assert [_text(hop, ports) for hop in outcome.hops] == call.get("hops", [])
    assert (outcome.failure.status if outcome.failure else None) == call.get("failure")


def _simulate(mesh: Mesh, call: Mapping[str, Any]) -> Outcome:
    request = Request(
        host=call.get("host", "localhost"),
        path=call.get("path", "/"),
        headers=call.get("headers", {}),
    )
    down = call.get("down", [])
    ready = [workload.name for workload in mesh.workloads if workload.name.name not in down]
    applications = infer(mesh)
    if "passes-on" in call:
        passes_on = {service.name: frozenset(call["passes-on"]) for service in mesh.services}
        applications = Applications(applications.calls, passes_on)
    return simulate(mesh, lower(mesh), request, ready=ready, applications=applications)


def _text(hop: Hop, ports: Mapping[ObjectName, int]) -> str:
    """``mockb-v1: lane has no such service``; the port where it is not the service's first."""
    who = " or ".join(workload.name for workload in hop.workloads)
    port = "" if hop.port == ports[hop.service] else f" {hop.port}"
    why = f": {hop.fallback.value}" if hop.fallback else ""
    return f"{who or hop.service.name + ' nowhere'}{port}{why}"
