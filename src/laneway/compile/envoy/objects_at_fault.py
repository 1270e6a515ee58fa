"""Which declared objects a proxy's rejection is about. Pure.

Envoy names a resource, and quotes what it does not like, if anything. A resource is made of many
objects; what the proxies accepted before is not at fault, so those that changed come first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from laneway.model.findings import ObjectKey
from laneway.model.keys import Declared, key_of
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh

#: A cluster or a route of a service: see ``names.subset_cluster``.
_OUTBOUND = re.compile(
    r"outbound\|\d+\|(?P<chain>[^|\s']*)\|(?P<service>[\w-]+)\.(?P<namespace>[\w-]+)"
)
#: What is shorter is quoted by chance.
_SHORTEST = 4


def objects_at_fault(
    rejected: Mesh, before: Mesh, resource: str, error: str
) -> tuple[ObjectKey, ...]:
    """``rejected`` is what the proxy was sent, ``before`` what it has acknowledged: the same at a
    start. ``error`` is Envoy's own text. Empty where nothing tells."""
    known = {key_of(each): each for each in _objects(before)}
    every = tuple(_objects(rejected))
    changed = tuple(each for each in every if known.get(key_of(each)) != each) or every
    lanes = tuple(each for each in changed if isinstance(each, Lane))
    quoted = tuple(lane for lane in lanes if _quotes(error, lane))
    groups = _groups(rejected, f"{resource} {error}")
    of_groups = tuple(lane for lane in lanes if lane.group in groups)
    for found in (quoted, changed, of_groups):
        if len(found) == 1:
            return (key_of(found[0]),)
    return tuple(map(key_of, quoted)) or tuple(ObjectKey("LaneGroup", each) for each in groups)


def _objects(mesh: Mesh) -> Iterator[Declared]:
    for objects in (mesh.lanes, mesh.groups, mesh.services, mesh.workloads, mesh.gateways):
        yield from objects


def _groups(mesh: Mesh, text: str) -> Sequence[str]:
    """The groups of the services that the text names."""
    groups = {str(service): group.name for service, group in mesh.groups_by_service.items()}
    hosts = (f"{m['namespace']}/{m['service']}" for m in _OUTBOUND.finditer(text))
    return tuple(dict.fromkeys(groups[host] for host in hosts if host in groups))


def _quotes(error: str, lane: Lane) -> bool:
    """Whether the error has a text of the lane's rules, or one of them the end of the error: Envoy
    repeats the part of an expression that it does not understand."""
    end = error.rpartition(": ")[2].strip().strip("'\"")
    return any(
        (len(text) >= _SHORTEST and text in error) or (len(end) >= _SHORTEST and end in text)
        for rule in lane.ingress
        for text in _texts((rule.hosts, rule.uri, rule.headers, rule.query, rule.actions))
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and not isinstance(value, Enum):
        yield value
    elif is_dataclass(value):
        for each in fields(value):
            yield from _texts(getattr(value, each.name))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(key)
            yield from _texts(each)
    elif isinstance(value, tuple | frozenset):
        for each in value:
            yield from _texts(each)
