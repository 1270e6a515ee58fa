"""The defaults that a lane takes from its group.

This is the step from single declared objects to a mesh. It is part of the model, so that objects
get the same defaults from any source: a file, a cluster, or a Python program.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from laneway.model.gateways import Gateway
from laneway.model.keys import Declared
from laneway.model.lanes import IngressRule, Lane, LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.services import Service
from laneway.model.workloads import Workload

_D = TypeVar("_D", bound=Declared)


def mesh_of(declared: Sequence[Declared]) -> Mesh:
    """The mesh of these objects, in their order, with every lane's defaults filled in.

    Lanes come by their ``order`` first.

    The groups of a mesh have no ``ingress``: their rules are in the lanes that take them.
    """
    groups = tuple(_of(declared, LaneGroup))
    return Mesh(
        groups=tuple(replace(group, ingress=()) if group.ingress else group for group in groups),
        lanes=tuple(with_group_defaults(_in_order(_of(declared, Lane)), groups)),
        services=tuple(_of(declared, Service)),
        workloads=tuple(_of(declared, Workload)),
        gateways=tuple(_of(declared, Gateway)),
    )


def _in_order(lanes: Iterable[Lane]) -> Iterable[Lane]:
    return sorted(lanes, key=lambda lane: lane.order)


def with_group_defaults(lanes: Iterable[Lane], groups: Iterable[LaneGroup]) -> Iterator[Lane]:
    """A lane without services, or without rules, gets those of its group.

    A rule without hosts means the group's rules with another destination, as in ASM's weighted
    lanes. A lane whose group is unknown is not changed.
    """
    by_name = {group.name: group for group in groups}
    for lane in lanes:
        group = by_name.get(lane.group)
        yield lane if group is None else _filled(lane, group)


def _filled(lane: Lane, group: LaneGroup) -> Lane:
    if lane.services and lane.ingress and all(rule.hosts for rule in lane.ingress):
        return lane
    rules: list[IngressRule] = []
    for own in lane.ingress:
        rules += [own] if own.hosts else _redirected(group.ingress, own)
    return replace(
        lane,
        services=lane.services or group.services,
        ingress=tuple(rules) or group.ingress,
    )


def _redirected(rules: Iterable[IngressRule], own: IngressRule) -> Iterator[IngressRule]:
    return (replace(rule, destination=own.destination, port=own.port) for rule in rules)


def _of(declared: Sequence[Declared], kind: type[_D]) -> Iterator[_D]:
    return (each for each in declared if isinstance(each, kind))
