"""Counts of the calls that a workload made while all requests inside it were of lanes.

Each such call belongs to a request of a lane, unless the application makes it on its own behalf.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class PropagatedCalls:
    """By what the calls named when they left the sidecar.

    ``in_lane`` named a lane. The others named none: ``without_header`` lacked the header that
    applications are to pass on, ``unknown_value`` had it with a value that no request inside came
    with.
    """

    in_lane: int = 0
    without_header: int = 0
    unknown_value: int = 0

    @property
    def lost(self) -> int:
        return self.without_header + self.unknown_value

    @property
    def total(self) -> int:
        return self.in_lane + self.lost

    @property
    def lost_share(self) -> float:
        return self.lost / self.total if self.total else 0.0

    def __add__(self, other: PropagatedCalls) -> PropagatedCalls:
        return PropagatedCalls(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    def since(self, before: PropagatedCalls) -> PropagatedCalls:
        """What came since ``before``, or all of it where the counting began again meanwhile."""
        pairs = zip(astuple(self), astuple(before), strict=True)
        differences = [now - then for now, then in pairs]
        return self if min(differences) < 0 else PropagatedCalls(*differences)
