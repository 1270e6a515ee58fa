"""Trace ids that the gateway generates: new for each request, whatever the client sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.e2e.clients import Call, load
from tests.e2e.conftest import running
from tests.e2e.scenarios import EXPECTED, SCENARIOS, gateway_url

pytestmark = [pytest.mark.envoy, pytest.mark.asyncio(loop_scope="module")]


SENT: list[dict[str, str]] = [
    {},
    {"x-request-id": "constant"},
    {"my-request-id": ""},
    {"my-request-id": ",", "x-request-id": ""},
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url() -> AsyncIterator[str]:
    async with running(SCENARIOS[0].mesh) as embedded:
        yield gateway_url(embedded)


@pytest.mark.parametrize("sent", SENT)
async def test_clients_without_a_trace_id_do_not_meet(url: str, sent: dict[str, str]) -> None:
    """Of all lanes at once, and all with one ``x-request-id``."""
    calls = [
        [Call("/mock", {"x-asm-prefer-tag": lane, **sent}, tag=lane) for _ in range(60)]
        for lane in EXPECTED
    ]
    answers = await asyncio.gather(*(load(url, each, clients=10) for each in calls))
    for each in answers:
        assert [a.body for a in each] == [EXPECTED[each[0].call.tag]] * 60
