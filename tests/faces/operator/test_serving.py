"""What the operator serves: health, readiness and metrics."""

from __future__ import annotations

import aiohttp
from tests.operator.fake_dialects import DIALECT

from laneway.adapters.kube.client import Client
from laneway.adapters.kube.credentials import Credentials
from laneway.adapters.kube.resources import LANES
from laneway.faces.operator.metrics import Metrics
from laneway.faces.operator.serving import application, serve
from laneway.operator.reconciler import Pass
from laneway.wiring.operators import Operator, Settings


async def fetch(path: str, metrics: Metrics | None = None) -> tuple[int, str, bytes]:
    client = Client(Credentials("http://127.0.0.1:1"))
    operator = Operator(client, DIALECT, Settings("one"))
    app = application(operator, metrics or Metrics())
    async with serve(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as session:
        response = await session.get(f"http://127.0.0.1:{port}{path}")
        return response.status, response.content_type, await response.read()


async def test_a_standby_is_alive_and_ready() -> None:
    assert await fetch("/healthz") == (200, "text/plain", b"ok\n")
    assert await fetch("/readyz") == (200, "text/plain", b"standing by\n")


async def test_metrics_count_calls_changes_and_passes() -> None:
    metrics = Metrics()
    metrics.called("patch", "lanes", 200)
    metrics.changed(LANES)
    metrics.passed(Pass(operations=3, failures=("x",)), 0.5)
    _, content_type, body = await fetch("/metrics", metrics)
    lines = body.decode().splitlines()
    assert content_type == "text/plain"
    assert 'laneway_api_calls_total{code="200",resource="lanes",verb="patch"} 1.0' in lines
    assert 'laneway_changes_total{resource="lanes"} 1.0' in lines
    assert "laneway_operations_total 3.0" in lines
    assert "laneway_failures_total 1.0" in lines
    assert "laneway_reconcile_seconds_sum 0.5" in lines
    assert "laneway_leader 0.0" in lines
