"""The golden cases: meshes in files, each with hand-written calls and the paths that they take.

A case is a folder of ``tests/golden/meshes`` with ``calls.yaml``, and ``mesh.yaml`` or else the
name of an example. The compiler's golden tests and the replay on real proxies read them. Meshes of
``tests/golden/istio`` have no calls: only what is emitted for Kubernetes is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from laneway.adapters.files import read
from laneway.compile.lower import lower
from laneway.compile.simulate import Applications, Hop, Outcome, Request, infer, simulate
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests/golden/meshes"
CASES = sorted(path.parent for path in FOLDER.glob("*/calls.yaml"))
_WITHOUT_CALLS = sorted(path.parent for path in FOLDER.parent.glob("istio/*/mesh.yaml"))
#: Of the meshes that the dialects for Kubernetes are tried with.
NAMES = sorted(case.name for case in (*CASES, *_WITHOUT_CALLS))

Call = Mapping[str, Any]


def mesh_of(case: Path) -> Mesh:
    own = case / "mesh.yaml"
    return read([str(own if own.exists() else ROOT / "examples" / case.name)]).mesh


def mesh_named(name: str) -> Mesh:
    return mesh_of(next(case for case in (*CASES, *_WITHOUT_CALLS) if case.name == name))


def calls_of(case: Path) -> list[Call]:
    calls: list[Call] = yaml.safe_load((case / "calls.yaml").read_text(encoding="utf-8"))
    return calls


def request_of(call: Call) -> Request:
    headers = call.get("headers", {})
    return Request(
        host=call.get("host", "localhost"),
        path=call.get("path", "/"),
        method=call.get("method", "GET"),
        headers={k: tuple(v) if isinstance(v, list) else v for k, v in headers.items()},
    )


def down_in(mesh: Mesh, call: Call) -> frozenset[ObjectName]:
    """The workloads that do not run when the call is made."""
    down = call.get("down", [])
    return frozenset(w.name for w in mesh.workloads if w.name.name in down)


def applications_of(mesh: Mesh, call: Call) -> Applications:
    applications = infer(mesh)
    if "passes-on" not in call:
        return applications
    passes_on = {service.name: frozenset(call["passes-on"]) for service in mesh.services}
    return Applications(applications.calls, passes_on)


def simulated(mesh: Mesh, call: Call) -> Outcome:
    ready = {workload.name for workload in mesh.workloads} - down_in(mesh, call)
    applications = applications_of(mesh, call)
    return simulate(mesh, lower(mesh), request_of(call), ready=ready, applications=applications)


def text(mesh: Mesh, hop: Hop) -> str:
    """``mockb-v1: lane has no such service``; the port where it is not the service's first."""
    who = " or ".join(workload.name for workload in hop.workloads)
    first = mesh.services_by_name[hop.service].ports[0].port
    port = "" if hop.port == first else f" {hop.port}"
    why = f": {hop.fallback.value}" if hop.fallback else ""
    return f"{who or hop.service.name + ' nowhere'}{port}{why}"
