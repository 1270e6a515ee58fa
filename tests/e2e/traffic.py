"""Steady traffic on all lanes, for tests of what must not be noticed in it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import count

from tests.e2e.clients import Answer, Call, load
from tests.e2e.scenarios import EXPECTED, SCENARIOS, Scenario

LANES = tuple(EXPECTED)
#: Seconds from an answer to the client's next request. With 12 clients there is mostly one under
#: way, and the machine is left nearly all of its time for what is tested.
PAUSE = 0.15


class Traffic:
    """Requests to every lane in turn, ``clients`` at a time, from now until ``stop``."""

    def __init__(
        self,
        url: str,
        scenario: Scenario = SCENARIOS[1],
        *,
        lanes: Iterable[str] = LANES,
        clients: int = 12,
        salt: str = "t",
    ) -> None:
        self._calls = self._endless(scenario, tuple(lanes), salt)
        self._stopped = False
        self.answers: list[Answer] = []
        self._task = asyncio.create_task(
            load(url, self._calls, clients, self.answers.append, PAUSE)
        )

    async def more(self, number: int) -> None:
        """Wait for that many further answers."""
        wanted = len(self.answers) + number
        async with asyncio.timeout(60):
            while len(self.answers) < wanted:  # noqa: ASYNC110 -- answers come from elsewhere
                await asyncio.sleep(0.01)

    async def stop(self) -> list[Answer]:
        self._stopped = True
        return await self._task

    def _endless(self, scenario: Scenario, lanes: tuple[str, ...], salt: str) -> Iterator[Call]:
        for number in count():
            for lane in lanes:
                if self._stopped:
                    return
                yield scenario.call(lane, number, salt)


def outcomes(
    answers: Iterable[Answer], expected: Callable[[str], str] = EXPECTED.__getitem__
) -> Counter[str]:
    """How many answers were of the right lane ("right"), of another, or failures by status."""
    return Counter(
        str(answer.status)
        if answer.status != 200
        else "right"
        if answer.body == expected(answer.call.tag)
        else f"{answer.call.tag} got {answer.body}"
        for answer in answers
    )
