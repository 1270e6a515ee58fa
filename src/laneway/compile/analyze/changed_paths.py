"""Which requests take another path after a change, each with an example.

It simulates the requests by which ``analyze`` reaches routes: one for each way into each lane, also
by ``enter`` rules, other names and ``routeBy``, before the change and after it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from laneway.compile.analyze.entering_requests import entering_trials, otherwise_named_trials
from laneway.compile.analyze.reachability import Port, Survey
from laneway.compile.analyze.simulated_requests import (
    Trial,
    anonymous_trials,
    tell,
    trials,
    tried,
)
from laneway.compile.simulate import Outcome, Request, Why
from laneway.model.examples import Example
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

_NO_GATEWAY = "there is no such gateway or port"
_DRAWS = 100


@dataclass(frozen=True, slots=True)
class ChangedPath:
    """``before`` and ``after`` describe where the request goes; ``example`` is the request.

    ``percentage`` of such requests change their path. It is below 100 where weights choose a lane.
    """

    example: Example
    before: str
    after: str
    percentage: int = 100


def changed_paths(
    before: Mesh, after: Mesh, down: Collection[ObjectName] = ()
) -> tuple[ChangedPath, ...]:
    """``down`` are workloads that are not ready, before the change and after it."""
    old, new = Survey(before), Survey(after)
    asleep = tuple(sorted(down))
    requests: dict[object, Trial] = {}
    for survey in (old, new):
        for trial in _trials(survey, asleep):
            request = trial.request
            headers = tuple(sorted(request.header_lines.items()))
            key = (trial.port.gateway, trial.port.number, request.host, request.path)
            requests.setdefault((*key, request.method, headers), trial)
    found = (_changed(old, new, trial, asleep) for trial in requests.values())
    return tuple(each for each in found if each is not None)


def _trials(survey: Survey, down: tuple[ObjectName, ...]) -> Iterator[Trial]:
    for group in survey.mesh.groups:
        yield from anonymous_trials(survey, group.name, down)
        for lane in survey.mesh.lanes_by_group.get(group.name, ()):
            yield from trials(survey, lane, down)
            yield from otherwise_named_trials(survey, lane, down)
    yield from entering_trials(survey, down)


def _changed(
    old: Survey, new: Survey, trial: Trial, down: tuple[ObjectName, ...]
) -> ChangedPath | None:
    port, request = trial.port, trial.request
    first = [_outcome(survey, port, request, down, 0) for survey in (old, new)]
    several = any(each is not None and _by_weight(each) for each in first)
    pairs = [
        tuple(_outcome(survey, port, request, down, draw) for survey in (old, new))
        for draw in range(_DRAWS if several else 1)
    ]
    changed = [pair for pair in pairs if _path(pair[0]) != _path(pair[1])]
    if not changed:
        return None
    before, after = (tell(each) if each is not None else _NO_GATEWAY for each in changed[0])
    share = max(1, round(100 * len(changed) / len(pairs)))
    return ChangedPath(trial.example(after), before, after, share)


def _outcome(
    survey: Survey, port: Port, request: Request, down: tuple[ObjectName, ...], draw: int
) -> Outcome | None:
    """None if the mesh has no such gateway or port."""
    if (port.gateway, port.number) not in {(p.gateway, p.number) for p in survey.ports}:
        return None
    return tried(survey, port, request, down, draw).outcome


def _by_weight(outcome: Outcome) -> bool:
    return any(reason.why is Why.WEIGHT for hop in outcome.hops for reason in hop.reasons)


def _path(outcome: Outcome | None) -> object:
    """The compared part of a path: the services and lanes of its hops, and who may answer."""
    if outcome is None:
        return None
    hops = tuple((hop.service, hop.port, hop.served, hop.workloads) for hop in outcome.hops)
    return hops, outcome.failure and (outcome.failure.status, outcome.failure.message)
