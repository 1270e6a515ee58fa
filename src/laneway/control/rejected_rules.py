"""Finds the ingress rules that a proxy rejects when it starts, and goes on without them.

A proxy rejects a route configuration as a whole, and one that has just started has no former one
to go on with: for a single bad rule its gateway would answer 404 to everything. What is known to
be rejected is an error when files are read, so this is for what laneway does not know.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from laneway.control.control_plane import Change
from laneway.model.keys import key_of
from laneway.model.lanes import IngressRule, Lane
from laneway.model.meshes import Mesh

#: Brings a mesh into force on all proxies, or on none.
Apply = Callable[[Mesh], Awaitable[Change]]

#: A rule by its lane's position in the mesh and its own in the lane.
_Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class RejectedRule:
    """A rule that is not active, with the proxy's error message as the reason."""

    lane: Lane
    rule: IngressRule
    reason: str

    def __str__(self) -> str:
        return f"{key_of(self.lane)}: ingress rule {self.rule.name} is left out: {self.reason}"


async def leave_out_rejected(mesh: Mesh, apply: Apply) -> tuple[RejectedRule, ...]:
    """Bring as many of the mesh's rules into force as proxies accept; returns the others.

    First there are none, then they are added by halves: n rules of which k are rejected take about
    2k log2 n changes. If proxies reject the mesh without any rule, it is left as it is.
    """
    places = [
        (position, index)
        for position, lane in enumerate(mesh.lanes)
        for index in range(len(lane.ingress))
    ]
    found: list[RejectedRule] = []

    async def added(kept: Sequence[_Place], more: Sequence[_Place]) -> Sequence[_Place]:
        together = [*kept, *more]
        change = await apply(_with_rules(mesh, together))
        if change.applied:
            return together
        if len(more) == 1:
            ((position, index),) = more
            lane = mesh.lanes[position]
            reason = "; ".join(change.rejections)
            found.append(RejectedRule(lane, lane.ingress[index], reason))
            return kept
        half = len(more) // 2
        return await added(await added(kept, more[:half]), more[half:])

    if places and (await apply(_with_rules(mesh, ()))).applied:
        await added((), places)
    return tuple(found)


def _with_rules(mesh: Mesh, places: Iterable[_Place]) -> Mesh:
    kept = frozenset(places)
    lanes = tuple(
        replace(
            lane,
            ingress=tuple(r for index, r in enumerate(lane.ingress) if (position, index) in kept),
        )
        for position, lane in enumerate(mesh.lanes)
    )
    return replace(mesh, lanes=lanes)
