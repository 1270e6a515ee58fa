"""``promote`` where no server makes promotions, as in a cluster: the command makes the write."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.faces.cli.asked_servers import Asked, asked_cluster
from tests.faces.cli.conftest import Cli
from tests.wiring.api_servers import MERGE, SHOP, V1, group, lane

from laneway.faces.cli import object_requests

GROUP = f"/apis/{V1}/lanegroups/shop"


@pytest.fixture
async def cluster(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Asked]:
    async with asked_cluster(cli, monkeypatch) as asked:
        assert (await applied(asked, tmp_path, *SHOP)).code == 0
        await asked.api.settle()
        yield asked


async def applied(cluster: Asked, folder: Path, *documents: Mapping[str, Any]) -> Any:
    path = folder / "objects.yaml"
    path.write_text(yaml.safe_dump_all(documents))
    return await cluster.run("apply", "-f", path)


async def baselines(cluster: Asked) -> Mapping[str, str]:
    spec: Mapping[str, Any] = (await cluster.api.client.get(GROUP)).json()["spec"]
    found: Mapping[str, str] = spec.get("serviceBaselines") or {}
    return found


async def test_a_promotion_is_a_write_of_the_group_with_a_preview(cluster: Asked) -> None:
    found = await cluster.run("promote", "s1")
    assert found.code == 0, found
    assert "lanegroup.laneway.dev/shop configured\n" in found.out
    assert "baseline of web: - -> s1\nbaseline of cart: - -> s1\n" in found.out
    assert "    before: web in lane z\n    after:  web in lane s1\n" in found.out
    assert "Whom services call is not known in a cluster" in found.err
    assert await baselines(cluster) == {"web": "s1", "cart": "s1"}
    again = await cluster.run("promote", "s1")
    assert "lanegroup.laneway.dev/shop unchanged\n" in again.out


async def test_a_dry_run_prints_the_patch_and_changes_nothing(cluster: Asked) -> None:
    found = await cluster.run("promote", "s1", "--service", "cart", "--dry-run")
    assert found.code == 0, found
    assert "lanegroup.laneway.dev/shop configured (dry run)\n" in found.out
    assert "spec:\n  serviceBaselines:\n    cart: s1\n" in found.out
    # Whom web calls is not known, so it is not claimed that no request changes its path.
    assert "requests:" not in found.out
    assert await baselines(cluster) == {}


async def test_undo_takes_out_what_stands_at_this_lane(cluster: Asked, tmp_path: Path) -> None:
    await applied(cluster, tmp_path, lane("s2", services=["cart"]))
    await cluster.run("promote", "s1")
    await cluster.run("promote", "s2")
    assert await baselines(cluster) == {"web": "s1", "cart": "s2"}
    found = await cluster.run("promote", "s1", "--undo")
    assert (found.code, "the earlier value is not known" in found.err) == (0, True), found
    assert await baselines(cluster) == {"cart": "s2"}
    again = await cluster.run("promote", "s1", "--undo")
    assert (again.code, "lane s1 is not promoted for web, cart" in again.message) == (1, True)


async def test_where_another_manager_sets_the_baseline_the_patch_is_printed(
    cluster: Asked, tmp_path: Path
) -> None:
    await applied(cluster, tmp_path, group(serviceBaselines={"cart": "z"}))
    found = await cluster.run("promote", "s1")
    assert found.code == 1
    assert 'conflict with "laneway-apply"' in found.message
    assert "--force-conflicts" in found.message
    assert yaml.safe_load(found.out) == {"spec": {"serviceBaselines": {"web": "s1", "cart": "s1"}}}
    assert await baselines(cluster) == {"cart": "z"}
    assert (await cluster.run("promote", "s1", "--force-conflicts")).code == 0
    assert await baselines(cluster) == {"web": "s1", "cart": "s1"}


async def test_a_write_in_between_is_not_undone(
    cluster: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another promotion, after this one has read the group: it is read again."""
    await applied(cluster, tmp_path, lane("s2", services=["cart"]))
    write, between = object_requests.apply, ["s2"]

    def late(server: Any, *words: Any, **more: Any) -> Any:
        if between:
            between.pop()
            first = {"spec": {"serviceBaselines": {"cart": "s2"}}}
            manifest = {"apiVersion": V1, "kind": "LaneGroup", "metadata": {"name": "shop"}}
            write(server, words[0], {**manifest, **first}, words[2])
        return write(server, *words, **more)

    monkeypatch.setattr(object_requests, "apply", late)
    found = await cluster.run("promote", "s1", "--service", "web")
    assert found.code == 0, found
    assert await baselines(cluster) == {"web": "s1", "cart": "s2"}


async def test_a_group_that_is_not_accepted_is_not_promoted(cluster: Asked) -> None:
    wrong = {"spec": {"services": ["web", "cart", "pay"]}}
    await cluster.api.client.patch(GROUP, json=wrong, headers=MERGE)
    found = await cluster.run("promote", "s1")
    assert found.code == 1
    assert "pay" in found.message
    assert await baselines(cluster) == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [(["s11"], "did you mean s1?"), (["s1", "--service", "crat"], "did you mean cart?")],
)
async def test_what_cannot_be_promoted(cluster: Asked, words: list[str], said: str) -> None:
    found = await cluster.run("promote", *words)
    assert (found.code, said in found.message) == (1, True), found
