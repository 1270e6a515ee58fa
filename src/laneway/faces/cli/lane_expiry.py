"""What files declare is applied now: a lane that has expired is not applied again."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.model.checks import Gaps
from laneway.model.checks.lane_lives import expired
from laneway.model.findings import Finding
from laneway.model.meshes import Mesh
from laneway.schema import Check
from laneway.wiring.lane_expiry import Clock, utc_now


def refusing_expired(check: Check, now: Clock = utc_now) -> Check:
    """``check``, for whoever applies: a lane that has expired is not applied again."""

    def checked(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
        yield from check(mesh, gaps)
        yield from expired(mesh, now())

    return checked
