"""Plans how a request is undone that was applied and must not stand, such as a change set that the
store could not keep. Pure.

To declare the objects of before once more is not enough. An object may have been invalid before.
If it is valid and runs by now, its group would be held in a state that was never acknowledged.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

from laneway.control.declared.baselines import recorded
from laneway.control.declared.objects import Objects
from laneway.control.declared.resolution import Check, resolve
from laneway.control.declared.state import DeclaredState, Failure, Transition
from laneway.model.findings import ObjectKey

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


def undone(state: DeclaredState, made: Transition, check: Check) -> DeclaredState:
    """``state`` without what ``made`` changed. What other requests changed since then stays."""
    before, after = made.before, made.after
    version = state.version + 1
    if state is after:
        return DeclaredState(
            version, before.objects, before.resolution, before.failures, before.baselines
        )
    by_key = _reverted(before.objects.by_key, after.objects.by_key, state.objects.by_key)
    stay = [each.key for each in state.objects.ordered if each.key in by_key]
    again = [each.key for each in before.objects.ordered if each.key in by_key]
    objects = Objects.of(by_key[key] for key in dict.fromkeys((*stay, *again)))
    failures = _reverted(_by_key(before), _by_key(after), _by_key(state))
    for key, failure in _by_key(before).items():
        if by_key.get(key) == before.objects.by_key.get(key):
            failures.setdefault(key, failure)  # tried again, it could make the undoing fail
    errors = {key: (failure.finding,) for key, failure in failures.items()}
    kept = _reverted(before.baselines, after.baselines, state.baselines)
    resolution = resolve(objects, made.active, check, errors, kept)
    baselines = recorded(kept, objects, resolution.mesh)
    return DeclaredState(version, objects, resolution, tuple(failures.values()), baselines)


def _by_key(state: DeclaredState) -> dict[ObjectKey, Failure]:
    return {failure.key: failure for failure in state.failures}


def _reverted(
    before: Mapping[_K, _V], after: Mapping[_K, _V], now: Mapping[_K, _V]
) -> dict[_K, _V]:
    """The values of now, except those that are still as ``after``: they are as before."""
    found: dict[_K, _V] = {}
    for key in {**now, **before}:
        source = before if now.get(key) == after.get(key) else now
        if key in source:
            found[key] = source[key]
    return found
