"""The simulator == real Envoy, for meshes of every kind, in sickness and in health.

``LANEWAY_LAW_EXAMPLES`` makes that many examples, other ones each time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count, islice

import pytest
from hypothesis import HealthCheck, event, given, settings
from tests.compile.landscapes import Situation, applications, meshes, situations, traced
from tests.e2e.agreement import ATTEMPTS, hold
from tests.e2e.rig import Rig

from laneway.compile.simulate import Applications, Request
from laneway.model.meshes import Mesh

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

EXAMPLES = int(os.environ.get("LANEWAY_LAW_EXAMPLES", "100"))
_NUMBERS = count()


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    one = Rig()
    yield one
    one.close()


def attempts(request: Request) -> Iterator[Request]:
    return (traced(request, number) for number in islice(_NUMBERS, ATTEMPTS))


@given(meshes(), applications(), situations())
@settings(
    max_examples=EXAMPLES,
    derandomize="LANEWAY_LAW_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    print_blob=True,
)
def test_real_proxies_do_as_the_simulator_says(
    rig: Rig, mesh: Mesh, calls: Applications, cases: list[Situation]
) -> None:
    rig.adopt(mesh, calls)
    rig.suffer(cases[0].unready, cases[0].dead)
    for case in cases:
        tries = hold(rig, mesh, attempts(case.request), case.port, calls, case.alive)
        event(f"agreed at attempt {min(tries, 3)}")
