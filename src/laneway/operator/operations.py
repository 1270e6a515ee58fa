"""Which objects to apply and delete, and in what order. Pure.

Make before break, as ``control.phases`` does it for proxies: subsets and clusters are *added*
before the routes that use them are *switched*, and only then *removed*. An object that both gains
and loses parts holds the old and the new ones in between. Objects that are up to date are left
alone.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from laneway.compile.ownership import is_owned
from laneway.operator.held_groups import Hold, Holds
from laneway.operator.manifests import (
    Manifest,
    groups_of,
    is_applied,
    is_current,
    is_within,
    key_of,
    seal,
    with_groups,
)
from laneway.operator.sealed_manifests import SealedManifests


class Phase(enum.Enum):
    """In the order in which they are carried out."""

    ADD = "add"
    SWITCH = "switch"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Apply:
    """``before`` is the object as it is there, or ``None`` where it is new."""

    manifest: Manifest
    before: Manifest | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    manifest: Manifest


Operation = Apply | Delete


@dataclass(frozen=True, slots=True)
class Step:
    """Operations that may be carried out at once; the next step waits for them."""

    phase: Phase
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """``collisions`` are objects of somebody else that have a name which laneway would use."""

    steps: tuple[Step, ...] = ()
    collisions: tuple[Manifest, ...] = ()

    def __len__(self) -> int:
        """The number of operations."""
        return sum(len(step.operations) for step in self.steps)


_PHASES = tuple(Phase)
#: What routes use: what is used stands before what uses it.
_SUPPORTS = ("Service", "DestinationRule", "EnvoyFilter", "WasmPlugin")
_ROUTES = ("VirtualService", "HTTPRoute", "GRPCRoute")

#: A step's place in the order: its phase, then a rank within it.
_Place = tuple[int, int]


def reconcile(
    desired: Iterable[Manifest],
    existing: Iterable[Manifest],
    holds: Holds | None = None,
    sealed: SealedManifests | None = None,
) -> Reconciliation:
    """The steps that make ``existing`` (of all owners) what is desired, where nothing holds it."""
    holds = Holds() if holds is None else holds
    known = SealedManifests() if sealed is None else sealed
    present = {key_of(manifest): manifest for manifest in existing}
    wanted = {key_of(manifest): manifest for manifest in desired}
    planned: dict[_Place, list[Operation]] = {}
    collisions = []
    for key, manifest in wanted.items():
        before = present.get(key)
        hold = holds.of(manifest, before)
        if hold is Hold.FROZEN:
            continue
        if before is not None and not is_owned(before):
            collisions.append(before)
        elif before is None or not known.is_current(before, manifest):
            for place, apply in _applies(known.seal(manifest), before, hold):
                planned.setdefault(place, []).append(apply)
    for key, manifest in present.items():
        if key in wanted or holds.of(manifest) is not Hold.FREE:
            continue
        if is_owned(manifest) and is_applied(manifest):
            planned.setdefault(_end(manifest), []).append(Delete(manifest))
    known.sweep()
    steps = (Step(_PHASES[place[0]], tuple(planned[place])) for place in sorted(planned))
    return Reconciliation(tuple(steps), tuple(collisions))


def _applies(
    manifest: Manifest, before: Manifest | None, hold: Hold
) -> Iterator[tuple[_Place, Apply]]:
    if manifest["kind"] in _ROUTES:
        yield _place(Phase.SWITCH, 1 if _is_ingress(manifest) else 0), Apply(manifest, before)
        return
    if before is not None and hold is Hold.GROWS:
        if (grown := _grown(before, manifest)) is not before:
            yield _place(Phase.ADD, _rank(manifest)), Apply(grown, before)
        return
    both = manifest if before is None else _both(before, manifest)
    if before is None or not is_current(before, both):
        yield _place(Phase.ADD, _rank(manifest)), Apply(both, before)
    if both is not manifest:
        yield _place(Phase.REMOVE, _rank(manifest)), Apply(manifest, before)


def _end(manifest: Manifest) -> _Place:
    """Routes go from the gateway inwards, after those that replace them have come."""
    if manifest["kind"] in _ROUTES:
        return _place(Phase.SWITCH, 2 if _is_ingress(manifest) else 3)
    return _place(Phase.REMOVE, _rank(manifest))


def _place(phase: Phase, rank: int) -> _Place:
    return _PHASES.index(phase), rank


def _rank(manifest: Manifest) -> int:
    kind = manifest["kind"]
    return _SUPPORTS.index(kind) if kind in _SUPPORTS else len(_SUPPORTS)


def _is_ingress(manifest: Manifest) -> bool:
    return "mesh" not in _gateways(manifest)


def _gateways(manifest: Manifest) -> list[str]:
    return (manifest.get("spec") or {}).get("gateways") or ["mesh"]


def _subset(part: Mapping[str, Any]) -> Hashable:
    return part.get("name")


def _patch(part: Mapping[str, Any]) -> Hashable:
    """Two patches are one when they make the same cluster, or match the same thing."""
    if part.get("applyTo") == "CLUSTER":
        value = (part.get("patch") or {}).get("value") or {}
        if "name" in value:
            return "CLUSTER", value["name"]
    return part.get("applyTo"), json.dumps(part.get("match"), sort_keys=True)


#: The lists that routes refer into, and what tells their items apart.
_PARTS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Hashable]]] = {
    "DestinationRule": ("subsets", _subset),
    "EnvoyFilter": ("configPatches", _patch),
}


def _both(before: Manifest, manifest: Manifest) -> Manifest:
    """``manifest`` with the parts that only ``before`` has; itself where there are none."""
    if manifest["kind"] not in _PARTS:
        return manifest
    field, identity = _PARTS[manifest["kind"]]
    parts = manifest["spec"].get(field) or []
    kept = {identity(part) for part in parts}
    leaving = [p for p in before.get("spec", {}).get(field) or [] if identity(p) not in kept]
    if not leaving:
        return manifest
    return seal({**manifest, "spec": {**manifest["spec"], field: [*parts, *leaving]}})


def _grown(before: Manifest, manifest: Manifest) -> Manifest:
    """``before`` with what ``manifest`` has anew or otherwise; itself where that is nothing."""
    field, identity = _PARTS[manifest["kind"]]
    old = before["spec"].get(field) or []
    new = {identity(part): part for part in manifest["spec"].get(field) or []}
    parts = [new.pop(identity(part), part) for part in old] + [*new.values()]
    if is_within(parts, old):
        return before
    grown = {**manifest, "spec": {**manifest["spec"], field: parts}}
    return seal(with_groups(grown, groups_of(before)))


def unclaimed(
    desired: Iterable[Manifest], existing: Iterable[Manifest]
) -> tuple[list[Manifest], list[tuple[Manifest, Manifest]]]:
    """What of ``desired`` leaves others' VirtualServices alone; and each that does not, with whose.

    In the mesh one VirtualService routes a host: where there are several, Istio goes by the
    oldest. So one that is younger than laneway's own has no effect, and is no claim. (At a gateway
    Istio joins what several say.)
    """
    existing = [manifest for manifest in existing if manifest["kind"] == "VirtualService"]
    owned = {host: _created(m) for m in existing if is_owned(m) for host in _hosts_in_mesh(m)}
    claims = {
        host: manifest
        for manifest in existing
        if not is_owned(manifest)
        for host in _hosts_in_mesh(manifest)
        if host not in owned or _created(manifest) < owned[host]
    }
    free, taken = [], []
    for manifest in desired:
        hosts = _hosts_in_mesh(manifest) if manifest["kind"] == "VirtualService" else ()
        claim = next((claims[host] for host in hosts if host in claims), None)
        if claim is None:
            free.append(manifest)
        else:
            taken.append((manifest, claim))
    return free, taken


def _created(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("creationTimestamp") or "")


def _hosts_in_mesh(manifest: Manifest) -> tuple[str, ...]:
    """A VirtualService's hosts, short names resolved in its own namespace, as Istio does."""
    if _is_ingress(manifest):
        return ()
    namespace = manifest["metadata"].get("namespace", "")
    return tuple(
        host if "." in host or "*" in host else f"{host}.{namespace}.svc.cluster.local"
        for host in (manifest.get("spec") or {}).get("hosts") or ()
    )
