"""When a call belongs to a lane because a workload of that lane makes it.

A strict lane asks nothing of applications: its workloads' calls stay in it, whatever they pass on.
A permissive lane may ask for the calls that its workloads make without a lane, such as those of a
cron job or a consumer. ``Mesh.caller_rules`` holds the rules of a mesh.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

from laneway.model.lanes import CallsWithoutLane, Lane, LaneGroup, Mode


class CallerRule(enum.Enum):
    """When a call belongs to the lane of the workload that makes it."""

    ALWAYS = "always"  # whatever lane it names
    WITHOUT_LANE = "without-lane"  # if it names none


def caller_rules(
    group: LaneGroup, lanes: Iterable[Lane], baseline: Lane | None
) -> Mapping[str, CallerRule]:
    """Lane -> when its workloads' calls belong to it; lanes for which they never do are left out.

    A strict lane that permissive lanes fall back to, or that is a baseline beside them, answers
    requests of others, too. What its workloads call for such a request must not lose that lane, so
    only calls that name none belong to it.
    """
    lanes = list(lanes)
    strict = {lane.name for lane in lanes if (lane.mode or group.mode) is Mode.STRICT}
    permissive = [lane for lane in lanes if lane.name not in strict]
    shared = {name for lane in permissive for name in lane.fallback}
    if permissive or group.mode is Mode.PERMISSIVE:
        shared |= set(group.service_baselines.values())
        shared |= {baseline.name} if baseline is not None else set()
    rules = {}
    for lane in lanes:
        wanted = lane.calls_without_lane or group.calls_without_lane
        if lane.name in strict and lane.name not in shared:
            rules[lane.name] = CallerRule.ALWAYS
        elif lane.name in strict or wanted is CallsWithoutLane.OWN_LANE:
            rules[lane.name] = CallerRule.WITHOUT_LANE
    return rules
