"""What Envoy says of requests by lane is read as it says it."""

from __future__ import annotations

from laneway.compile.envoy.lane_statistics import readings, serving
from laneway.model.lane_figures import BUCKETS, LanePair


def histogram(name: str, route: str, served: str, *durations: float) -> str:
    labels = f'pair="{route}|{served}"'
    lines = [f"# TYPE envoy_laneway_{name} histogram"]
    for bound in (*BUCKETS, float("inf")):
        le = "+Inf" if bound == float("inf") else str(bound)
        count = sum(each <= bound for each in durations)
        lines.append(f'envoy_laneway_{name}_bucket{{{labels},le="{le}"}} {count}')
    lines.append(f"envoy_laneway_{name}_sum{{{labels}}} {sum(durations)}.98769278369396536052")
    lines.append(f"envoy_laneway_{name}_count{{{labels}}} {len(durations)}")
    return "\n".join(lines) + "\n"


def route(chain: str, service: str = "web", port: int = 80) -> str:
    return f"outbound|{port}|{chain}|{service}.default.svc.cluster.local"


def test_requests_errors_and_durations_are_read_by_lane() -> None:
    text = histogram("requests", route("s1>base"), "s1", 1, 7, 90_000)
    text += histogram("requests", route("?>base"), "base", 3)
    text += histogram("errors", route("s1>base"), "s1", 7)
    read = readings(text)
    own = read[LanePair("default/web", "s1", "s1")]
    assert (own.requests, own.errors) == (3, 1)
    assert own.counts[0] == own.counts[BUCKETS.index(10)] == own.counts[-1] == 1
    assert own.milliseconds == 90008.98769278369
    assert read[LanePair("default/web", "?", "base")].requests == 1
    assert len(read) == 2


def test_routes_of_one_pair_are_added_up() -> None:
    text = histogram("requests", route("s1>base"), "s1", 1)
    text += histogram("requests", route("s1", port=8080), "s1", 1, 2)
    (one,) = readings(text).values()
    assert one.requests == 3


def test_a_request_that_nobody_served_is_nobodys() -> None:
    assert set(readings(histogram("requests", route("s1"), "-", 1))) == {
        LanePair("default/web", "s1", "")
    }


def test_what_is_no_service_of_the_mesh_is_left_out() -> None:
    others = "-", "passthrough", "inbound|80"
    assert readings("".join(histogram("requests", each, "-", 1) for each in others)) == {}


def test_an_endpoint_of_no_lane_is_not_counted_by_its_address() -> None:
    """Which Envoy would do with an endpoint that has no name."""
    assert (serving("s1"), serving("")) == ("s1", "-")
    assert set(readings(histogram("requests", route(""), serving("")))) == {
        LanePair("default/web", "", "")
    }
