"""Requests to a declared state, short to write, and a mesh in memory that takes or refuses them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from tests.compile.meshes import GATEWAY, group, lane, rule, service

from laneway.compile.envoy.limits import check
from laneway.control.control_plane import Change
from laneway.control.declared import (
    Applied,
    CannotRun,
    ChangeSet,
    Declaration,
    Declarations,
    DeclaredState,
    Principal,
    Put,
    Refused,
    Remove,
    ReplaceAll,
    Request,
    Result,
    Write,
)
from laneway.control.declared.planning import plan
from laneway.model.findings import ObjectKey
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.keys import Declared
from laneway.model.meshes import Mesh

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
JACK = Principal("jack")
GATE = Gateway(GATEWAY, (GatewayServer(80, "http"),))
#: A lane group ``test`` of the services a and b, with its baseline and a lane ``blue``.
BASE = lane("base", "a b", rule("a"))
BLUE = lane("blue", "a", rule("a"))
GROUP = group("a b")
SHOP: tuple[Declared, ...] = (GROUP, BASE, BLUE, service("a"), service("b"), GATE)


def files(*objects: Declared, source: str = "files", force: bool = False) -> ChangeSet:
    return ChangeSet(source, ReplaceAll(tuple(map(Declaration, objects))), force)


def put(declared: Declared, source: str = "api", **options: bool) -> Write:
    return Write(source, Put(Declaration(declared)), **options)


def remove(kind: str, name: str, source: str = "api", **options: bool) -> Write:
    return Write(source, Remove(ObjectKey(kind, name)), **options)


def planned(*requests: Request) -> DeclaredState:
    """The state after requests that are all applied."""
    state = DeclaredState()
    for request in requests:
        after = plan(state, request, JACK, active=state.mesh, check=check)
        assert isinstance(after, DeclaredState), after
        state = after
    return state


def refused(state: DeclaredState, request: Request, version: int | None = None) -> Refused:
    found = plan(state, request, JACK, active=state.mesh, check=check, expected_version=version)
    assert isinstance(found, Refused), found
    return found


def lanes(mesh: Mesh) -> list[str]:
    return [f"{each.group}/{each.name}" for each in mesh.lanes]


class Machine:
    """Runs any mesh, unless ``rejects`` says why proxies do not accept it. ``stops`` is why
    nothing can be started."""

    def __init__(self) -> None:
        self.mesh = Mesh()
        self.rejects: Callable[[Mesh], str] = lambda mesh: ""
        self.stops: Callable[[Mesh], str] = lambda mesh: ""
        self.tried: list[Mesh] = []
        self.under_way = 0

    async def change(self, mesh: Mesh) -> Change:
        assert not self.under_way, "changes overlap"
        self.under_way += 1
        self.tried.append(mesh)
        try:
            await asyncio.sleep(0)
            if reason := self.stops(mesh):
                raise CannotRun(reason) from OSError(reason)
            if reason := self.rejects(mesh):
                return Change(False, (reason,))
            self.mesh = mesh
            await asyncio.sleep(0)  # what is gone is cleaned up
            return Change(True)
        finally:
            self.under_way -= 1


class Declaring:
    """The declared state of a ``Machine``, which begins with nothing."""

    def __init__(self, now: Callable[[], datetime] = lambda: NOON) -> None:
        self.machine = Machine()
        self.declarations = Declarations(DeclaredState(), self.machine, check, lambda: 0.0, now)

    @property
    def state(self) -> DeclaredState:
        return self.declarations.state

    async def apply(self, request: Request, version: int | None = None) -> Result:
        return await self.declarations.apply(request, JACK, expected_version=version)

    async def applied(self, request: Request) -> Applied:
        result = await self.apply(request)
        assert isinstance(result, Applied), result
        return result

    async def refused(self, request: Request, version: int | None = None) -> Refused:
        result = await self.apply(request, version)
        assert isinstance(result, Refused), result
        return result
