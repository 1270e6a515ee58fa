"""One script of requests through both shells: applications see the same, and the same is known."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from tests.filter import clients, testbed
from tests.filter.clients import Answer
from tests.filter.testbed import LANES, SHELLS, Pair, Setup, Shell

pytestmark = pytest.mark.envoy

PAIRS = (
    Pair("a"),
    Pair("b", route="x-other-lane"),
    Pair("c", route="x-lane", baggage_key="lane"),
)
STEPS = 1500
Step = tuple[str, list[tuple[str, str]]]


def script(seed: int) -> list[Step]:
    """Requests to all listeners, with all that their headers may have of the same few values."""
    random = Random(seed)
    traces = [*(f"id-{n}" for n in range(24)), "x" * 127, "x" * 128, "x" * 129, "y" * 5000]
    lanes = [*LANES, "unknown", "", " ", "s2,s3", "x" * 63, "x" * 64]
    members = ["lane=s2", "lane=s3;p=1", "a=1", "lane=%732", "lane=", "b=2, lane = s1 ", "," * 3]

    def values(name: str, chosen: Sequence[str], most: int) -> list[tuple[str, str]]:
        count = random.choice([0, 1, 1, 1, most])
        return [(name, random.choice(chosen)) for _ in range(count)]

    def headers(pair: Pair) -> list[tuple[str, str]]:
        made = [*values(pair.trace, traces, 2), *values(pair.route, lanes, 3)]
        if pair.baggage_key:
            made += values("baggage", members, 3)
        random.shuffle(made)
        return made

    return [
        (f"{random.choice(['inbound', 'outbound'])}-{pair.name}", headers(pair))
        for pair in random.choices(PAIRS, k=STEPS)
    ]


async def run(shell: Shell, steps: Sequence[Step]) -> tuple[list[object], dict[str, int]]:
    """What was answered to each step, and what the filter counted."""
    with testbed.running(Setup(PAIRS, shell=shell)) as bed:
        answers = []
        for listener, headers in steps:
            answer = await clients.get(bed.socket(listener), *headers)
            answers.append(seen(answer))
        return answers, bed.counters()


def seen(answer: Answer) -> object:
    routes = {name: text for name, text in answer.headers.items() if name.startswith("x-seen")}
    return answer.status, answer.cluster, routes


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
async def test_the_same_script_has_the_same_answers(seed: int) -> None:
    steps = script(seed)
    wasm, native = [await run(shell, steps) for shell in SHELLS]
    for n, (step, one, other) in enumerate(zip(steps, wasm[0], native[0], strict=True)):
        assert one == other, f"step {n} of seed {seed}: {step}"
    assert wasm[1] == native[1]
    assert wasm[1]["hits"] > STEPS / 10  # else the script would try nothing
