"""What commands say of words that they cannot use: what is wrong, and what would be right."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
import typer
from tests.faces.cli.asked_servers import Asked, asked_server
from tests.faces.cli.conftest import Cli

from laneway.faces.cli.app import app

#: Commands that do not talk to a running laneway, or that start one.
OF_FILES = {
    *("completion", "init", "up", "demo", "serve", "validate", "analyze", "render", "convert"),
    *("schema", "version", "store backup", "store restore", "store compact", "store check"),
}

#: The server of these tests has objects, and no processes.
NO_PROCESSES = "the server could not find the requested resource"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("get -o josn", "`josn` is not one of table, wide, name, json, yaml; did you mean json?"),
        ("validate --output yml", "`yml` is not one of text, json"),
        ("proxy-config rutes web", "`rutes` is not one of clusters, listeners, routes, endpoints;"),
        ("rollback x", "'REVISION': `x` is not a whole number of at least 1"),
        ("rollback 1.5", "`1.5` is not a whole number of at least 1"),
        ("history --limit -1", "'--limit': `-1` is not a whole number of at least 0"),
        ("token create a --days x", "'--days': `x` is not a whole number from 1 to 3650"),
        ("top --interval nan", "`nan` is not a number from 0.1 to 3600"),
        ("explain --port x", "'--port': `x` is not a whole number"),
        ("apply --timeout 2m", "write seconds without a unit, such as 120"),
        ("restart web --timeout inf", "`inf` is not a number from 0 to 86400"),
        ("tap -H=", "-H: `=` is not a header: write NAME or 'NAME: VALUE'"),
    ],
)
def test_values_are_refused_in_plain_words(cli: Cli, words: str, said: str) -> None:
    result = cli(*words.split())
    assert result.code == 2
    assert said in result.err
    assert "Value error" not in result.err
    assert "Input should" not in result.err


def test_a_method_is_one_word(cli: Cli, examples: Any) -> None:
    result = cli("explain", "-f", examples / "shop", "--method", "a b")
    assert result.code == 2
    assert "--method: `a b` is not an HTTP method" in result.err


def test_each_command_for_a_running_laneway_can_be_told_which() -> None:
    without = {name for name, given in commands(app) if not {"data", "context"} <= given}
    assert without == OF_FILES


def commands(group: typer.Typer, before: str = "") -> Iterator[tuple[str, set[str]]]:
    for each in group.registered_commands:
        assert each.callback is not None
        name = each.name or each.callback.__name__.replace("_", "-")
        yield before + name, set(inspect.signature(each.callback).parameters)
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, f"{inner.name} ")


@pytest_asyncio.fixture
async def shop(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    async with asked_server(cli, monkeypatch) as made:
        yield made


async def test_tap_prints_no_head_of_a_table_that_it_cannot_show(shop: Asked) -> None:
    result = await shop.run("tap", "--service", "web")
    assert (result.code, result.out, result.err) == (1, "", f"error: {NO_PROCESSES}\n")


async def test_env_asks_the_laneway_that_is_named(
    shop: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``tests/e2e/test_process_commands.py`` has what it answers."""
    monkeypatch.delenv("LANEWAY_DATA_DIR")
    found = await shop.run("env", "web-z", "--data-dir", shop.api.folder)
    assert (found.code, found.err) == (1, f"error: {NO_PROCESSES}\n")
    nowhere = await shop.run("env", "web-z", "--data-dir", "/nowhere")
    assert "no laneway serves /nowhere" in nowhere.err
