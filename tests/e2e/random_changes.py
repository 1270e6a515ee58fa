"""Random changes to a mesh, as people make them: each valid, and none that leaves a request alone.

A change is proposed at random and kept only if the mesh is valid after it and the simulator finds
an answer for every lane; so whatever fails during a soak is laneway's fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from random import Random

from laneway.compile.lower import lower
from laneway.compile.simulate.outcomes import Request
from laneway.compile.simulate.paths import simulate
from laneway.model.checks import check
from laneway.model.findings import Severity
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.workloads import Workload

VERSIONS = ("v1", "v2", "v3")
TAG = "ASM_TRAFFIC_TAG"
PORTS = (8000, 9000)

#: (application, version) for each hop, in their order.
Path = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class State:
    """A mesh, which of its workloads are stopped, and which were removed and may come back."""

    mesh: Mesh
    stopped: frozenset[ObjectName] = frozenset()
    removed: tuple[Workload, ...] = ()

    @property
    def ready(self) -> frozenset[ObjectName]:
        return frozenset(w.name for w in self.mesh.workloads) - self.stopped


@dataclass(frozen=True)
class Change:
    kind: str
    after: State


def random_changes(state: State, random: Random) -> Iterator[Change]:
    """Endless, each kind about as often as any other."""
    while True:
        for kind in random.sample(sorted(_PROPOSALS), len(_PROPOSALS)):
            for _ in range(10):
                after = _PROPOSALS[kind](state, random)
                if after is not None and after != state and _is_sound(after):
                    yield Change(kind, after)
                    state = after
                    break


def kinds() -> frozenset[str]:
    return frozenset(_PROPOSALS)


def paths(state: State, headers: dict[str, str]) -> frozenset[Path]:
    """The whole paths that a request may take in this state; empty if it fails."""
    found = set()
    routes = lower(state.mesh)
    for draw in range(0, 100, 5):
        request = Request(path="/mock", headers=headers)
        outcome = simulate(state.mesh, routes, request, ready=state.ready, draw=draw)
        if outcome.failure:
            return frozenset()
        ends: list[Path] = [()]
        for hop in outcome.hops:
            labels = [state.mesh.workloads_by_name[name].labels for name in hop.workloads]
            answering = sorted({(each["app"], each["version"]) for each in labels})
            ends = [(*path, one) for path in ends for one in answering]
        found.update(ends)
    return frozenset(found)


def with_target_port(mesh: Mesh, name: ObjectName, target: int) -> Mesh:
    """The only port of a service leads to another port, the only one of its workloads."""
    service = mesh.services_by_name[name]
    moved = replace(service, ports=(replace(service.ports[0], target=target),))
    workloads = (
        replace(w, ports=(replace(w.ports[0], number=target),))
        if w.is_selected(service.selector)
        else w
        for w in mesh.workloads
    )
    services = tuple(moved if s is service else s for s in mesh.services)
    return replace(mesh, services=services, workloads=tuple(workloads))


def _in_use(state: State) -> list[Workload]:
    """Workloads that requests are in: to stop any other proves nothing."""
    lanes = [*(lane.name for lane in state.mesh.lanes), "unknown"]
    hops = {hop for lane in lanes for path in paths(state, {"my-request-id": lane}) for hop in path}
    return [w for w in state.mesh.workloads if (w.labels["app"], w.labels["version"]) in hops]


def _is_sound(state: State) -> bool:
    if any(finding.severity is Severity.ERROR for finding in check(state.mesh)):
        return False
    lanes = [lane.name for lane in state.mesh.lanes]
    return all(paths(state, {"my-request-id": lane}) for lane in [*lanes, "unknown"]) and bool(
        paths(state, {})
    )


def _with_lanes(state: State, lanes: list[Lane]) -> State:
    return replace(state, mesh=replace(state.mesh, lanes=tuple(lanes)))


def _with_lane(state: State, lane: Lane) -> State:
    lanes = [lane if old.name == lane.name else old for old in state.mesh.lanes]
    return _with_lanes(state, lanes)


def _create(state: State, random: Random) -> State | None:
    taken = {lane.name for lane in state.mesh.lanes}
    free = [f"s{number}" for number in range(4, 9) if f"s{number}" not in taken]
    if not free:
        return None
    (group,) = state.mesh.groups
    services = random.sample(group.services, random.randint(1, len(group.services)))
    others = sorted(taken - {"s1"})
    lane = Lane(
        name=random.choice(free),
        group=group.name,
        selector={TAG: random.choice(VERSIONS)},
        services=tuple(sorted(services)),
        ingress=state.mesh.lanes[0].ingress,
        fallback=tuple(random.sample(others, min(len(others), random.randint(0, 1)))),
    )
    return _with_lanes(state, [*state.mesh.lanes, lane])


def _delete(state: State, random: Random) -> State:
    gone = random.choice(state.mesh.lanes)
    return _with_lanes(state, [lane for lane in state.mesh.lanes if lane is not gone])


def _move(state: State, random: Random) -> State:
    lane = random.choice(state.mesh.lanes)
    return _with_lane(state, replace(lane, selector={TAG: random.choice(VERSIONS)}))


def _empty(state: State, random: Random) -> State:
    return _with_lane(state, replace(random.choice(state.mesh.lanes), selector={TAG: "none"}))


def _regroup(state: State, random: Random) -> State:
    lane = random.choice(state.mesh.lanes)
    services = state.mesh.groups[0].services
    chosen = tuple(sorted(random.sample(services, random.randint(1, len(services)))))
    return _with_lane(state, replace(lane, services=chosen))


def _promote(state: State, random: Random) -> State:
    (group,) = state.mesh.groups
    baseline = replace(group, baseline=random.choice(state.mesh.lanes).name)
    return replace(state, mesh=replace(state.mesh, groups=(baseline,)))


def _weigh(state: State, random: Random) -> State:
    lane = random.choice(state.mesh.lanes)
    return _with_lane(state, replace(lane, weight=random.choice((0, 10, 30))))


def _stop(state: State, random: Random) -> State:
    stopped = random.choice(_in_use(state)).name
    return replace(state, stopped=state.stopped | {stopped})


def _start(state: State, random: Random) -> State | None:
    if not state.stopped:
        return None
    return replace(state, stopped=state.stopped - {random.choice(sorted(state.stopped))})


def _edit(state: State, random: Random) -> State | None:
    """Another environment: the process is replaced."""
    old = random.choice(_in_use(state))
    edition = str(int(old.env.get("edition", "0")) + 1)
    return _with_workload(state, replace(old, env={**old.env, "edition": edition}))


def _rename(state: State, random: Random) -> State | None:
    old = random.choice(_in_use(state))
    if old.name in state.stopped:
        return None  # a change starts it again
    taken = {w.name for w in (*state.mesh.workloads, *state.removed)}
    names = (replace(old.name, name=f"renamed-{number}") for number in count())
    renamed = replace(old, name=next(each for each in names if each not in taken))
    workloads = tuple(renamed if w is old else w for w in state.mesh.workloads)
    return replace(state, mesh=replace(state.mesh, workloads=workloads))


def _remove(state: State, random: Random) -> State:
    gone = random.choice(_in_use(state))
    workloads = tuple(w for w in state.mesh.workloads if w is not gone)
    return State(
        replace(state.mesh, workloads=workloads),
        state.stopped - {gone.name},
        (*state.removed, gone),
    )


def _add(state: State, random: Random) -> State | None:
    if not state.removed:
        return None
    back = random.choice(state.removed)
    app = back.labels["app"]
    (port,) = {w.ports[0].number for w in state.mesh.workloads if w.labels["app"] == app}
    back = replace(back, ports=(replace(back.ports[0], number=port),))
    mesh = replace(state.mesh, workloads=(*state.mesh.workloads, back))
    return replace(state, mesh=mesh, removed=tuple(w for w in state.removed if w.name != back.name))


def _move_port(state: State, random: Random) -> State | None:
    service = random.choice(state.mesh.services)
    behind = {w.name for w in state.mesh.workloads if w.is_selected(service.selector)}
    if behind & state.stopped:
        return None  # a change starts it again
    target = next(number for number in PORTS if number != service.ports[0].workload_port)
    return replace(state, mesh=with_target_port(state.mesh, service.name, target))


def _with_workload(state: State, workload: Workload) -> State | None:
    if workload.name in state.stopped:
        return None  # a change starts it again
    workloads = tuple(workload if w.name == workload.name else w for w in state.mesh.workloads)
    return replace(state, mesh=replace(state.mesh, workloads=workloads))


_PROPOSALS: dict[str, Callable[[State, Random], State | None]] = {
    "create a lane": _create,
    "delete a lane": _delete,
    "move a lane to a version": _move,
    "empty a lane": _empty,
    "change a lane's services": _regroup,
    "switch the baseline": _promote,
    "change a weight": _weigh,
    "edit a workload": _edit,
    "rename a workload": _rename,
    "remove a workload": _remove,
    "add a workload": _add,
    "move a service to another port": _move_port,
    "stop a workload": _stop,
    "start a workload": _start,
}
