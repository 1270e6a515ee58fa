"""``completion``, as shells ask: commands, options, and names of the running laneway."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator

import pytest
from tests.faces.cli.asked_servers import Asked, asked_server
from tests.faces.cli.conftest import Cli


@pytest.fixture
async def shop(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    async with asked_server(cli, monkeypatch) as asked:
        yield asked


async def completed(shop: Asked, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """What bash is offered for the last word."""
    monkeypatch.setenv("_LANEWAY_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(["laneway", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    found = await shop.run()
    assert found.code == 0, found
    return found.out.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["hist"], ["history"]),
        (["lane", "dis"], ["disable"]),
        (["history", "--rev"], ["--revision"]),
        (["get", "lane"], ["lanegroups", "lanes"]),
        (["get", "lanes", ""], ["s1", "z"]),
        (["get", "lanes", "s1", "z"], ["z"]),
        (["describe", "lane/s"], ["lane/s1"]),
        (["promote", ""], ["s1", "z"]),
        (["lane", "delete", "s"], ["s1"]),
        (["restart", "cart-"], ["cart-s1", "cart-z"]),
        (["lane", "create", "x", "--group", ""], ["shop"]),
        (["get", "nothing", ""], []),
    ],
)
async def test_words_are_completed(
    shop: Asked, monkeypatch: pytest.MonkeyPatch, words: list[str], offered: list[str]
) -> None:
    assert await completed(shop, monkeypatch, *words) == offered


async def test_without_a_server_there_are_no_names(
    shop: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANEWAY_DATA_DIR", "/nowhere")
    assert await completed(shop, monkeypatch, "promote", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_one_that_it_reads(cli: Cli, shell: str) -> None:
    found = cli("completion", shell)
    assert (found.code, found.err) == (0, "")
    assert f"_LANEWAY_COMPLETE=complete_{shell}" in found.out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=found.out, text=True, check=True)
