"""Which objects to apply and delete, and in what order. Pure.

Make before break, as ``control.phases`` does it for proxies: subsets and clusters are *added*
before the routes that use them are *switched*, and only then *removed*. An object that both gains
and loses parts holds the old and the new ones in between. Objects that are up to date are left
alone.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from laneway.compile.dialect import FindClaim, Kinds, Parts
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
#: A step's place in the order: its phase, then a rank within it.
_Place = tuple[int, int]


def reconcile(
    kinds: Kinds,
    desired: Iterable[Manifest],
    existing: Iterable[Manifest],
    holds: Holds | None = None,
    sealed: SealedManifests | None = None,
) -> Reconciliation:
    """The steps that make ``existing`` (of all owners) what is desired, unless ``holds`` forbids.

    All objects are of ``kinds``.
    """
    holds = Holds(kinds) if holds is None else holds
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
            for place, apply in _applies(kinds, known.seal(manifest), before, hold):
                planned.setdefault(place, []).append(apply)
    for key, manifest in present.items():
        if key in wanted or holds.of(manifest) is not Hold.FREE:
            continue
        if is_owned(manifest) and is_applied(manifest):
            planned.setdefault(_end(kinds, manifest), []).append(Delete(manifest))
    known.next_pass()
    steps = (Step(_PHASES[place[0]], tuple(planned[place])) for place in sorted(planned))
    return Reconciliation(tuple(steps), tuple(collisions))


def _applies(
    kinds: Kinds, manifest: Manifest, before: Manifest | None, hold: Hold
) -> Iterator[tuple[_Place, Apply]]:
    kind = kinds[manifest["kind"]]
    if kind.is_route:
        yield _place(Phase.SWITCH, 1 if kind.gateways(manifest) else 0), Apply(manifest, before)
        return
    rank = _rank(kinds, manifest)
    if before is not None and kind.parts is not None and hold is Hold.GROWS:
        if (grown := _grown(kind.parts, before, manifest)) is not before:
            yield _place(Phase.ADD, rank), Apply(grown, before)
        return
    both = manifest if before is None else _both(kind.parts, before, manifest)
    if before is None or not is_current(before, both):
        yield _place(Phase.ADD, rank), Apply(both, before)
    if both is not manifest:
        yield _place(Phase.REMOVE, rank), Apply(manifest, before)


def _end(kinds: Kinds, manifest: Manifest) -> _Place:
    """Routes are deleted from the gateway inwards, after the routes that replace them exist."""
    kind = kinds[manifest["kind"]]
    if kind.is_route:
        return _place(Phase.SWITCH, 2 if kind.gateways(manifest) else 3)
    last = 2 * len(kinds)
    return _place(Phase.REMOVE, last if kind.is_base(manifest) else _rank(kinds, manifest))


def _place(phase: Phase, rank: int) -> _Place:
    return _PHASES.index(phase), rank


def _rank(kinds: Kinds, manifest: Manifest) -> int:
    """In the order of kinds; within a kind, what others of the kind refer to comes first."""
    index = list(kinds).index(manifest["kind"])
    return 2 * index + (0 if kinds[manifest["kind"]].is_base(manifest) else 1)


def _both(of: Parts | None, before: Manifest, manifest: Manifest) -> Manifest:
    """``manifest`` with the parts that only ``before`` has; itself if there are none."""
    if of is None:
        return manifest
    field, identity = of.field, of.identity
    parts = manifest["spec"].get(field) or []
    kept = {identity(part) for part in parts}
    leaving = [p for p in before.get("spec", {}).get(field) or [] if identity(p) not in kept]
    if not leaving:
        return manifest
    return seal({**manifest, "spec": {**manifest["spec"], field: [*parts, *leaving]}})


def _grown(of: Parts, before: Manifest, manifest: Manifest) -> Manifest:
    """``before`` with the parts of ``manifest`` that are new or changed; itself if none are."""
    field, identity = of.field, of.identity
    old = before["spec"].get(field) or []
    new = {identity(part): part for part in manifest["spec"].get(field) or []}
    parts = [new.pop(identity(part), part) for part in old] + [*new.values()]
    if is_within(parts, old):
        return before
    grown = {**manifest, "spec": {**manifest["spec"], field: parts}}
    return seal(with_groups(grown, groups_of(before)))


def unclaimed(
    desired: Iterable[Manifest], find_claim: FindClaim
) -> tuple[list[Manifest], list[tuple[Manifest, Manifest]]]:
    """Splits ``desired``: what can be applied, and what is routed by an object of somebody else
    already, together with that object."""
    free, taken = [], []
    for manifest in desired:
        claim = find_claim(manifest)
        if claim is None:
            free.append(manifest)
        else:
            taken.append((manifest, claim))
    return free, taken
