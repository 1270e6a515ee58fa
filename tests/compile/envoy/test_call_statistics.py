"""The native lane filter's counters of calls, as Envoy's admin interface writes them."""

from __future__ import annotations

from laneway.compile.envoy.call_statistics import readings
from laneway.model.propagated_calls import PropagatedCalls

TEXT = """\
dynamicmodulescustom.laneway_calls.shop.in_lane: 7
dynamicmodulescustom.laneway_calls.shop.unknown_value: 0
dynamicmodulescustom.laneway_calls.shop.without_header: 3
dynamicmodulescustom.laneway_calls.a.b-c.in_lane.unknown_value: 2
dynamicmodulescustom.laneway_trace_memory_hits: 9
dynamicmodulescustom.laneway_calls.shop.of_a_later_version: 5
"""


def test_calls_are_read_by_group_whatever_its_name() -> None:
    assert readings(TEXT) == {
        "shop": PropagatedCalls(in_lane=7, without_header=3),
        "a.b-c.in_lane": PropagatedCalls(unknown_value=2),
    }


def test_a_proxy_without_the_native_module_has_none() -> None:
    assert readings("") == {}
