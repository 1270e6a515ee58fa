"""``promote``, on an API in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import yaml
from tests.faces.cli.asked_servers import Asked, asked_server
from tests.faces.cli.conftest import Cli
from tests.wiring.api_servers import V1, group, lane

GROUP = f"/apis/{V1}/lanegroups/shop"


@pytest.fixture
async def shop(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    async with asked_server(cli, monkeypatch) as asked:
        yield asked


async def baselines(shop: Asked) -> Mapping[str, str]:
    spec: Mapping[str, Any] = (await shop.api.client.get(GROUP)).json()["spec"]
    found: Mapping[str, str] = spec.get("serviceBaselines") or {}
    return found


async def test_a_promotion_says_which_requests_change_their_path(shop: Asked) -> None:
    found = await shop.run("promote", "s1", "-m", "release")
    assert found.code == 0, found
    assert "lanegroup.laneway.dev/shop configured\n" in found.out
    assert "baseline of web: - -> s1\nbaseline of cart: - -> s1\n" in found.out
    assert "requests: 1 kind takes another path\n  curl " in found.out
    assert "    before: web in lane z, then cart in lane z\n" in found.out
    assert "    after:  web in lane s1, then cart in lane s1\n" in found.out
    assert "take it back: laneway promote shop/s1 --undo" in found.out
    assert await baselines(shop) == {"web": "s1", "cart": "s1"}
    assert "Promotion: of lane shop/s1: release" in (await shop.run("history")).out


async def test_a_dry_run_changes_nothing(shop: Asked) -> None:
    found = await shop.run("promote", "shop/s1", "--service", "cart", "--dry-run")
    assert found.code == 0, found
    assert "configured (dry run)" in found.out
    assert "baseline of cart: - -> s1" in found.out
    assert "baseline of web" not in found.out
    assert await baselines(shop) == {}


async def test_undo_restores_what_stood_before_each_promotion(shop: Asked) -> None:
    await shop.api.apply(lane("s2", services=["cart"]))
    await shop.run("promote", "s1")
    await shop.run("promote", "s2")
    assert await baselines(shop) == {"web": "s1", "cart": "s2"}
    second = await shop.run("promote", "s2", "--undo")
    assert "baseline of cart: s2 -> s1" in second.out
    assert await baselines(shop) == {"web": "s1", "cart": "s1"}
    assert "take it back" not in second.out
    first = await shop.run("promote", "s1", "--undo", "--service", "web", "--service", "cart")
    assert "baseline of web: s1 -> -\n" in first.out
    assert await baselines(shop) == {}
    again = await shop.run("promote", "s1", "--undo")
    assert (again.code, "lane s1 is not promoted for web, cart" in again.message) == (1, True)


async def test_undo_does_not_restore_a_lane_that_is_gone(shop: Asked) -> None:
    await shop.api.apply(lane("s2"))
    await shop.run("promote", "s1", "--service", "cart")
    await shop.run("promote", "s2", "--service", "cart")
    gone = {"apiVersion": V1, "kind": "Lane", "name": "s1"}
    await shop.api.answered("changesets", "ChangeSet", {"source": "shop", "deletions": [gone]})
    found = await shop.run("promote", "s2", "--undo", "--service", "cart")
    assert (found.code, await baselines(shop)) == (0, {}), found


async def test_where_another_source_sets_the_baseline_the_patch_is_printed(shop: Asked) -> None:
    await shop.api.apply(group(serviceBaselines={"cart": "z"}))
    found = await shop.run("promote", "s1")
    assert found.code == 1
    assert 'conflict with "shop"' in found.message
    assert "--force-conflicts" in found.message
    assert yaml.safe_load(found.out) == {"spec": {"serviceBaselines": {"web": "s1", "cart": "s1"}}}
    assert await baselines(shop) == {"cart": "z"}
    assert (await shop.run("promote", "s1", "--force-conflicts")).code == 0
    assert (await shop.run("promote", "s1", "--undo")).code == 0
    assert await baselines(shop) == {"cart": "z"}


async def test_what_another_source_promoted_is_undone_there(shop: Asked) -> None:
    await shop.api.apply(group(serviceBaselines={"cart": "s1"}))
    found = await shop.run("promote", "s1", "--undo")
    assert found.code == 1
    assert yaml.safe_load(found.out) == {"spec": {"serviceBaselines": {"cart": None}}}
    assert "--force-conflicts" not in found.message


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["s11"], "there is no lane s11; did you mean s1?"),
        (["shpo/s1"], "there is no lane shpo/s1; did you mean shop/s1?"),
        (["s1", "--service", "crat"], "did you mean cart?"),
    ],
)
async def test_what_cannot_be_promoted(shop: Asked, words: list[str], said: str) -> None:
    found = await shop.run("promote", *words)
    assert (found.code, said in found.message) == (1, True), found
