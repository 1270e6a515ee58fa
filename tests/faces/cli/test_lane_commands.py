"""``lane create`` and its siblings, on an API in memory."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.faces.cli.asked_servers import Asked, asked_server
from tests.faces.cli.conftest import Cli
from tests.wiring.api_servers import SHOP, api, group, lane, service, workload

pytestmark = pytest.mark.slow

LANE = ("lane", "create", "fix-1")


@pytest.fixture
async def shop(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    monkeypatch.setenv("USER", "jack")
    async with asked_server(cli, monkeypatch) as asked:
        yield asked


async def kept(shop: Asked, what: str) -> dict[str, Any]:
    """An object as the server keeps it."""
    document: dict[str, Any] = json.loads((await shop.run("get", what, "-o", "json")).out)
    return document


async def test_a_lane_is_created_with_its_workloads_as_one_revision(shop: Asked) -> None:
    found = await shop.run(*LANE, "--service", "cart=node 'my cart.js'", "--ttl", "3d")
    assert found.code == 0, found
    assert found.out.startswith(
        "lane.laneway.dev/fix-1 created\nworkload.laneway.dev/cart-fix-1 created\n2 created\n"
    )
    assert "requests enter it by the header x-lane: fix-1" in found.out
    made = (await kept(shop, "lane/fix-1"))["spec"]
    assert (made["group"], made["selector"], made["services"], made["owner"]) == (
        "shop",
        {"version": "fix-1"},
        ["cart"],
        "jack",
    )
    left = datetime.fromisoformat(made["expiresAt"]) - datetime.now(UTC)
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)
    version = await kept(shop, "workload/cart-fix-1")
    assert version["metadata"]["labels"] == {"app": "cart", "version": "fix-1"}
    assert version["spec"]["command"] == ["node", "my cart.js"]
    assert version["spec"]["workingDir"] == os.getcwd()
    assert version["spec"]["ports"] == [{"port": 80, "listen": 0}]
    listed = (await shop.run("history", "--limit", "1")).out
    assert "lane/fix-1 created, workload/cart-fix-1 created" in listed


async def test_a_command_gets_the_environment_of_the_baselines_version(shop: Asked) -> None:
    await shop.run(*LANE, "--service", "web=web", "--env", "DEBUG=a=b")
    spec = (await kept(shop, "workload/web-fix-1"))["spec"]
    assert spec["env"] == {"NEXT": "http://cart/", "DEBUG": "a=b"}


async def test_an_address_is_of_what_runs_already(shop: Asked) -> None:
    found = await shop.run(*LANE, "--service", "cart=127.0.0.1:9000", "--owner", "")
    assert found.code == 0, found
    spec = (await kept(shop, "workload/cart-fix-1"))["spec"]
    assert spec["address"] == "127.0.0.1:9000"
    assert "command" not in spec
    assert "workingDir" not in spec
    made = (await kept(shop, "lane/fix-1"))["spec"]
    assert "expiresAt" not in made
    assert not made.get("owner")


async def test_where_lanes_have_rules_of_their_own_it_has_those_of_the_baseline(
    shop: Asked,
) -> None:
    rules = [{"name": "mine", "uri": {"prefix": "/x"}, "destination": "web"}]
    await shop.run(*LANE, "--service", "cart=cart")
    assert not (await kept(shop, "lane/fix-1"))["spec"].get("ingress")
    await shop.run("lane", "delete", "fix-1")
    await shop.api.apply(group(ingress=[]), lane("z", ingress=rules), lane("s1", ingress=rules))
    await shop.run(*LANE, "--service", "cart=cart")
    (rule,) = (await kept(shop, "lane/fix-1"))["spec"]["ingress"]
    assert rule.items() >= rules[0].items()


async def test_labels_that_all_lanes_have_are_kept(shop: Asked) -> None:
    both = {"tier": "shop"}
    await shop.api.apply(
        *SHOP[:4],
        lane("z", selector={**both, "version": "z"}),
        lane("s1", selector={**both, "version": "s1"}),
    )
    await shop.run(*LANE, "--service", "cart=cart")
    assert (await kept(shop, "lane/fix-1"))["spec"]["selector"] == {**both, "version": "fix-1"}


async def test_ports_of_this_machine_are_not_copied(shop: Asked) -> None:
    fixed = workload("cart", "z")
    fixed["spec"]["ports"] = [{"port": 80, "listen": 18099}]
    await shop.api.apply(fixed)
    found = await shop.run(*LANE, "--service", "cart=cart")
    assert found.code == 0, found
    assert (await kept(shop, "workload/cart-fix-1"))["spec"]["ports"] == [{"port": 80, "listen": 0}]


async def test_the_baseline_is_not_the_first_by_its_name(shop: Asked) -> None:
    """Lists are in the order of names, and the status says which lane is the baseline."""
    assert (await kept(shop, "lanegroup/shop"))["status"].get("baseline") == "z"
    await shop.run("lane", "create", "a1", "--service", "cart=cart")
    again = await shop.run("lane", "create", "a2", "--service", "web=web")
    assert (again.code, "enter it by the header x-lane: a2" in again.out) == (0, True), again


async def test_a_dry_run_shows_the_objects_and_creates_none(shop: Asked) -> None:
    found = await shop.run(*LANE, "--service", "cart=cart", "--dry-run")
    assert found.code == 0, found
    documents = list(yaml.safe_load_all("apiVersion" + found.out.partition("apiVersion")[2]))
    assert [each["kind"] for each in documents] == ["Lane", "Workload"]
    assert "fix-1" not in shop.api.names()


async def test_delete_takes_all_of_it_and_nothing_else(shop: Asked) -> None:
    before = shop.api.names()
    await shop.run(*LANE, "--service", "cart=cart", "--service", "web=web")
    assert len(shop.api.names()) == len(before) + 3
    assert (await shop.run("lane", "delete", "fix-1", "--dry-run")).code == 0
    found = await shop.run("lane", "delete", "fix-1")
    assert (found.code, "3 deleted\n" in found.out) == (0, True), found
    assert shop.api.names() == before
    other = await shop.run("lane", "delete", "s1")
    assert (other.code, "laneway delete lane s1" in other.message) == (1, True)


async def test_it_is_disabled_enabled_and_extended(shop: Asked) -> None:
    await shop.run(*LANE, "--service", "cart=cart", "--ttl", "1h")
    found = await shop.run("lane", "disable", "fix-1")
    assert (found.code, found.out) == (
        0,
        "lane.laneway.dev/fix-1 configured (enabled: false)\n",
    )
    assert (await kept(shop, "lane/fix-1"))["spec"]["enabled"] is False
    assert (await shop.run("lane", "enable", "fix-1")).code == 0
    assert (await kept(shop, "lane/fix-1"))["spec"]["enabled"] is True
    assert (await shop.run("lane", "extend", "fix-1", "--ttl", "2w")).code == 0
    until = datetime.fromisoformat((await kept(shop, "lane/fix-1"))["spec"]["expiresAt"])
    assert until > datetime.now(UTC) + timedelta(days=13)
    assert (await shop.run("lane", "delete", "fix-1")).code == 0


async def test_what_a_source_declares_is_not_taken_over(shop: Asked) -> None:
    await shop.api.apply(lane("s1", enabled=True))
    found = await shop.run("lane", "disable", "s1")
    assert found.code == 1
    assert "lane s1: shop declares enabled" in found.message
    assert yaml.safe_load(found.out) == {"spec": {"enabled": False}}
    assert (await kept(shop, "lane/s1"))["spec"]["enabled"] is True
    assert (await shop.run("lane", "disable", "s1", "--force-conflicts")).code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["create", "s1", "--service", "cart=x"], 1, "lane s1 exists"),
        (["create", "a", "--service", "crat=x"], 1, "no service crat; did you mean cart?"),
        (["create", "a", "--service", "cart"], 2, "neither NAME=COMMAND nor NAME=HOST:PORT"),
        (["create", "a", "--service", "cart="], 2, "neither NAME=COMMAND"),
        (["create", "a", "--service", "cart='x"], 2, "No closing quotation"),
        (["create", "a", "--service", "cart=x", "--service", "cart=y"], 2, "given twice"),
        (["create", "A_b", "--service", "cart=x"], 2, "`A_b` is no lane's name"),
        (["create", "a", "--service", "cart=x", "--group", "shpo"], 1, "did you mean shop?"),
        (["create", "a", "--service", "cart=x", "--ttl", "3"], 2, "`3` is no duration"),
        (["create", "a", "--service", "cart=x", "--ttl", "0d"], 2, "`0d` is no duration"),
        (["create", "a", "--service", "cart=x", "--env", "X"], 2, "`X` is not NAME=VALUE"),
        (["create", "a"], 2, "--service"),
        (["disable", "s9"], 1, '"s9" not found'),
        (["extend", "s1", "--ttl", "soon"], 2, "`soon` is no duration"),
    ],
)
async def test_what_is_wrong_is_said(shop: Asked, words: list[str], code: int, said: str) -> None:
    found = await shop.run("lane", *words)
    assert (found.code, said in found.message) == (code, True), found


async def test_of_several_groups_one_is_named(shop: Asked) -> None:
    other = group(services=["pay"], ingress=[{"name": "p", "destination": "pay"}])
    other["metadata"]["name"] = "money"
    await shop.api.apply(service("pay"), other, lane("m1", group="money"))
    found = await shop.run(*LANE, "--service", "cart=x")
    assert (found.code, "say which group: --group" in found.message) == (2, True)
    assert (await shop.run(*LANE, "--service", "cart=x", "--group", "shop")).code == 0


async def test_in_a_cluster_workloads_are_deployed_otherwise(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with api(own_kinds=False) as made:
        monkeypatch.setenv("LANEWAY_DATA_DIR", str(made.folder))
        cluster = Asked(made, cli)
        path = tmp_path / "shop.yaml"
        path.write_text(yaml.safe_dump_all(SHOP))
        assert (await cluster.run("apply", "-f", path)).code == 0
        found = await cluster.run(*LANE, "--service", "cart=x")
        assert (found.code, "starts no workloads in a cluster" in found.message) == (1, True)


async def test_a_version_that_runs_already_brings_no_warning_of_what_nobody_wrote(
    shop: Asked,
) -> None:
    found = await shop.run("lane", "create", "fix", "--service", "cart=127.0.0.1:9")
    assert "lane.laneway.dev/fix created" in found.out
    assert "restartPolicy" not in found.out + found.message
