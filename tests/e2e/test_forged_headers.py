"""What an application answers is its answer, also where it speaks laneway's own words.

``x-laneway-unreachable`` is how a sidecar tells callers that it could not reach its application:
the request is sent elsewhere, and the instance is left alone for some seconds. An application that
could say so itself would have its requests replayed, and would take its lane out of service.
"""

from __future__ import annotations

import pytest
from tests.e2e.applications import Exchange, applications, bodies, calls, replayed
from tests.e2e.clients import fetch, load
from tests.e2e.conftest import Run
from tests.e2e.scenarios import gateway_url

from laneway.compile.envoy.names import UNREACHABLE_HEADER

pytestmark = pytest.mark.envoy


@pytest.mark.parametrize("value", ["UF", "", "a,b"])
@pytest.mark.parametrize("status", [503, 200])
async def test_an_application_cannot_call_itself_unreachable(
    status: int, value: str, run: Run
) -> None:
    def forge(exchange: Exchange) -> None:
        exchange.respond(status, {UNREACHABLE_HEADER: value})

    async with applications() as (mesh, baseline, faulty), run(mesh) as embedded:
        faulty.behave = forge
        url = gateway_url(embedded)
        # One after another: had one ejected the instance, those that follow would fall back.
        answers = await load(url, calls("s2", 100))
        assert bodies(answers) == {(status, "v-s2"): 100}
        assert faulty.received.total() == 100
        assert not replayed(baseline, faulty)
        got, headers, _ = await fetch(url, next(calls("s2")))
        assert got == status
        assert not [name for name in headers if name == UNREACHABLE_HEADER]
