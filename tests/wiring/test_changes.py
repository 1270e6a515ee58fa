"""Changes, stops, starts and restarts at any moment, also cancelled: what runs is what is declared.

On processes and proxies in memory, which check at each step that nothing is stopped that some proxy
may still send requests to (``fake_runner``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.meshes import name
from tests.wiring.running_meshes import cancel_at, mesh, pass_turns, running, served, workload

from laneway.adapters.runner.errors import Closed, NotReady
from laneway.compile.envoy.names import sidecar_node
from laneway.model.meshes import Mesh
from laneway.wiring.address_allocation import nodes
from laneway.wiring.changes import Changes

NAMES = ("a", "b", "c")


@st.composite
def meshes(draw: st.DrawFn) -> Mesh:
    chosen = draw(st.sets(st.sampled_from(NAMES)))
    editions = st.sampled_from([0, 0, 1, 2, 3])
    ports = st.sampled_from([8000, 8000, 9000])
    workloads = [workload(each, draw(editions), draw(ports)) for each in sorted(chosen)]
    rarely = st.sampled_from([False, False, False, True])
    return served(mesh(*workloads, gateway=not draw(rarely), refused=draw(rarely)))


@dataclass(frozen=True)
class Step:
    """``cancel`` and ``pause`` count turns of the event loop: until it is cancelled, once more
    each time, and until the next one begins."""

    kind: str
    target: Any
    cancel: list[int]
    pause: int

    def run(self, changes: Changes) -> Coroutine[Any, Any, object]:
        if self.kind == "restart":
            return changes.restart_proxy(sidecar_node(name(self.target)))
        return cast(Coroutine[Any, Any, object], getattr(changes, self.kind)(self.target))


turns = st.integers(0, 60)
cancellations = st.lists(turns, max_size=2)
steps = st.one_of(
    st.builds(Step, st.just("change"), meshes(), cancellations, turns),
    st.builds(
        Step,
        st.sampled_from(["start", "stop"]),
        st.sampled_from([name(each) for each in NAMES]),
        cancellations,
        turns,
    ),
    st.builds(Step, st.just("restart"), st.sampled_from(NAMES), cancellations, turns),
)


@settings(report_multiple_bugs=False)
@given(st.integers(0, 1 << 30), st.lists(steps, min_size=1, max_size=6))
def test_whatever_overlaps_what_runs_is_what_is_declared(seed: int, many: list[Step]) -> None:
    async def run() -> None:
        with running(seed) as mesh_:
            await mesh_.changes.begin(served(mesh(workload("a", 0), workload("b", 0))))
            tasks: list[asyncio.Task[Any]] = []
            for step in many:
                task = asyncio.create_task(step.run(mesh_.changes))
                tasks.append(asyncio.create_task(cancel_at(task, step.cancel)))
                tasks.append(task)
                await pass_turns(step.pause)
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, BaseException):
                    known = (KeyError, NotReady, asyncio.CancelledError)
                    assert isinstance(result, known), repr(result)
            await mesh_.settled()

    asyncio.run(run())


async def test_changes_that_overlap_are_made_in_their_order() -> None:
    with running(1) as m:
        await m.changes.begin(mesh(workload("a", 0)))
        wanted = [mesh(workload("b", 0)), mesh(workload("a", 1)), mesh(workload("c", 0))]
        changes = await asyncio.gather(*map(m.changes.change, wanted))
        assert all(change.applied for change in changes)
        assert m.site.control_plane.mesh == wanted[-1]
        await m.settled()


async def test_a_change_does_not_wait_for_what_is_terminating() -> None:
    with running(1) as m:
        await m.changes.begin(mesh(workload("a", 0)))
        ended = asyncio.Event()
        m.runner.may_end = ended
        for edition in (1, 2):
            assert (await m.changes.change(mesh(workload("a", edition)))).applied
        assert (await m.changes.change(mesh())).applied
        assert (await m.changes.change(mesh(workload("a", 0)))).applied
        instances = m.site.terminations.instances
        assert [each.workload.name.name for each in instances] == ["a"] * 3
        assert len({each.name for each in instances}) == 3
        assert len({address for each in instances for address in each.addresses}) == 3
        await pass_turns(200)
        assert (
            len(m.site.fleet.nodes - nodes(m.site.control_plane.placements)) == 1
        )  # the first one's
        ended.set()
        await m.settled()


async def test_a_change_that_is_cancelled_again_and_again_is_taken_back() -> None:
    old = mesh(workload("a", 0), workload("b", 0))
    for moment in range(1, 40):
        with running(moment) as m:
            await m.changes.begin(old)
            new = mesh(workload("a", 1), workload("b", 3), workload("c", 0), gateway=False)
            change = asyncio.create_task(m.changes.change(new))
            await pass_turns(moment)
            while not change.done():
                change.cancel()
                await asyncio.sleep(0)
            (result,) = await asyncio.gather(change, return_exceptions=True)
            assert isinstance(result, asyncio.CancelledError | NotReady)
            assert m.site.control_plane.mesh == old
            await m.settled()


async def test_a_workload_that_is_renamed_serves_until_the_other_one_is_ready() -> None:
    for seed in range(30):
        with running(seed) as m:
            await m.changes.begin(served(mesh(workload("a", 0))))
            await m.site.fleet.wait_ready()
            change = asyncio.create_task(m.changes.change(served(mesh(workload("b", 0)))))
            while not change.done():
                await asyncio.sleep(0)
                control_plane = m.site.control_plane
                declared = control_plane.published_mesh.workloads_by_name.keys()
                assert declared & control_plane.placements.ready
            assert (await change).applied
            await m.settled()


async def test_a_workload_stays_if_the_one_that_replaces_it_does_not_become_ready() -> None:
    with running(1) as m:
        old = served(mesh(workload("a", 0)))
        await m.changes.begin(old)
        await m.site.fleet.wait_ready()
        with pytest.raises(NotReady):
            await m.changes.change(served(mesh(workload("b", 3))))
        assert m.site.control_plane.mesh == old
        await m.settled()


async def test_nothing_begins_after_the_end() -> None:
    with running(1) as m:
        await m.changes.begin(mesh(workload("a", 0)))
        late = asyncio.create_task(m.changes.change(mesh()))
        await asyncio.sleep(0)
        await m.changes.close()
        assert late.done()
        for attempt in (
            m.changes.change(mesh()),
            m.changes.start(name("a")),
            m.changes.stop(name("a")),
        ):
            with pytest.raises(Closed):
                await attempt
        await m.settled()


async def test_changes_wait_for_what_comes_first() -> None:
    """Such as the proxies, for a control plane that takes over."""
    with running(0) as run:
        first = asyncio.Event()

        async def waited_for() -> None:
            await first.wait()

        await run.changes.wait_for(waited_for())
        changing = asyncio.create_task(run.changes.change(mesh(workload("a", 0))))
        await pass_turns(100)
        assert not run.runner.running
        assert not changing.done()
        first.set()
        assert (await changing).applied
        first.clear()
        await run.changes.wait_for(waited_for())
        await run.changes.close()  # which does not wait for it


async def test_a_program_hands_over_when_nothing_changes_or_is_terminating() -> None:
    with running(0) as run:
        await run.changes.change(mesh(workload("a", 0)))
        await run.changes.change(mesh())
        async with run.changes.none_under_way():
            assert run.site.terminations.instances == frozenset()
            assert run.site.fleet.nodes == nodes(run.site.control_plane.placements)
            changing = asyncio.create_task(run.changes.change(mesh(workload("b", 0))))
            await pass_turns(100)
            assert run.site.control_plane.mesh.workloads == ()
        assert (await changing).applied
