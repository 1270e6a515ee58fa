"""The filter under load, in a real Envoy with four workers: nothing is lost or mixed up.

``LANEWAY_TRACE_IDS`` says how many trace ids there are (``make soak``: 100,000).
"""

from __future__ import annotations

import os

import pytest
from tests.filter import clients, testbed
from tests.filter.clients import Headers
from tests.filter.testbed import LANES, ROUTE_HEADER, SHELLS, TRACE_HEADER, Setup, Shell

pytestmark = pytest.mark.envoy


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
async def test_of_many_ids_none_goes_astray(shell: Shell) -> None:
    """2,000 at a time are between the inbound and the outbound side."""
    ids, in_flight = int(os.environ.get("LANEWAY_TRACE_IDS", "5000")), 2_000

    def headers(n: int) -> Headers:
        return [(TRACE_HEADER, f"request-{n}"), (ROUTE_HEADER, LANES[n % 3])]

    with testbed.running(Setup(delay=0.2, shell=shell)) as bed:
        answers = await clients.each(bed.socket("inbound-a"), range(ids), in_flight, headers)
        counters = bed.counters()
    wrong = [n for n, answer in answers if (answer.cluster, answer.seen()) != (LANES[n % 3],) * 2]
    assert len(answers) == ids
    assert wrong == []
    assert (counters["stored"], counters["hits"], counters["misses"]) == (ids, ids, 0)


@pytest.mark.parametrize("shell", SHELLS)
async def test_threads_that_write_one_set_at_once_lose_nothing(shell: Shell) -> None:
    """Sixteen new ids at a time fill the one set; a lost write would be a missing id."""
    with testbed.running(Setup(options={"sets": 1}, shell=shell)) as bed:

        def remember(n: int) -> Headers:
            return [(TRACE_HEADER, f"request-{n}"), (ROUTE_HEADER, LANES[n % 3])]

        def recall(n: int) -> Headers:
            return [(TRACE_HEADER, f"request-{n}")]

        for first in range(0, 16 * 100, 16):
            ids = range(first, first + 16)
            await clients.each(bed.socket("direct-inbound"), ids, 16, remember)
            answers = await clients.each(bed.socket("direct-outbound"), ids, 4, recall)
            assert {n: a.seen() for n, a in answers} == {n: LANES[n % 3] for n in ids}
        assert bed.counters()["stored"] == 16 * 100
