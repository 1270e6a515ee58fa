"""Calls that begin inside a lane's workload, as a cron job's do, on real Envoys.

The call chain mocka -> mockb -> mockc of the article's scenarios; lane s2 has no mockb. The calls
are made as an application makes them: through the sidecar of a workload.
"""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from tests.e2e.conftest import Run
from tests.e2e.scenarios import SCENARIOS, Scenario

from laneway.model.lanes import CallsWithoutLane
from laneway.model.names import ObjectName
from laneway.wiring.embedded import Embedded

pytestmark = pytest.mark.envoy

LANE_HEADER = {"scenario-1": "x-asm-prefer-tag", "scenario-2": "my-request-id"}


async def versions(embedded: Embedded, workload: str, headers: dict[str, str]) -> list[str]:
    """The versions that answer a call from the workload to mockb."""
    name = ObjectName("default", workload)
    outbound = embedded.control_plane.placements.sidecars[name].outbound
    async with httpx.AsyncClient(proxy=f"http://{outbound.host}:{outbound.port}") as client:
        answer = await client.get("http://mockb:8000/", headers=headers)
    assert answer.status_code == 200, answer.text
    return [part[:2] for part in answer.text.split("version: ")[1:]]


@pytest.mark.parametrize("scenario", SCENARIOS[:2], ids=lambda scenario: scenario.folder)
@pytest.mark.parametrize("wanted", CallsWithoutLane)
async def test_a_call_begun_in_a_lane_is_of_it_where_its_group_says_so(
    wanted: CallsWithoutLane, scenario: Scenario, run: Run
) -> None:
    mesh = scenario.whole_mesh
    groups = tuple(replace(group, calls_without_lane=wanted) for group in mesh.groups)
    header = LANE_HEADER[scenario.folder]
    own = wanted is CallsWithoutLane.OWN_LANE
    async with run(replace(mesh, groups=groups)) as embedded:
        # mockb of lane s2 is the baseline's, and the request returns to the lane at mockc.
        begun: list[dict[str, str]] = [{}, {header: ""}]
        for headers in begun:
            found = await versions(embedded, "mocka-v2", headers)
            assert found == ["v1", "v2" if own else "v1"], headers
            # Lane s3 does not contain mocka, so this workload is in no lane.
            assert await versions(embedded, "mocka-v3", headers) == ["v1", "v1"]
            assert await versions(embedded, "mocka-v1", headers) == ["v1", "v1"]
        named = {header: "s3", "my-request-id": "s3"}
        assert await versions(embedded, "mocka-v2", named) == ["v3", "v1"]
        # Nobody but the sidecar says whose call it is.
        forged = {"x-laneway-caller": "without-lane test", "x-laneway-caller-lane": "s3"}
        assert await versions(embedded, "mocka-v2", forged) == ["v1", "v2" if own else "v1"]
