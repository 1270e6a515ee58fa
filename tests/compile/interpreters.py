"""All that reads a mesh without running it: the simulator, Istio and ASM, each with its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

from tests.compile.asm.interpreter import Asm
from tests.compile.documented_differences import agrees
from tests.compile.istio.emission import emitted
from tests.compile.istio.interpreter import Istio
from tests.compile.istio.validation import problems
from tests.compile.request_paths import Path, simulated

from laneway.compile.asm.documents import emit as emit_asm
from laneway.compile.asm.limits import PLATFORM as ASM
from laneway.compile.asm.limits import limits as asm_limits
from laneway.compile.equality_subsets import refused_groups
from laneway.compile.ir import MeshRoutes
from laneway.compile.istio.limits import PLATFORM as ISTIO
from laneway.compile.istio.limits import limits as istio_limits
from laneway.compile.lower import lower
from laneway.compile.simulate import Applications, Outcome, Request, simulate
from laneway.model.findings import Finding
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.selection import Selection

_PLATFORMS = {"istio": ISTIO, "asm": ASM}


@dataclass(frozen=True)
class Asked:
    """A request at a port. ``dead`` workloads are not ``alive``, and taken for ready."""

    request: Request
    port: int
    alive: frozenset[ObjectName]
    dead: frozenset[ObjectName] = frozenset()
    draw: int = 0


@dataclass(frozen=True)
class Readers:
    """``chance`` orders what Istio is given, which is created in any order."""

    mesh: Mesh
    calls: Applications
    chance: Random | None = None

    @cached_property
    def routes(self) -> MeshRoutes:
        return lower(self.mesh)

    @cached_property
    def resources(self) -> list[dict[str, Any]]:
        resources = emitted(self.mesh)
        assert [problem for resource in resources for problem in problems(resource)] == []
        if self.chance is not None:
            self.chance.shuffle(resources)
        return resources

    @cached_property
    def documents(self) -> list[dict[str, Any]]:
        return list(emit_asm(self.mesh, self.routes))

    @cached_property
    def reports(self) -> Mapping[str, list[Finding]]:
        routes = self.routes
        return {"istio": istio_limits(self.mesh, routes), "asm": asm_limits(self.mesh, routes)}

    @cached_property
    def grouped(self) -> frozenset[ObjectName]:
        """The workloads of services in groups. Of all others no report speaks."""
        selection, of = Selection(self.mesh), self.mesh.services_by_name
        services = [of[name] for group in self.mesh.groups for name in group.services]
        return frozenset(w.name for one in services for w in selection.workloads(one))

    def simulated(self, asked: Asked) -> Outcome:
        return simulate(
            self.mesh,
            self.routes,
            asked.request,
            port=asked.port,
            applications=self.calls,
            ready=asked.alive,
            draw=asked.draw,
        )

    def path(self, platform: str, asked: Asked) -> Path:
        request, port = asked.request, asked.port
        if platform == "asm":
            return Asm(self.mesh, self.documents, asked.alive).path(request, port, self.calls)
        return self._istio(asked).path(request, port, self.calls, asked.draw)

    def _istio(self, asked: Asked) -> Istio:
        dead = asked.dead & self.grouped
        return Istio(self.mesh, self.resources, asked.alive | dead, dead)

    def accepts(self, platform: str) -> bool:
        return not list(refused_groups(self.mesh, _PLATFORMS[platform]))

    def agree(self, platform: str, asked: Asked, code: str | None = None) -> bool:
        """Whether the platform does as the simulator; raises where it does not, untold.

        With ``code`` only findings of that one count. A platform that refuses a group is not asked.
        """
        if not self.accepts(platform):
            return False
        report = [f for f in self.reports[platform] if code in (None, f.code)]
        found, outcome = self.path(platform, asked), self.simulated(asked)
        if platform == "istio" and found == simulated(outcome) and outcome.sent is not None:
            sent = self._istio(asked).sent(asked.request, asked.port, asked.draw)
            assert sent is not None
            assert _without_ours(sent) == _without_ours(outcome.sent)
        return agrees(self.mesh, asked.request, outcome, found, report)


def _without_ours(request: Request) -> Request:
    """Gateways drop what comes as a header of laneway's own; the simulator has none of them."""
    headers = {n: v for n, v in request.headers.items() if not n.startswith("x-laneway-")}
    return replace(request, headers=headers)
