"""Lanes that are declared and do not count: what an explanation says of a request that names one.

The mesh that is compiled, and simulated, does not have them; without this they would look like
lanes that never existed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from laneway.compile.simulate.outcomes import Reason, Why
from laneway.compile.simulate.phrases import Phrase, reason
from laneway.model.lane_lives import Inactive, inactive
from laneway.model.meshes import Mesh
from laneway.model.times import timestamp


@dataclass(frozen=True, slots=True)
class InactiveLane:
    """``since`` is "" where the time is not known."""

    name: str
    why: Inactive
    since: str = ""

    @property
    def reason(self) -> Reason:
        """As in "lane s2 is disabled"."""
        if self.why is Inactive.EXPIRED:
            return reason(Why.EXPIRED_LANE, Phrase.LANE_EXPIRED, lane=self.name, time=self.since)
        if self.since:
            said = Phrase.LANE_DISABLED_SINCE
            return reason(Why.DISABLED_LANE, said, lane=self.name, time=self.since)
        return reason(Why.DISABLED_LANE, Phrase.LANE_DISABLED, lane=self.name)

    @property
    def text(self) -> str:
        return self.reason.text


@dataclass(frozen=True, slots=True)
class InactiveLanes:
    """``by_name``: group and name -> lane. ``by_value``: route header in lower case, and a value
    that names the lane in it -> lane."""

    by_name: Mapping[tuple[str, str], InactiveLane] = field(default_factory=dict)
    by_value: Mapping[tuple[str, str], InactiveLane] = field(default_factory=dict)

    def naming(self, header: str, value: str) -> InactiveLane | None:
        """The lane that the value of the route header would name."""
        return self.by_value.get((header.lower(), value))

    def said_of(self, group: str, name: str | None) -> str:
        """For the end of a sentence that names the lane."""
        lane = self.by_name.get((group, name)) if name is not None else None
        return f": {lane.text}" if lane is not None else ""


def inactive_lanes(
    declared: Mesh, now: datetime | None = None, since: Mapping[str, str] | None = None
) -> InactiveLanes:
    """Of all that is declared. ``since``: lane -> the time when it was disabled, where known."""
    by_name, by_value = {}, {}
    for lane in declared.lanes:
        why = inactive(declared, lane, now)
        if why is None:
            continue
        if why is Inactive.EXPIRED:
            assert lane.expires_at is not None
            at = timestamp(lane.expires_at)
        else:
            at = (since or {}).get(lane.name, "")
        found = InactiveLane(lane.name, why, at)
        by_name[lane.group, lane.name] = found
        if (group := declared.groups_by_name.get(lane.group)) is not None:
            for value in (lane.name, *lane.names):
                by_value[group.route_header.lower(), value] = found
    return InactiveLanes(by_name, by_value)
