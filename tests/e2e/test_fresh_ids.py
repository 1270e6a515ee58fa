"""Trace ids that the gateway makes: new for each request, whatever the client sent."""

from __future__ import annotations

import asyncio

import pytest
from tests.e2e.clients import Call, load
from tests.e2e.conftest import Run
from tests.e2e.scenarios import EXPECTED, SCENARIOS, gateway_url

pytestmark = pytest.mark.envoy


SENT: list[dict[str, str]] = [
    {},
    {"x-request-id": "constant"},
    {"my-request-id": ""},
    {"my-request-id": ",", "x-request-id": ""},
]


@pytest.mark.parametrize("sent", SENT)
async def test_clients_without_a_trace_id_do_not_meet(run: Run, sent: dict[str, str]) -> None:
    """Of all lanes at once, and all with one ``x-request-id``."""
    async with run(SCENARIOS[0].mesh) as embedded:
        url = gateway_url(embedded)
        calls = [
            [Call("/mock", {"x-asm-prefer-tag": lane, **sent}, tag=lane) for _ in range(60)]
            for lane in EXPECTED
        ]
        answers = await asyncio.gather(*(load(url, each, clients=10) for each in calls))
    for each in answers:
        assert [a.body for a in each] == [EXPECTED[each[0].call.tag]] * 60
