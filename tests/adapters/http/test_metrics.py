"""``/metrics`` is what Prometheus reads."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette

from laneway.adapters.http.metrics import Family, metrics_route
from laneway.control.histograms import Histogram


async def scraped(*families: Family) -> list[str]:
    async def collect() -> list[Family]:
        return list(families)

    transport = httpx.ASGITransport(Starlette(routes=[metrics_route(collect)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://laneway") as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    return answer.text.splitlines()


async def test_labels_are_escaped() -> None:
    label = 'a "b" \\ c\nd'
    lines = await scraped(Family("x_total", "counter", "Some.", [({"lane": label}, 1)]))
    assert lines == [
        "# HELP x_total Some.",
        "# TYPE x_total counter",
        r'x_total{lane="a \"b\" \\ c\nd"} 1',
    ]


@pytest.mark.parametrize("labels", [{}, {"lane": "s1"}])
async def test_histograms_have_buckets_a_sum_and_a_count(labels: dict[str, str]) -> None:
    histogram = Histogram((0.1, 1))
    for value in (0.1, 0.5, 3):
        histogram.observe(value)
    lines = await scraped(Family("x_seconds", "histogram", "Some.", [(labels, histogram)]))
    own = 'lane="s1",' if labels else ""
    tail = '{lane="s1"}' if labels else ""
    assert lines[2:] == [
        f'x_seconds_bucket{{{own}le="0.1"}} 1',
        f'x_seconds_bucket{{{own}le="1"}} 2',
        f'x_seconds_bucket{{{own}le="+Inf"}} 3',
        f"x_seconds_sum{tail} 3.6",
        f"x_seconds_count{tail} 3",
    ]
