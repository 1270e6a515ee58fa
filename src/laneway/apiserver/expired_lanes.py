"""Refuses single writes of expired lanes. Pure.

Applying an expired lane again does not renew it: that takes a later ``expiresAt``. A lane that
expired while it was stored can still be labelled, annotated and deleted. ``wiring.whole_changes``
does the same for change sets, and ``operator.admission`` in a cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from laneway.apiserver.resources import Resource
from laneway.apiserver.validation import invalid
from laneway.control.revisions import Manifest, Objects
from laneway.model.checks.lane_lives import expired
from laneway.model.group_defaults import mesh_of
from laneway.model.keys import Declared, key_of
from laneway.model.lanes import Lane, LaneGroup
from laneway.operator.decoded_manifests import DecodedManifests

_MEMBERS = ("LaneGroup", "Lane", "ASMSwimLaneGroup", "ASMSwimLane")


def check_not_expired(
    resource: Resource,
    wanted: Manifest,
    live: Manifest | None,
    objects: Objects,
    now: datetime,
    *,
    states_its_end: bool,
) -> None:
    """``wanted`` is to replace ``live`` among ``objects``. Raises ``Failure``.

    ``states_its_end``: the request contains ``expiresAt``, so it applies the lane even if nothing
    changes, as with Kubernetes' server-side apply.
    """
    if "expiresAt" not in wanted.get("spec", {}):
        return
    decoded = DecodedManifests()
    lane = decoded.of(wanted).declared
    if not isinstance(lane, Lane) or lane.expires_at is None or lane.expires_at > now:
        return
    if live is not None and decoded.of(live).declared == lane and not states_its_end:
        return
    mesh = mesh_of(list(_with_its_group(lane, objects, decoded)))
    if found := [each for each in expired(mesh, now) if each.subject == key_of(lane)]:
        raise invalid(resource, wanted, found)


def _with_its_group(lane: Lane, objects: Objects, decoded: DecodedManifests) -> Iterator[Declared]:
    """The lane and its group, which says whether the lane is a baseline and so never expires."""
    placed = False
    for stored in objects.values():
        if stored.manifest["kind"] not in _MEMBERS:
            continue
        declared = decoded.of(stored.manifest).declared
        if isinstance(declared, LaneGroup) and declared.name == lane.group:
            yield declared
        elif isinstance(declared, Lane) and declared.name == lane.name:
            if declared.group == lane.group:
                placed = True
                yield lane
        elif isinstance(declared, Lane) and declared.group == lane.group:
            yield declared
    if not placed:
        yield lane
