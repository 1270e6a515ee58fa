"""Leader election: one leads, a silent leader is replaced, a leader that cannot renew stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from tests.adapters.kube.api_servers import ApiServer, client_of, serving

from laneway.adapters.kube.client import Client
from laneway.adapters.kube.leases import Election, Terms

PLACE = ("leases", "default", "lease")


class Clock:
    """Time passes only while somebody waits, and as much as was asked for."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time

    async def pause(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)

    def now(self) -> str:
        return f"2026-01-01T00:00:{self.time:09.6f}Z"


class Work:
    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.stopped = asyncio.Event()

    async def __call__(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped.set()


def election(client: Client, clock: Clock, identity: str = "one") -> Election:
    settings: dict[str, Any] = {"clock": clock, "now": clock.now, "pause": clock.pause}
    return Election(client, "default", "lease", identity, terms=Terms(), **settings)


@asynccontextmanager
async def leading(election: Election, work: Work) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(election.lead(work))
    try:
        async with asyncio.timeout(10):
            await work.begun.wait()
            yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def holder(api: ApiServer) -> str:
    return str(api.objects[PLACE]["spec"]["holderIdentity"])


async def held_by(api: ApiServer, client: Client, identity: str) -> None:
    spec = {"holderIdentity": identity, "leaseDurationSeconds": 15, "renewTime": "then"}
    await api.write("leases", {"metadata": {"name": "lease", "namespace": "default"}, "spec": spec})


async def test_whoever_comes_first_leads_and_gives_the_lease_back() -> None:
    async with serving() as api, client_of(api) as client:
        mine = election(client, Clock())
        async with leading(mine, Work()):
            assert (mine.leads, holder(api)) == (True, "one")
        assert (mine.leads, holder(api)) == (False, "")


async def test_a_silent_leader_is_replaced_after_its_term() -> None:
    async with serving() as api, client_of(api) as client:
        await held_by(api, client, "gone")
        clock = Clock()
        async with leading(election(client, clock), Work()):
            assert holder(api) == "one"
            assert clock.time >= 1000 + 15
            assert api.objects[PLACE]["spec"]["leaseTransitions"] == 1


async def test_one_that_renews_is_not_replaced() -> None:
    async with serving() as api, client_of(api) as client:
        await held_by(api, client, "busy")
        clock, work = Clock(), Work()
        task = asyncio.create_task(election(client, clock).lead(work))
        for number in range(40):
            renewed = {**api.objects[PLACE]["spec"], "renewTime": str(number)}
            await api.write("leases", {**api.objects[PLACE], "spec": renewed})
            before = len(api)
            async with asyncio.timeout(10):
                while len(api) == before:  # noqa: ASYNC110 - the other's doing
                    await asyncio.sleep(0)
        assert clock.time > 1000 + 15
        assert not work.begun.is_set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_leader_that_cannot_renew_stops_within_its_deadline() -> None:
    async with serving() as api, client_of(api) as client:
        clock, work = Clock(), Work()
        async with leading(election(client, clock), work) as task:
            began = clock.time
            api.fail("put", "/leases/.*", 500, "away")
            await work.stopped.wait()
            assert clock.time - began < Terms().duration + Terms().retry
            await task


async def test_a_leader_whose_lease_another_has_stops_at_once() -> None:
    async with serving() as api, client_of(api) as client:
        work = Work()
        async with leading(election(client, Clock()), work) as task:
            await held_by(api, client, "two")
            await work.stopped.wait()
            await task
            assert holder(api) == "two"


async def test_a_fault_that_lasts_is_told_once() -> None:
    async with serving() as api, client_of(api) as client:
        api.fail("get", "/leases/.*", 403, "nope", times=3)
        with structlog.testing.capture_logs() as logs:
            async with leading(election(client, Clock()), Work()):
                told = [entry for entry in logs if entry["event"] == "cannot acquire the lease"]
        assert len(told) == 1
        assert "nope; allow `get` on `leases`" in told[0]["error"]


async def test_what_the_work_raises_ends_it() -> None:
    async def broken() -> None:
        raise LookupError("a bug")

    async with serving() as api, client_of(api) as client:
        with pytest.raises(LookupError, match="a bug"):
            await election(client, Clock()).lead(broken)
        assert holder(api) == ""
