"""Random changes to a mesh, as people make them: each valid, and none that leaves a request alone.

A mutation is proposed at random and kept only if the mesh is valid after it and the simulator
finds an answer for every lane; so whatever fails during a soak is laneway's fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from laneway.compile.lower import lower
from laneway.compile.simulate.outcomes import Request
from laneway.compile.simulate.paths import simulate
from laneway.model.checks import check
from laneway.model.findings import Severity
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

VERSIONS = ("v1", "v2", "v3")
TAG = "ASM_TRAFFIC_TAG"


@dataclass(frozen=True)
class State:
    """A mesh and which of its workloads are stopped."""

    mesh: Mesh
    stopped: frozenset[ObjectName] = frozenset()

    @property
    def ready(self) -> frozenset[ObjectName]:
        return frozenset(w.name for w in self.mesh.workloads) - self.stopped


@dataclass(frozen=True)
class Mutation:
    kind: str
    after: State


def mutations(state: State, random: Random) -> Iterator[Mutation]:
    """Endless. The consumer applies each before it takes the next."""
    while True:
        kind, propose = random.choice(tuple(_PROPOSALS.items()))
        after = propose(state, random)
        if after is not None and after != state and _is_sound(after):
            yield Mutation(kind, after)
            state = after


def versions(state: State, headers: dict[str, str]) -> dict[str, set[str]]:
    """Application -> the versions that may answer a request in this state; empty if it fails."""
    answers: dict[str, set[str]] = {}
    routes = lower(state.mesh)
    for draw in range(0, 100, 5):
        request = Request(path="/mock", headers=headers)
        outcome = simulate(state.mesh, routes, request, ready=state.ready, draw=draw)
        if outcome.failure:
            return {}
        for hop in outcome.hops:
            for name in hop.workloads:
                labels = state.mesh.workloads_by_name[name].labels
                answers.setdefault(labels["app"], set()).add(labels["version"])
    return answers


def _is_sound(state: State) -> bool:
    if any(finding.severity is Severity.ERROR for finding in check(state.mesh)):
        return False
    lanes = [lane.name for lane in state.mesh.lanes]
    return all(versions(state, {"my-request-id": lane}) for lane in [*lanes, "unknown"]) and bool(
        versions(state, {})
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
    stopped = random.choice(state.mesh.workloads).name
    return replace(state, stopped=state.stopped | {stopped})


def _start(state: State, random: Random) -> State | None:
    if not state.stopped:
        return None
    return replace(state, stopped=state.stopped - {random.choice(sorted(state.stopped))})


_PROPOSALS: dict[str, Callable[[State, Random], State | None]] = {
    "create a lane": _create,
    "delete a lane": _delete,
    "move a lane to a version": _move,
    "empty a lane": _empty,
    "change a lane's services": _regroup,
    "switch the baseline": _promote,
    "change a weight": _weigh,
    "stop a workload": _stop,
    "start a workload": _start,
}
