"""The calls of workloads that left their lane, as a part of ``Traffic``, with words. Pure."""

from __future__ import annotations

from typing import Any

from laneway.model.lane_propagation import Certainty, WorkloadPropagation
from laneway.model.lanes import Propagation
from laneway.model.trace_contexts import is_known

_OPENTELEMETRY = "https://opentelemetry.io/docs/concepts/context-propagation/"
_OWN_SERVICES = "see docs/how-to/own-services.md"


def document(each: WorkloadPropagation, seconds: float) -> dict[str, Any]:
    """``seconds`` are those in which the calls were counted."""
    calls = each.calls
    return {
        "workload": str(each.workload),
        "services": [str(service) for service in each.services],
        "lane": each.lane,
        "header": each.group.trace_header,
        "inLane": calls.in_lane,
        "withoutHeader": calls.without_header,
        "unknownValue": calls.unknown_value,
        "lostShare": round(calls.lost_share, 3),
        "seconds": round(seconds),
        "certainty": each.certainty.value if each.certainty else "",
        "message": f"{_evidence(each, seconds)}; {_remedy(each)}" if each.certainty else "",
    }


def _evidence(each: WorkloadPropagation, seconds: float) -> str:
    calls, header = each.calls, each.group.trace_header
    ways = []
    if calls.without_header:
        ways.append(f"{calls.without_header} without {header}")
    if calls.unknown_value:
        what = "names no lane" if _carries_lane(each) else "is of no request inside"
        ways.append(f"{calls.unknown_value} whose {header} {what}")
    whose = f"of lane {each.lane}" if each.lane else "of lanes"
    share = f"{calls.lost} of {calls.total} calls ({calls.lost_share:.0%})"
    return (
        f"in the last {_span(seconds)}, {share} of {each.workload.short} left their lane: "
        f"{' and '.join(ways)}, while all requests inside it were {whose}"
    )


def _remedy(each: WorkloadPropagation) -> str:
    header = each.group.trace_header
    passed_on = f"pass on {header} from each request to the calls that it leads to"
    if is_known(header) or header.lower() == "baggage":
        passed_on += f", or have tracing do it: {_OPENTELEMETRY}"
    else:
        passed_on += f": {_OWN_SERVICES}"
    if each.certainty is Certainty.CERTAIN:
        return f"{passed_on} (for calls on its own behalf: callsWithoutLane: ownLane)"
    return f"if these are not calls on its own behalf, {passed_on}"


def _carries_lane(each: WorkloadPropagation) -> bool:
    """Whether the header itself names the lane, and not a trace id."""
    return each.group.propagation is not Propagation.TRACE


def _span(seconds: float) -> str:
    return f"{round(seconds)} s" if seconds < 120 else f"{round(seconds / 60)} minutes"
