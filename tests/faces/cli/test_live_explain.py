"""``explain`` without files, on an API in memory."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from tests.faces.cli.asked_servers import Asked, asked_server
from tests.faces.cli.conftest import Cli
from tests.wiring.api_servers import lane, service, workload


@pytest.fixture
async def shop(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    async with asked_server(cli, monkeypatch) as asked:
        yield asked


async def test_it_asks_the_rules_of_the_running_laneway(shop: Asked) -> None:
    found = await shop.run("explain", "-H", "x-lane: s1", "--down", "cart-s1")
    assert found.code == 0, found
    lines = found.out.splitlines()
    assert lines[0].startswith("live: ")
    assert lines[-1] == "-> web-s1, cart-z"
    assert "lane s1 has no ready instance of default/cart" in found.out


async def test_it_asks_an_earlier_revision(shop: Asked) -> None:
    first = (await shop.run("history", "-o", "name")).out.strip().rpartition("/")[2]
    await shop.api.apply(lane("s1", services=["web"]))
    now = await shop.run("explain", "-H", "x-lane: s1")
    assert now.out.splitlines()[-1] == "-> web-s1, cart-z"
    then = await shop.run("explain", "-H", "x-lane: s1", "--revision", first)
    assert then.out.splitlines()[0] == (
        f"live: as of revision {first}, as if all workloads were ready"
    )
    assert then.out.splitlines()[-1] == "-> web-s1, cart-s1"


async def test_a_failure_and_unknown_calls_are_told(shop: Asked) -> None:
    broken = await shop.run("explain", "--down", "web-z")
    assert broken.out.splitlines()[-1].startswith("-> 503 ")
    assert "nobody" in broken.out
    report = json.loads((await shop.run("explain", "-o", "json")).out)
    assert [hop["service"] for hop in report["hops"]] == ["default/web", "default/cart"]


async def test_a_port_is_shown_where_a_service_has_several(shop: Asked) -> None:
    assert "cart:80" not in (await shop.run("explain")).out
    several = [service("cart"), workload("cart", "z"), workload("cart", "s1")]
    for each in several:
        each["spec"]["ports"] = [{"name": "a", "port": 80}, {"name": "b", "port": 81}]
    await shop.api.apply(*several)
    assert "cart:80" in (await shop.run("explain")).out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--calls", "web=cart"], 2, "`spec.calls` of a Workload"),
        (["--gateway", "entri"], 1, "did you mean default/entry?"),
        (["--down", "cart-s9"], 1, "there is no workload cart-s9"),
        (["--revision", "999"], 1, "999"),
        (["-f", "x", "--revision", "1"], 2, "leave out --context and --revision"),
    ],
)
async def test_what_is_wrong_is_said(shop: Asked, words: list[str], code: int, said: str) -> None:
    found = await shop.run("explain", *words)
    assert (found.code, said in found.message) == (code, True), found
