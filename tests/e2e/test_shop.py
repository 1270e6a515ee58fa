"""``examples/shop``, which the READMEs and the how-to show, as it stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from laneway.adapters.files import read
from laneway.wiring.embedded import Embedded, Settings

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.envoy


@pytest.fixture
async def gateway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[str]:
    monkeypatch.chdir(tmp_path)  # the example runs from anywhere
    mesh = read([str(ROOT / "examples" / "shop")]).mesh
    async with Embedded(mesh, Settings(free_gateway_ports=True)) as embedded:
        assert not await embedded.wait_ready()
        ((url,),) = (urls.values() for urls in embedded.gateway_urls().values())
        yield url


async def test_each_lane_answers_as_the_readme_says(gateway: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for headers, answer in (
            ({}, "web stable -> cart stable -> stock stable"),
            ({"x-lane": "base"}, "web stable -> cart stable -> stock stable"),
            ({"x-lane": "fix-123"}, "web stable -> cart fix-123 -> stock stable"),
        ):
            assert (await client.get(gateway, headers=headers)).text == answer
