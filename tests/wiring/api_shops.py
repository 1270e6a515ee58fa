"""The shop behind the API over HTTP: two services, each in two versions, and what asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.wiring.api_servers import (
    LANES,
    MERGE,
    SHOP,
    Api,
    api,
    workload,
)

GROUP = "/apis/laneway.dev/v1alpha1/lanegroups/shop"
WORKLOADS = [workload("web", v, "cart") for v in ("z", "s1")] + [
    workload("cart", v) for v in ("z", "s1")
]


@pytest.fixture
async def shop() -> AsyncIterator[Api]:
    async with api() as made:
        await made.apply(*SHOP, *WORKLOADS)
        yield made


async def get(shop: Api, path: str, **query: str) -> dict[str, Any]:
    answer = await shop.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def weigh(shop: Api, weight: int) -> None:
    body = {"spec": {"weight": weight}}
    answer = await shop.client.patch(f"{LANES}/s1", json=body, headers=MERGE)
    assert answer.status_code == 200, answer.text
    await shop.settle()
