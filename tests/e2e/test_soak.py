"""Changes under load cost no request, and every answer is one that the simulator allows.

``LANEWAY_SOAK_MUTATIONS`` says how many changes are made (``make soak``: 1,000).
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random

import pytest
from tests.e2e.clients import Answer, Call, load
from tests.e2e.conftest import Run
from tests.e2e.mutations import Mutation, State, mutations, versions
from tests.e2e.scenarios import SCENARIOS, gateway_url

from laneway.wiring.embedded import Embedded

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

MUTATIONS = int(os.environ.get("LANEWAY_SOAK_MUTATIONS", "100"))
LANES = ("s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "unknown", None)
_VERSION = re.compile(r"-> (\w+)\(version: (\w+), ip: 127\.0\.0\.1\)")


@dataclass(frozen=True)
class Period:
    """A state was in force, at least on some proxies, from ``began`` to ``ended``."""

    state: State
    began: float
    ended: float


async def apply(embedded: Embedded, before: State, mutation: Mutation) -> None:
    after = mutation.after
    for name in after.stopped - before.stopped:
        await embedded.stop_workload(name)
    for name in before.stopped - after.stopped:
        await embedded.start_workload(name)
        assert await embedded.wait_ready() == ()
    if after.mesh != before.mesh:
        change = await embedded.change(after.mesh)
        assert change.applied, change
        assert change.late == ()


def calls(stopped: asyncio.Event) -> Iterator[Call]:
    for lane in cycle(LANES):
        if stopped.is_set():
            return
        headers = {"my-request-id": lane} if lane else {}
        yield Call("/mock", headers, tag=lane or "")


def wrong(answers: list[Answer], periods: list[Period]) -> list[tuple[Answer, str]]:
    """Answers that no state in force meanwhile allows, hop by hop."""
    allowed: dict[tuple[int, str], dict[str, set[str]]] = {}
    found = []
    first = 0
    for answer in sorted(answers, key=lambda answer: answer.began):
        while periods[first].ended < answer.began:
            first += 1
        overlapping = range(first, len(periods))
        possible: dict[str, set[str]] = {}
        for index in overlapping:
            if periods[index].began > answer.ended:
                break
            key = (index, answer.call.tag)
            if key not in allowed:
                allowed[key] = versions(periods[index].state, dict(answer.call.headers))
            for application, answering in allowed[key].items():
                possible.setdefault(application, set()).update(answering)
        hops = _VERSION.findall(answer.body)
        if answer.status != 200 or [application for application, _ in hops] != list(possible):
            found.append((answer, "failed"))
        elif any(version not in possible[application] for application, version in hops):
            found.append((answer, f"allowed: {possible}"))
    return found


async def test_no_request_is_lost_to_any_change(run: Run) -> None:
    scenario, random = SCENARIOS[1], Random(20)
    clock = asyncio.get_running_loop().time
    async with run(scenario.mesh) as embedded:
        stopped = asyncio.Event()
        requests = asyncio.create_task(load(gateway_url(embedded), calls(stopped), clients=8))
        await asyncio.sleep(0.2)
        state, began, periods = State(scenario.mesh), clock(), list[Period]()
        kinds: Counter[str] = Counter()
        for mutation in islice(mutations(state, random), MUTATIONS):
            starting = clock()
            await apply(embedded, state, mutation)
            # The old state may serve until the change is through, the new one from its beginning.
            periods.append(Period(state, began, clock()))
            state, began = mutation.after, starting
            kinds[mutation.kind] += 1
        await asyncio.sleep(0.2)
        periods.append(Period(state, began, float("inf")))
        stopped.set()
        answers = await requests
    periods[0] = Period(periods[0].state, 0.0, periods[0].ended)
    assert len(kinds) == 9 or MUTATIONS < 50, kinds
    assert len(answers) > MUTATIONS
    failures = wrong(answers, periods)
    summary = [(a.call.tag, a.status, a.body[:200], why) for a, why in failures[:5]]
    assert not failures, f"{len(failures)} of {len(answers)}: {summary}"
    print(f"{MUTATIONS} changes, {len(answers)} requests, none lost; {dict(kinds)}")
