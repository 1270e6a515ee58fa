"""Applications at fault: what one got is never replayed, and its lane is seen failing.

The figures that each test prints are counts of requests by status and answering version.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.e2e.applications import (
    Exchange,
    answer_after,
    applications,
    bodies,
    break_off,
    calls,
    fail,
    replayed,
    reset,
)
from tests.e2e.clients import Answer, Connection, load
from tests.e2e.conftest import Run
from tests.e2e.scenarios import EXPECTED, SCENARIOS, answer, gateway_url
from tests.e2e.test_fallback import MOCKC_V2, workload_pid
from tests.e2e.traffic import Traffic, outcomes

from laneway.control import events
from laneway.model.workloads import ReadinessProbe
from laneway.wiring.embedded import Embedded

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

CLIENTS = 8
SIDECAR = "sidecar~app-v-s2.default"
FALLEN_BACK = answer("v2", "v1", "v1")


async def both_lanes(embedded: Embedded, number: int = 400) -> tuple[list[Answer], list[Answer]]:
    """Answers of s2 and of s1, asked at the same time."""
    url = gateway_url(embedded)
    faulty, baseline = await asyncio.gather(
        load(url, calls("s2", number), CLIENTS), load(url, calls("s1", number), CLIENTS)
    )
    assert bodies(baseline) == {(200, "v-s1"): number}
    return faulty, baseline


def slow(exchange: Exchange) -> None:
    answer_after(0.1)(exchange)


@pytest.mark.parametrize(("behaviour", "status"), [(slow, 200), (fail, 500)])
async def test_what_an_application_answers_is_the_answer(
    behaviour: Callable[[Exchange], None], status: int, run: Run
) -> None:
    """However late or bad: it is not asked again, nor left for the baseline."""
    async with applications() as (mesh, baseline, faulty), run(mesh) as embedded:
        faulty.behave = behaviour
        answers, _ = await both_lanes(embedded)
    assert bodies(answers) == {(status, "v-s2"): 400}
    assert not replayed(baseline, faulty)
    print(f"{behaviour.__name__}: {bodies(answers)}")


async def test_a_request_that_was_read_is_never_replayed(run: Run) -> None:
    """The connection is reset after the request: only its caller gets an error."""
    async with applications() as (mesh, baseline, faulty), run(mesh) as embedded:
        faulty.behave = reset
        answers, _ = await both_lanes(embedded)
        assert {a.status for a in answers} == {503}
        assert all("connection termination" in a.body for a in answers)
        assert faulty.received.total() == 400
        assert not replayed(baseline, faulty)
        faulty.behave = Exchange.respond
        recovered, _ = await both_lanes(embedded)
    assert bodies(recovered) == {(200, "v-s2"): 400}
    print(f"{len(answers)} requests reset, {faulty.received.total() - 400} afterwards right")


async def test_an_answer_that_breaks_off_is_never_replayed(run: Run) -> None:
    """It looks to callers like a sidecar that was killed: its lane falls back for some seconds."""
    async with applications() as (mesh, baseline, faulty), run(mesh) as embedded:
        faulty.behave = break_off
        answers, _ = await both_lanes(embedded)
        counts = Counter("broken" if a.status == 0 else a.body for a in answers)
        assert counts.keys() <= {"broken", "v-s1"}
        assert counts["broken"] == faulty.received.total() > 0
        assert not replayed(baseline, faulty)
    print(f"answers that break off: {dict(counts)}")


async def test_an_application_that_resets_connections_is_left_for_the_baseline(run: Run) -> None:
    """RST before anything is read, which it does to its readiness probes, too.

    A request that was written before the RST came may have been read, for all its proxy knows: it
    is answered 503. One whose connection had failed by then goes to the baseline, and from then on
    all do.
    """
    left = {(200, "v-s1"): 100}
    async with applications() as (mesh, baseline, faulty), run(mesh) as embedded:
        faulty.resets_connections = True
        answers, _ = await both_lanes(embedded)
        for _ in range(50):  # until its proxy has noticed
            if bodies(answers[-100:]) == left:
                break
            answers += (await both_lanes(embedded))[0]
        assert not replayed(baseline, faulty)
    assert bodies(answers[-100:]) == left
    assert {(a.status, a.body) for a in answers if a.status != 503} == {(200, "v-s1")}
    assert all("connection termination" in a.body for a in answers if a.status == 503)
    print(f"connections reset when accepted: {bodies(answers)}")


async def test_a_short_keep_alive_costs_nothing(run: Run) -> None:
    """Bursts come just as the application closes its idle connections, after a second.

    Envoy closes them first, after 0.05 s. Half of what common servers take is so long that no busy
    machine keeps Envoy from it.
    """
    async with applications() as (mesh, baseline, faulty), run(mesh) as embedded:
        faulty.keep_alive = 1.0
        answers = await bursts(embedded, faulty.keep_alive, rounds=15, size=40)
        assert bodies(answers) == {(200, "v-s2"): 600}
        assert not replayed(baseline, faulty)
    print(f"{len(answers)} requests, {faulty.connections} connections, none lost")


async def bursts(embedded: Embedded, gap: float, rounds: int, size: int) -> list[Answer]:
    host, _, port = gateway_url(embedded).removeprefix("http://").partition(":")
    connections = [Connection(host, int(port)) for _ in range(size)]
    requests = calls("s2")
    answers: list[Answer] = []
    for number in range(rounds):
        answers += await asyncio.gather(*(c.get(next(requests)) for c in connections))
        await asyncio.sleep(gap + (number % 15 - 7) * 0.0008)
    for connection in connections:
        connection.close()
    return answers


async def test_a_hung_application_keeps_only_what_it_has(run: Run) -> None:
    """SIGSTOP: requests inside wait; once it is known to be unready, others fall back; SIGCONT:
    those inside are answered, and the lane is back."""
    told: list[events.Event] = []
    probe = ReadinessProbe(path="/healthz", period=0.2, timeout=1, failure_threshold=3)
    mesh = SCENARIOS[1].mesh
    workloads = tuple(
        replace(workload, readiness=probe) if workload.name == MOCKC_V2 else workload
        for workload in mesh.workloads
    )
    async with run(replace(mesh, workloads=workloads), told.append) as embedded:
        url, clock = gateway_url(embedded), asyncio.get_running_loop().time
        inside = Traffic(url, lanes=["s2"], clients=CLIENTS)
        others = Traffic(url, lanes=["s1", "s3"], clients=CLIENTS)
        await inside.more(50)
        pid = workload_pid(embedded, MOCKC_V2)
        assert pid is not None
        stopped = clock()
        os.kill(pid, signal.SIGSTOP)
        try:
            await heard(told, events.Unready)
            await embedded.wait_synced()
            await asyncio.sleep(0.1)
            later = await load(url, (SCENARIOS[1].call("s2", i, "late") for i in range(200)), 4)
            continued = clock()
        finally:
            os.kill(pid, signal.SIGCONT)
        await heard(told, events.Ready, 2)
        await embedded.wait_synced()
        answers = await inside.stop()
        rest = await others.stop()
        back = await load(url, (SCENARIOS[1].call("s2", i, "back") for i in range(50)), 4)

    assert bodies(later) == {(200, FALLEN_BACK): 200}
    hung = [a for a in answers if a.began < continued < a.ended]
    assert 0 < len(hung) <= CLIENTS
    assert bodies(hung) == {(200, EXPECTED["s2"]): len(hung)}
    assert bodies(answers).keys() <= {(200, EXPECTED["s2"]), (200, FALLEN_BACK)}
    assert outcomes(rest) == {"right": len(rest)}
    assert bodies(back) == {(200, EXPECTED["s2"]): 50}
    assert all(a.began > stopped - 1 for a in hung)
    print(f"{len(hung)} hung and were answered; {len(later)} fell back meanwhile; none lost")


@pytest.mark.parametrize("end", [signal.SIGCONT, signal.SIGKILL])
async def test_a_hung_sidecar_keeps_only_what_it_has(end: signal.Signals, run: Run) -> None:
    """SIGSTOP: what was written to it waits; once it is found out, others fall back. SIGCONT: those
    inside are answered; SIGKILL: they get 503. Nothing is sent twice, and the lane comes back."""
    told: list[events.Event] = []
    async with applications() as (mesh, baseline, faulty), run(mesh, told.append) as embedded:
        url, clock = gateway_url(embedded), asyncio.get_running_loop().time
        pid = embedded.proxy_pid(SIDECAR)
        assert pid is not None
        stopped = clock()
        os.kill(pid, signal.SIGSTOP)
        inside = asyncio.create_task(load(url, calls("s2", CLIENTS), CLIENTS))
        try:
            await heard(told, events.Unready, of=SIDECAR)
            await asyncio.sleep(0.1)  # the hung proxy, too, would be waited for
            noticed = clock() - stopped
            later = await load(url, calls("s2", 200), CLIENTS)
            assert not inside.done()
        finally:
            os.kill(pid, end)
        answers = await inside
        await heard(told, events.Ready, 2, of=SIDECAR)
        await embedded.wait_synced()
        back = await load(url, calls("s2", 50), CLIENTS)
        assert not replayed(baseline, faulty)
    assert bodies(later) == {(200, "v-s1"): 200}
    if end is signal.SIGCONT:
        assert bodies(answers) == {(200, "v-s2"): CLIENTS}
    else:  # one whose connection was not made yet was certainly not written
        assert {(a.status, a.body) for a in answers if a.status != 503} <= {(200, "v-s1")}
    assert bodies(back) == {(200, "v-s2"): 50}
    print(
        f"others fall back {noticed:.1f} s after the SIGSTOP; {CLIENTS} inside: {bodies(answers)}"
    )


async def heard(
    told: list[events.Event],
    kind: type[events.Event],
    times: int = 1,
    of: str = str(MOCKC_V2),
) -> None:
    """Until an event of that kind came so often from what hangs."""

    def count() -> int:
        return sum(type(e) is kind and e.subject.name == of for e in told)

    async with asyncio.timeout(60):
        while count() < times:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
