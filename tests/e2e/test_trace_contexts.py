"""Lanes by the trace context that tracers pass on anyway: every hop has another span.

The applications are OpenTelemetry's users', with its own propagators; nothing else passes a header
on.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio
from tests.compile.meshes import ROUTE_HEADER
from tests.e2e.chains import LANES, SERVED, chain
from tests.e2e.clients import Call, fetch
from tests.e2e.conftest import running
from tests.e2e.scenarios import gateway_url

from laneway.compile.lower import lower
from laneway.compile.simulate import Request, simulate
from laneway.model.meshes import Mesh
from laneway.model.trace_contexts import example, trace_id
from laneway.wiring.embedded import Embedded

pytestmark = [pytest.mark.envoy, pytest.mark.asyncio(loop_scope="module")]


@dataclass(frozen=True)
class Tracing:
    """A trace header, and OpenTelemetry's name for what writes it."""

    header: str
    propagator: str

    @property
    def mesh(self) -> Mesh:
        mesh = chain("otel_application", trace_header=self.header, scheme="http://")
        return replace(
            mesh,
            workloads=tuple(
                replace(each, env={**each.env, "OTEL_PROPAGATORS": self.propagator})
                for each in mesh.workloads
            ),
        )


@dataclass(frozen=True)
class Running:
    tracing: Tracing
    embedded: Embedded

    async def call(self, lane: str, headers: Mapping[str, str]) -> Any:
        """Every hop's account of itself."""
        url = gateway_url(self.embedded)
        _, _, body = await fetch(url, Call("/", {ROUTE_HEADER: lane, **headers}))
        return json.loads(body)


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[
        Tracing("traceparent", "tracecontext"),
        Tracing("b3", "b3"),
        pytest.param(Tracing("X-B3-TraceId", "b3multi"), marks=pytest.mark.nightly),
        pytest.param(Tracing("uber-trace-id", "jaeger"), marks=pytest.mark.nightly),
        pytest.param(Tracing("X-Amzn-Trace-Id", "xray"), marks=pytest.mark.nightly),
    ],
    ids=lambda tracing: tracing.propagator,
)
async def mesh(request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    async with running(request.param.mesh) as embedded:
        yield Running(request.param, embedded)


def sent(header: str) -> list[dict[str, str]]:
    """What clients send: nothing, nothing of use, or a context of their own."""
    return [{}, {header: ""}, {header: "x0001"}, {header: example(header, 12345)}]


async def test_lanes_hold_whatever_the_client_sends(mesh: Running) -> None:
    header, of = mesh.tracing.header, mesh.tracing.mesh
    traces = set()
    for lane in LANES:
        for number, headers in enumerate(sent(header)):
            hops = await mesh.call(lane, headers)
            assert [hop["version"] for hop in hops] == SERVED[lane], headers
            outcome = simulate(of, lower(of), Request(headers={ROUTE_HEADER: lane, **headers}))
            assert [w.name for hop in outcome.hops for w in hop.workloads] == SERVED[lane]
            contexts = [dict(hop["received"])[header.lower()] for hop in hops]
            (trace,) = {trace_id(header, context) for context in contexts}
            assert trace is not None, "each hop continues the trace of the one before"
            traces.add(trace)
            if number == 3:
                assert trace == trace_id(header, example(header, 12345))
            if header.lower() != "x-b3-traceid":
                assert len(set(contexts)) == 3, "each hop has a span of its own"
    assert len(traces) == 3 * 3 + 1
