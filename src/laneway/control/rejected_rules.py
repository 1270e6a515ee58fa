"""Finds the ingress rules that a proxy rejects when it starts, and leaves them out.

A proxy rejects a route configuration as a whole, and a new proxy has no earlier one to use. So for
a single bad rule, a gateway would answer 404 to all requests. Rules that are known to be rejected
are errors of the input already; this is for cases that laneway does not know.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from laneway.control.control_plane import Change
from laneway.model.keys import key_of
from laneway.model.lanes import IngressRule, Lane
from laneway.model.meshes import Mesh

#: Activates a mesh on all proxies, or on none.
Apply = Callable[[Mesh], Awaitable[Change]]

#: A rule, by the position of its lane in the mesh and its own position in the lane.
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
    """Activates as many rules of the mesh as proxies accept. Returns the others.

    It begins without rules and adds them in halves: n rules of which k are rejected take about
    2k log2 n changes. If proxies reject the mesh even without rules, nothing is changed.
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
