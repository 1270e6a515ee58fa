"""What `Traffic` says of a workload that loses the header, for each way in which lanes travel."""

from __future__ import annotations

from typing import Any

import pytest
from tests.compile.meshes import ROUTE_HEADER, group, lane, mesh, name, service

from laneway.apiserver.traffic import traffic
from laneway.control.call_totals import CountedCalls
from laneway.model.propagated_calls import PropagatedCalls


def said(workload: str, calls: PropagatedCalls, header: str = "x-trace") -> dict[str, Any]:
    shop = mesh(
        [group("a", trace_header=header)], [lane("s1", "a"), lane("s2", "a")], [service("a")]
    )
    counted = CountedCalls(recent={(name(workload), "test"): calls}, seconds=95.2)
    (document,) = traffic(shop, {}, counted)
    (found,) = document["status"]["propagation"]
    return dict(found)


def test_numbers_a_share_a_time_and_what_to_do() -> None:
    assert said("a-v-s2", PropagatedCalls(5, 10, 5)) == {
        "workload": "default/a-v-s2",
        "services": ["default/a"],
        "lane": "s2",
        "header": "x-trace",
        "inLane": 5,
        "withoutHeader": 10,
        "unknownValue": 5,
        "lostShare": 0.75,
        "seconds": 95,
        "certainty": "Certain",
        "message": "in the last 95 s, 15 of 20 calls (75%) of a-v-s2 left their lane: 10 without "
        "x-trace and 5 whose x-trace is of no request inside, while all requests inside it were of "
        "lane s2; pass on x-trace from each request to the calls that it leads to: see "
        "docs/how-to/own-services.md (for calls on its own behalf: callsWithoutLane: ownLane)",
    }


def test_of_a_workload_that_passes_it_on_there_are_numbers_alone() -> None:
    found = said("a-v-s2", PropagatedCalls(100))
    assert (found["inLane"], found["certainty"], found["message"]) == (100, "", "")


def test_a_suspicion_leaves_room_for_calls_on_its_own_behalf() -> None:
    message = said("a-v-s1", PropagatedCalls(0, 9))["message"]
    assert "inside it were of lanes; if these are not calls on its own behalf, pass on" in message


@pytest.mark.parametrize("header", ["traceparent", "X-B3-TraceId", "baggage"])
def test_headers_that_tracing_passes_on_are_said_to_be(header: str) -> None:
    message = said("a-v-s2", PropagatedCalls(0, 9), header)["message"]
    assert f"pass on {header} from each request" in message
    assert "https://opentelemetry.io/docs/concepts/context-propagation/" in message


@pytest.mark.parametrize("header", [ROUTE_HEADER, "baggage"])
def test_a_header_that_has_the_lane_itself_is_not_called_a_request(header: str) -> None:
    message = said("a-v-s2", PropagatedCalls(0, 0, 9), header)["message"]
    assert f"9 whose {header} names no lane" in message
