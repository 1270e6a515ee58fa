"""The article's two scenarios: their files, how each names a lane, and what the article prints."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.e2e.clients import Call

from laneway.adapters.files import read
from laneway.model.meshes import Mesh
from laneway.wiring.embedded import Embedded

EXAMPLES = Path(__file__).parents[2] / "examples"


def answer(a: str, b: str, c: str) -> str:
    """The body that the three services give together when these versions of them answer."""
    versions = {"mocka": a, "mockb": b, "mockc": c}
    return "".join(f"-> {app}(version: {v}, ip: 127.0.0.1)" for app, v in versions.items())


EXPECTED = {
    "s1": answer("v1", "v1", "v1"),
    "s2": answer("v2", "v1", "v2"),
    "s3": answer("v1", "v3", "v1"),
}


@dataclass(frozen=True)
class Scenario:
    folder: str
    by_trace_id: bool

    @property
    def mesh(self) -> Mesh:
        return read([str(EXAMPLES / self.folder)]).mesh

    def call(self, lane: str, number: int, salt: str = "x000") -> Call:
        """As the article's curl loops: every call has a trace id of its own, or just the lane."""
        headers: Mapping[str, str] = {"my-request-id": lane}
        if self.by_trace_id:
            trace_id = f"{salt}{lane}{number}"
            headers = {"x-asm-prefer-tag": lane, "my-request-id": trace_id}
        return Call("/mock", headers, tag=lane)


SCENARIOS = (
    Scenario("scenario-1", by_trace_id=True),
    Scenario("scenario-2", by_trace_id=False),
    Scenario("asm", by_trace_id=True),
)


def slow_mesh() -> Mesh:
    """The second scenario's, of applications that are slow and die at SIGTERM."""
    command = (sys.executable, str(Path(__file__).with_name("soak_application.py")))
    mesh = SCENARIOS[1].mesh
    return replace(mesh, workloads=tuple(replace(w, command=command) for w in mesh.workloads))


def gateway_url(embedded: Embedded) -> str:
    """The only port of the only gateway."""
    ((url,),) = (urls.values() for urls in embedded.gateway_urls().values())
    return url
