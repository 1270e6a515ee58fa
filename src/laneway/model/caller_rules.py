"""Rules by which a call belongs to a lane because a workload of that lane makes it.

A strict lane requires nothing of applications: calls of its workloads stay in the lane, whatever
headers they pass on. A permissive lane may claim the calls that its workloads make without a lane,
such as those of a cron job or a consumer. ``Mesh.caller_rules`` are the rules of a mesh.
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
    """Lane -> when calls of its workloads belong to it. Lanes for which they never do are left out.

    A strict lane to which permissive lanes fall back, or that is their baseline, also answers
    requests of other lanes. The calls for such a request must stay in its lane, so only calls that
    name no lane belong to the strict lane.
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
