from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any

import pytest

from laneway.control import events
from laneway.model.meshes import Mesh
from laneway.wiring.embedded import Embedded, Settings
from laneway.wiring.lane_expiry import utc_now

Run = Callable[..., AbstractAsyncContextManager[Embedded]]


@asynccontextmanager
async def running(
    mesh: Mesh,
    on_event: Callable[[events.Event], None] = lambda event: None,
    now: Callable[[], datetime] = utc_now,
    **settings: Any,
) -> AsyncIterator[Embedded]:
    """Runs a mesh on free ports; everything is ready inside the block."""
    chosen = Settings(**{"free_gateway_ports": True, **settings})
    async with Embedded(mesh, chosen, on_event, now) as embedded:
        assert await embedded.wait_ready() == ()
        yield embedded


@pytest.fixture
def run() -> Run:
    """A test's own mesh. Those that only read share one, by ``running`` in a module's fixture."""
    return running
