"""Changes under load cost no request, and every answer is one that the simulator allows.

Whatever makes this easy is taken away: proxies are late (``late_proxies``), applications answer
slowly and in pieces and die at SIGTERM (``soak_application``), and requests are under way during
each change, which may overlap with another. The environment sets how much: ``LANEWAY_SOAK_CHANGES``
(``make nightly``: 1,000), ``LANEWAY_SOAK_SLOWEST`` for the seconds that the slowest answers take,
and ``LANEWAY_SOAK_OVERLAPPING``, which is 0 for one change after another.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random

import pytest
from tests.e2e.clients import Answer, Call, load
from tests.e2e.conftest import Run
from tests.e2e.late_proxies import late_server
from tests.e2e.random_changes import Change, Path, State, kinds, paths, random_changes
from tests.e2e.scenarios import gateway_url, slow_mesh
from tests.e2e.soak_application import WAIT

from laneway.wiring import embedded as wiring
from laneway.wiring.embedded import Embedded

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

CHANGES = int(os.environ.get("LANEWAY_SOAK_CHANGES", "24"))
SLOWEST = float(os.environ.get("LANEWAY_SOAK_SLOWEST", "3"))
#: Whether a change may begin while the one before it is made.
OVERLAPPING = bool(int(os.environ.get("LANEWAY_SOAK_OVERLAPPING", "1")))

LANES = ("s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "unknown", None)
APPLICATIONS = ("mocka", "mockb", "mockc")
CLIENTS = 16
#: Seconds that an application takes to answer, at random; each call waits in one application.
WAITS = (0.0, 0.0, 0.02, 0.1, 0.3, SLOWEST)
#: Seconds by which a message between laneway and a proxy is late, at random.
DELAYS = (0.0, 0.0, 0.0, 0.05, 0.2)
_HOP = re.compile(r"-> (\w+)\(version: (\w+), ip: 127\.0\.0\.1\)")


@dataclass(frozen=True)
class Period:
    """A state was current, at least on some proxies, from ``began`` to ``ended``."""

    state: State
    began: float
    ended: float


async def test_no_request_is_lost_to_any_change(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = Random(21)
    monkeypatch.setattr(wiring, "XdsServer", late_server(lambda: chance.choice(DELAYS)))
    async with run(slow_mesh()) as embedded:
        stopped = asyncio.Event()
        requests = asyncio.create_task(load(gateway_url(embedded), calls(stopped), CLIENTS))
        await asyncio.sleep(0.2)
        changes = islice(random_changes(State(embedded.mesh), Random(21)), CHANGES)
        periods, made = await make(embedded, changes)
        await asyncio.sleep(0.2)
        stopped.set()
        answers = await requests
    assert made.keys() == kinds() or CHANGES < 30, made
    assert len(answers) > CHANGES
    lost, mixed = judged(answers, periods)
    summary = [(dict(a.call.headers), a.status, a.body, why) for a, why in lost[:5]]
    assert not lost, f"{len(lost)} of {len(answers)}: {summary}"
    print(f"{CHANGES} changes, {len(answers)} requests, none lost; {dict(made)}")
    print(f"{mixed} requests were sent on by proxies of which some had a change and others not")


async def make(embedded: Embedded, changes: Iterable[Change]) -> tuple[list[Period], Counter[str]]:
    """Make all the changes; returns when which state was current, and how many were of each kind.

    A state may serve from the beginning of the change to it until the next change is through.
    """
    clock = asyncio.get_running_loop().time
    state, began, periods = State(embedded.mesh), 0.0, list[Period]()
    made: Counter[str] = Counter()
    for batch in batches(changes):
        starting = clock()
        befores = [state, *(change.after for change in batch[:-1])]
        await asyncio.gather(*map(apply, [embedded] * len(batch), befores, batch))
        for change in batch:
            periods.append(Period(state, began, clock()))
            state, began = change.after, starting
            made[change.kind] += 1
    return [*periods, Period(state, began, float("inf"))], made


def batches(changes: Iterable[Change]) -> Iterator[Sequence[Change]]:
    """Changes that are made at once: two of the mesh alone, where changes may overlap."""
    waiting: list[Change] = []
    stopped: frozenset[object] = frozenset()
    for change in changes:
        of_mesh_alone = change.after.stopped == stopped
        stopped = change.after.stopped
        if waiting and not of_mesh_alone:
            yield waiting
            waiting = []
        waiting = [*waiting, change]
        if not OVERLAPPING or not of_mesh_alone or len(waiting) == 2:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


async def apply(embedded: Embedded, before: State, change: Change) -> None:
    after = change.after
    known = before.mesh.workloads_by_name.keys() & after.mesh.workloads_by_name.keys()
    for name in (after.stopped - before.stopped) & known:
        await embedded.stop_workload(name)
    for name in (before.stopped - after.stopped) & known:
        await embedded.start_workload(name)
    if after.mesh != before.mesh:
        result = await embedded.change(after.mesh)
        assert result.applied, result
        assert result.late == ()
    assert await embedded.wait_ready() == ()


def calls(stopped: asyncio.Event) -> Iterator[Call]:
    random = Random(22)
    for lane in cycle(LANES):
        if stopped.is_set():
            return
        headers = {WAIT: f"{random.choice(APPLICATIONS)}={random.choice(WAITS)}"}
        if lane:
            headers["my-request-id"] = lane
        yield Call("/mock", headers, tag=lane or "")


def judged(
    answers: Iterable[Answer], periods: Sequence[Period]
) -> tuple[list[tuple[Answer, str]], int]:
    """Answers that were lost or led astray, and why; and how many were of several states.

    An answer has the whole path of a state that was current while it was made. Only where such
    states differ in their paths may each hop be of another one: proxies take a change one after
    another, and each decides the hops that begin there.
    """
    known: dict[tuple[int, str], frozenset[Path]] = {}
    found, mixed, first = [], 0, 0
    for answer in sorted(answers, key=lambda answer: answer.began):
        while periods[first].ended < answer.began:
            first += 1
        current: list[frozenset[Path]] = []
        for index in range(first, len(periods)):
            if periods[index].began > answer.ended:
                break
            key = (index, answer.call.tag)
            if key not in known:
                headers = {"my-request-id": answer.call.tag} if answer.call.tag else {}
                known[key] = paths(periods[index].state, headers)
            current.append(known[key])
        path = tuple(_HOP.findall(answer.body))
        if answer.status != 200 or "FAILED" in answer.body or len(path) != len(APPLICATIONS):
            found.append((answer, "it failed"))
        elif any(path in allowed for allowed in current):
            continue
        elif len(set(current)) > 1 and _of_each(path, current):
            mixed += 1
        else:
            found.append((answer, f"allowed: {[sorted(allowed) for allowed in set(current)]}"))
    return found, mixed


def _of_each(path: Path, current: Sequence[frozenset[Path]]) -> bool:
    """Whether each hop is one of some current state."""
    return all(
        any(hop == allowed[index] for paths in current for allowed in paths)
        for index, hop in enumerate(path)
    )
