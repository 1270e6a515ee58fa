"""A lane's end is followed while a mesh runs, by a clock that the tests set."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from tests.control.declared.declared_states import Machine
from tests.model.test_lane_lives import declared

from laneway.control.declared import Declarations, Programmed, Unchanged
from laneway.model.lane_lives import active
from laneway.model.meshes import Mesh
from laneway.wiring.declared_runtime import initial, whole
from laneway.wiring.lane_expiry import follow_expiry

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Scene:
    """``mesh`` is what is declared; the clock stands until it is set."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.now = NOON
        self.changed = asyncio.Event()
        self.applied: list[list[str]] = []
        self.answers: list[bool] = []

    async def apply(self) -> bool:
        self.applied.append([lane.name for lane in active(self.mesh, self.now).lanes])
        return self.answers.pop(0) if self.answers else True

    async def follow(self) -> asyncio.Task[None]:
        """With waits of almost nothing: what decides is the clock that stands here."""
        following = follow_expiry(
            lambda: self.mesh, self.apply, self.changed, lambda: self.now, longest=0.001
        )
        return asyncio.create_task(following)

    async def rounds(self, number: int = 30) -> None:
        for _ in range(number):
            await asyncio.sleep(0.001)

    async def until_applied(self, times: int) -> None:
        for _ in range(5_000):
            if len(self.applied) >= times:
                return
            await asyncio.sleep(0.001)
        raise AssertionError(f"applied {len(self.applied)} times, not {times}")


def test_nothing_is_applied_before_a_lane_ends_and_once_when_it_does() -> None:
    async def run() -> None:
        scene = Scene(declared(expires_at=NOON + timedelta(hours=1)))
        following = await scene.follow()
        await scene.rounds()
        assert scene.applied == []
        scene.now = NOON + timedelta(hours=1)
        await scene.until_applied(1)
        await scene.rounds()
        assert scene.applied == [["s1", "s3"]]
        following.cancel()

    asyncio.run(run())


def test_what_could_not_be_applied_is_tried_again() -> None:
    async def run() -> None:
        scene = Scene(declared(expires_at=NOON + timedelta(hours=1)))
        scene.answers = [False, True]
        following = await scene.follow()
        await scene.rounds()
        scene.now = NOON + timedelta(hours=1)
        await scene.until_applied(2)
        await scene.rounds()
        assert len(scene.applied) == 2
        following.cancel()

    asyncio.run(run())


def test_what_is_declared_anew_is_followed_from_then_on() -> None:
    async def run() -> None:
        scene, millisecond = Scene(declared()), timedelta(milliseconds=1)

        def passing() -> datetime:
            scene.now += millisecond
            return scene.now

        following = asyncio.create_task(
            follow_expiry(lambda: scene.mesh, scene.apply, scene.changed, passing)
        )
        await scene.rounds(3)
        scene.mesh = declared(expires_at=scene.now + 5 * millisecond)
        scene.changed.set()
        await scene.until_applied(1)
        assert scene.applied == [["s1", "s3"]]
        following.cancel()

    asyncio.run(run())


def test_a_lane_that_ended_while_the_mesh_was_started_is_taken_out() -> None:
    async def run() -> None:
        scene = Scene(declared(expires_at=NOON - timedelta(seconds=1)))
        following = await scene.follow()
        await scene.until_applied(1)
        await scene.rounds()
        assert scene.applied == [["s1", "s3"]]
        following.cancel()

    asyncio.run(run())


async def test_what_is_declared_runs_again_without_the_lane_that_has_ended() -> None:
    clock = [NOON - timedelta(seconds=1)]
    mesh = declared(expires_at=NOON)
    machine = Machine()
    state = initial(whole(mesh), lambda mesh, gaps: ())
    declarations = Declarations(
        state, machine, lambda mesh, gaps: (), lambda: 0.0, lambda: clock[0]
    )
    assert isinstance(await declarations.renew(), Programmed)
    assert [lane.name for lane in machine.mesh.lanes] == ["s1", "s2", "s3"]
    clock[0] = NOON
    assert isinstance(await declarations.renew(), Programmed)
    assert [lane.name for lane in machine.mesh.lanes] == ["s1", "s3"]
    # It is still declared, and not tried again.
    assert declarations.state.mesh == mesh
    assert await declarations.renew() == Unchanged()
