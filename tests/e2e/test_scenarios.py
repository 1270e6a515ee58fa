"""The article's answers, from real services behind real Envoys.

``LANEWAY_MIXED_REQUESTS`` says how many requests are mixed over three lanes (``make nightly``:
20,000).
"""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest
from tests.e2e.clients import Answer, Call, load
from tests.e2e.conftest import Run
from tests.e2e.scenarios import EXPECTED, SCENARIOS, Scenario, gateway_url

pytestmark = pytest.mark.envoy

MIXED = int(os.environ.get("LANEWAY_MIXED_REQUESTS", "600")) // len(EXPECTED)
#: Fewer for the third spelling of the same scenario.
MIXED_PER_LANE = {"scenario-1": MIXED, "scenario-2": MIXED, "asm": 100}


def wrong(answers: list[Answer]) -> Counter[tuple[str, int, str]]:
    """What was answered instead of what the article prints, by lane."""
    return Counter(
        (answer.call.tag, answer.status, answer.body)
        for answer in answers
        if (answer.status, answer.body) != (200, EXPECTED[answer.call.tag])
    )


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.folder)
async def test_every_lane_answers_as_the_article_prints(scenario: Scenario, run: Run) -> None:
    async with run(scenario.whole_mesh) as embedded:
        url = gateway_url(embedded)
        loops = [scenario.call(lane, number) for lane in EXPECTED for number in range(1, 101)]
        assert wrong(await load(url, loops)) == Counter()
        mixed = [
            scenario.call(lane, number, salt="mixed-")
            for number in range(MIXED_PER_LANE[scenario.folder])
            for lane in EXPECTED
        ]
        random.Random(1).shuffle(mixed)
        answers = await load(url, mixed, clients=50)
        assert len(answers) == len(mixed)
        assert wrong(answers) == Counter()


async def test_requests_that_name_no_lane_go_to_the_baseline(run: Run) -> None:
    async with run(SCENARIOS[0].mesh) as embedded:
        for lane in (None, "", "unknown", "S2", "s2,s3"):
            headers = {"my-request-id": f"no-lane-{lane}"}
            if lane is not None:
                headers["x-asm-prefer-tag"] = lane
            call = Call("/mock", headers, "s1")
            assert wrong(await load(gateway_url(embedded), [call])) == Counter(), lane


async def test_a_caller_without_a_trace_id_is_given_one(run: Run) -> None:
    scenario = SCENARIOS[0]
    async with run(scenario.mesh) as embedded:
        call = Call("/mock", {"x-asm-prefer-tag": "s2"}, "s2")
        answers = await load(gateway_url(embedded), [call] * 100, clients=10)
        assert wrong(answers) == Counter()
