"""The golden calls, made for real: proxies do what the golden files say, as the simulator does."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest
from tests.compile.cases import (
    CASES,
    applications_of,
    calls_of,
    down_in,
    mesh_of,
    request_of,
)
from tests.e2e.agreement import ATTEMPTS, hold
from tests.e2e.rig import Rig

pytestmark = pytest.mark.envoy


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    one = Rig()
    yield one
    one.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("dies", [False, True], ids=["unready", "dead"])
def test_proxies_take_the_path_expected(rig: Rig, case: Path, dies: bool) -> None:
    """What is down has no endpoint, or nobody knows yet that it is down."""
    mesh = mesh_of(case)
    for call in calls_of(case):
        down = down_in(mesh, call)
        if dies and not down:
            continue
        applications = applications_of(mesh, call)
        rig.adopt(mesh, applications)
        rig.suffer(*((frozenset(), down) if dies else (down, frozenset())))
        alive = {workload.name for workload in mesh.workloads} - down
        hold(rig, mesh, repeat(request_of(call), ATTEMPTS), None, applications, alive)
