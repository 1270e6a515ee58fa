"""Two sources change one mesh while processes start and stop, also cancelled at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.meshes import name
from tests.wiring.running_meshes import (
    Running,
    cancel_at,
    mesh,
    pass_turns,
    running,
    workload,
)

from laneway.adapters.runner.errors import NotReady
from laneway.control.declared import (
    Applied,
    ChangeSet,
    Declaration,
    Declarations,
    NotProgrammed,
    Principal,
    Put,
    Refused,
    Remove,
    ReplaceAll,
    Request,
    Write,
    declarations_of,
)
from laneway.model.findings import Finding, InvalidInput, ObjectKey
from laneway.model.meshes import Mesh
from laneway.wiring.declared_runtime import (
    DeclarationConflict,
    DeclaredRuntime,
    change_of,
    initial,
    whole,
)
from laneway.wiring.lane_expiry import utc_now

JACK = Principal("jack")
NAMES = ("a", "b", "c")
turns = st.integers(0, 60)
cancellations = st.lists(turns, max_size=2)


def no_check(mesh: Mesh, gaps: object) -> tuple[Finding, ...]:
    return ()


def declared(running: Running, begin: Mesh) -> Declarations:
    runtime = DeclaredRuntime(running.site.control_plane, running.changes)
    return Declarations(initial(whole(begin), no_check), runtime, no_check, lambda: 0.0, utc_now)


def replace_all(which: list[tuple[str, int]], source: str) -> ChangeSet:
    objects = (workload(each, edition) for each, edition in dict(which).items())
    return ChangeSet(source, ReplaceAll(tuple(map(Declaration, sorted_by_name(*objects)))))


def sorted_by_name(*workloads: Any) -> list[Any]:
    return sorted(workloads, key=lambda each: str(each.name))


editions = st.sampled_from([0, 0, 1, 2, 3])
sources = st.sampled_from(["program", "files"])
requests = st.one_of(
    st.builds(replace_all, st.lists(st.tuples(st.sampled_from(NAMES), editions)), sources),
    st.builds(
        lambda which, edition, source, force: Write(
            source, Put(Declaration(workload(which, edition))), force
        ),
        st.sampled_from(NAMES),
        editions,
        sources,
        st.booleans(),
    ),
    st.builds(
        lambda which, source, force: Write(
            source, Remove(ObjectKey("Workload", f"default/{which}")), force
        ),
        st.sampled_from(NAMES),
        sources,
        st.booleans(),
    ),
)


@dataclass(frozen=True)
class Step:
    request: Request | str
    cancel: list[int]
    pause: int

    def run(self, running: Running, declarations: Declarations) -> Coroutine[Any, Any, object]:
        if isinstance(self.request, str):
            return running.changes.stop(name(self.request))
        return declarations.apply(self.request, JACK)


steps = st.builds(Step, st.one_of(requests, st.sampled_from(NAMES)), cancellations, turns)


@settings(report_multiple_bugs=False)
@given(st.integers(0, 1 << 30), st.lists(steps, min_size=1, max_size=6))
def test_whatever_sources_do_what_runs_is_what_is_declared(seed: int, many: list[Step]) -> None:
    async def run() -> None:
        with running(seed) as m:
            begin = mesh(workload("a", 0), workload("b", 0), gateway=False)
            declarations = declared(m, begin)
            await m.changes.begin(begin)
            tasks: list[asyncio.Task[Any]] = []
            for step in many:
                task = asyncio.create_task(step.run(m, declarations))
                tasks.append(asyncio.create_task(cancel_at(task, step.cancel)))
                tasks.append(task)
                await pass_turns(step.pause)
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, BaseException):
                    assert isinstance(result, asyncio.CancelledError), repr(result)
            await m.settled()
            state = declarations.state
            assert by_name(state.mesh) == by_name(m.site.control_plane.mesh)
            for each in state.objects.ordered:
                if not state.status(each.key).findings:
                    assert each.declared in m.site.control_plane.mesh.workloads

    asyncio.run(run())


def by_name(mesh: Mesh) -> list[Any]:
    return sorted_by_name(*mesh.workloads)


async def test_what_cannot_become_ready_is_refused_with_the_runners_words() -> None:
    with running(1) as m:
        begin = mesh(workload("a", 0), gateway=False)
        declarations = declared(m, begin)
        await m.changes.begin(begin)
        never = whole(mesh(workload("a", 3), gateway=False))
        result = await declarations.apply(never, JACK)
        assert isinstance(result, Refused)
        assert result.outcome is not None
        assert "did not become ready" in result.outcome.reason
        with pytest.raises(NotReady):
            change_of(result)
        written = await declarations.apply(
            Write("program", Put(Declaration(workload("a", 3)))), JACK
        )
        assert isinstance(written, Applied)
        assert isinstance(written.outcome, NotProgrammed)
        await m.settled()
        assert m.site.control_plane.mesh.workloads == (workload("a", 0),)


async def test_a_program_is_told_of_other_sources_by_exceptions() -> None:
    with running(1) as m:
        begin = mesh(workload("a", 0), gateway=False)
        declarations = declared(m, begin)
        await m.changes.begin(begin)
        other = ChangeSet(
            "files", ReplaceAll(declarations_of(mesh(workload("b", 0), gateway=False)))
        )
        assert isinstance(await declarations.apply(other, JACK), Applied)
        taken = await declarations.apply(whole(mesh(workload("b", 1), gateway=False)), JACK)
        with pytest.raises(DeclarationConflict, match="Workload default/b is declared by files"):
            change_of(taken)
        assert change_of(await declarations.apply(whole(Mesh()), JACK)).applied
        assert m.site.control_plane.mesh.workloads == (workload("b", 0),)
        await m.settled()


async def test_a_mesh_that_is_stopped_takes_no_request() -> None:
    with running(1) as m:
        begin = mesh(workload("a", 0), gateway=False)
        declarations = declared(m, begin)
        await m.changes.begin(begin)
        await m.changes.close()
        result = await declarations.apply(whole(Mesh()), JACK)
        assert isinstance(result, Refused)
        assert result.outcome is not None
        assert "has been stopped" in result.outcome.reason


def test_a_start_with_two_objects_of_one_name_is_refused() -> None:
    twice = whole(mesh(workload("a", 0), workload("a", 1), gateway=False))
    with pytest.raises(InvalidInput) as refused:
        initial(twice, no_check)
    assert [each.code for each in refused.value.findings] == ["DUPLICATE_OBJECT"]
