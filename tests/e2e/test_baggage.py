"""W3C baggage carries the lane through applications that OpenTelemetry instruments."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from tests.compile.meshes import ROUTE_HEADER
from tests.e2e.chains import LANES, SERVED, chain
from tests.e2e.clients import Call, fetch
from tests.e2e.conftest import Run, running
from tests.e2e.scenarios import gateway_url

from laneway.compile.lower import lower
from laneway.compile.simulate import Request, simulate
from laneway.compile.simulate.baggage import enter, receive
from laneway.model.meshes import Mesh
from laneway.wiring.embedded import Embedded

pytestmark = [pytest.mark.envoy, pytest.mark.asyncio(loop_scope="module")]

OTHERS = "tenant=a%20b;ttl=1 , user=7"


def mesh() -> Mesh:
    return chain("otel_application", trace_header="baggage", scheme="http://")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def embedded() -> AsyncIterator[Embedded]:
    """The mesh that the tests share: they only read."""
    async with running(mesh()) as one:
        yield one


async def call(embedded: Embedded, headers: Mapping[str, str], path: str = "/") -> Any:
    """Every hop's account of itself."""
    _, _, body = await fetch(gateway_url(embedded), Call(path, headers))
    return json.loads(body)


def versions(hops: Any) -> list[str]:
    return [hop["version"] for hop in hops]


def received(hop: Any, name: str) -> list[str]:
    return [value for key, value in hop["received"] if key == name]


def simulated(of: Mesh, headers: Mapping[str, str]) -> list[str]:
    outcome = simulate(of, lower(of), Request(headers=headers))
    return [w.name for hop in outcome.hops for w in hop.workloads]


async def test_the_lane_travels_in_baggage_and_other_members_survive(embedded: Embedded) -> None:
    for lane in LANES:
        headers = {ROUTE_HEADER: lane, "baggage": OTHERS}
        hops = await call(embedded, headers)
        assert versions(hops) == SERVED[lane] == simulated(mesh(), headers)
        assert received(hops[0], "baggage") == [f"{ROUTE_HEADER}={lane},{OTHERS}"]
        # Python's OpenTelemetry treats a property as a part of the value.
        members = {ROUTE_HEADER: lane, "tenant": "a b;ttl=1", "user": "7"}
        assert [hop["baggage"] for hop in hops] == [members] * 3
        assert received(hops[2], ROUTE_HEADER) == [lane]
        # One trace: nothing but the instrumentation passed headers on.
        assert len({received(hop, "traceparent")[0][:35] for hop in hops[1:]}) == 1


async def test_a_caller_may_name_the_lane_by_baggage_alone(embedded: Embedded) -> None:
    headers = {"baggage": f"a=1, {ROUTE_HEADER}=%73%32 ;p"}
    hops = await call(embedded, headers)
    assert versions(hops) == SERVED["s2"] == simulated(mesh(), headers)
    assert received(hops[0], "baggage") == [f"{ROUTE_HEADER}=s2,a=1"]
    # Where the caller says both, the header is what it says last.
    headers = {"baggage": f"a=1,{ROUTE_HEADER}=s3,b=2", ROUTE_HEADER: "s2"}
    hops = await call(embedded, headers)
    assert versions(hops) == SERVED["s2"] == simulated(mesh(), headers)
    assert received(hops[0], "baggage") == [f"{ROUTE_HEADER}=s2,a=1,b=2"]


async def test_baggage_in_several_headers_is_one(embedded: Embedded) -> None:
    headers = {"baggage": "a=1", "Baggage": f"{ROUTE_HEADER}=s2;p", "BAGGAGE": "b=2,c"}
    hops = await call(embedded, headers)
    assert versions(hops) == SERVED["s2"] == simulated(mesh(), headers)
    assert received(hops[0], "baggage") == [f"{ROUTE_HEADER}=s2,a=1,b=2,c"]
    headers = {"baggage": "a=1", "Baggage": "b=2"}
    assert received((await call(embedded, headers))[0], "baggage") == ["a=1", "b=2"]


async def test_a_lane_that_does_not_fit_is_left_out_and_others_stay(embedded: Embedded) -> None:
    """Over 8,192 bytes many a reader drops everything."""
    others = "a=" + "x" * 8188
    hops = await call(embedded, {ROUTE_HEADER: "s2", "baggage": others})
    assert received(hops[0], "baggage") == [others]
    assert versions(hops) == ["a-s2", "b-s1", "c-s1"]


async def test_no_member_can_smuggle_a_header_in(embedded: Embedded) -> None:
    for value in ("s2%0d%0ax-evil:%201", "s2%00", "s2%2Cs3", "%20"):
        hops = await call(embedded, {"baggage": f"{ROUTE_HEADER}={value}"})
        assert versions(hops) == SERVED["s1"]
        assert not any(received(hop, name) for hop in hops for name in ("x-evil", ROUTE_HEADER))


async def test_without_a_lane_baggage_is_left_alone(embedded: Embedded) -> None:
    hops = await call(embedded, {"baggage": OTHERS})
    assert versions(hops) == SERVED["s1"]
    assert received(hops[0], "baggage") == [OTHERS]
    hops = await call(embedded, {})
    assert versions(hops) == SERVED["s1"]
    assert [received(hop, "baggage") for hop in hops] == [[]] * 3


async def test_a_lane_chosen_by_weight_gets_into_the_baggage(run: Run) -> None:
    lanes = tuple(replace(lane, weight=100 if lane.name == "s2" else 0) for lane in mesh().lanes)
    async with run(replace(mesh(), lanes=lanes)) as embedded:
        hops = await call(embedded, {"baggage": "a=1"})
        assert versions(hops) == SERVED["s2"]
        assert received(hops[0], "baggage") == [f"{ROUTE_HEADER}=s2,a=1"]
        # Who brings a lane in baggage has named one, so that weights do not concern it.
        assert versions(await call(embedded, {"baggage": f"{ROUTE_HEADER}=s3"})) == SERVED["s3"]


async def test_baggage_wins_over_what_an_application_says_itself(embedded: Embedded) -> None:
    hops = await call(embedded, {ROUTE_HEADER: "s2"}, f"/?{ROUTE_HEADER}=s3")
    assert versions(hops) == SERVED["s2"]
    hops = await call(embedded, {}, f"/?{ROUTE_HEADER}=s3")
    assert versions(hops) == ["a-s1", "b-s3", "c-s1"]


async def test_the_simulator_reads_and_writes_baggage_as_the_filter_does(
    embedded: Embedded,
) -> None:
    chance = random.Random(1)
    parts = [ROUTE_HEADER, "=", "s2", "s3", ",", ";", " ", "%", "%73", "%2C", "a=1", "x", "\t"]
    of = mesh()
    routes = lower(of)
    (gateway,) = routes.gateways.values()
    (member,) = gateway.baggage
    for number in range(120):
        text = "".join(chance.choices(parts, k=chance.randrange(12))).strip(" \t")
        text = text or f"{ROUTE_HEADER}=s2"
        if number % 20 == 0:
            text += ",long=" + "x" * (8192 - 20 + number // 20 * 5 - len(text))
        headers = {"baggage": text, **({ROUTE_HEADER: "s2"} if number % 3 == 0 else {})}
        hops = await call(embedded, headers)
        request, _ = enter([member], Request(headers=headers))
        arriving = {name: ",".join(values) for name, values in request.header_lines.items()}
        expected = receive(member, arriving)["baggage"].strip(" \t")
        assert received(hops[0], "baggage") == [expected], text
        if len(text) < 8000:
            assert versions(hops) == simulated(of, headers), text
