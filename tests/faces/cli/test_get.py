"""``laneway get`` against an API in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.faces.cli.asked_servers import Asked, asked_server
from tests.faces.cli.conftest import Cli
from tests.faces.cli.conftest import cli as cli

from laneway.faces.cli.output_formats import print_rows


@pytest.fixture
async def asked(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    async with asked_server(cli, monkeypatch) as made:
        yield made


async def test_what_is_found_is_printed_although_something_else_is_not(asked: Asked) -> None:
    found = await asked.run("get", "lane/s1", "lane/nope", "-o", "name")
    assert found.code == 1
    assert found.out == "lane.laneway.dev/s1\n"
    assert 'lanes.laneway.dev "nope" not found' in found.message
    missing = await asked.run("get", "lane", "no", "nope")
    assert (missing.code, missing.out) == (1, "")
    assert missing.message.count("not found") == 2


async def test_events_are_listed_and_are_only_read(asked: Asked) -> None:
    await asked.api.settle()
    await asked.api.client.delete("/apis/laneway.dev/v1alpha1/lanes/z")
    await asked.api.settle()
    found = await asked.run("get", "events")
    assert found.code == 0, found
    assert "LaneGroup" in found.out
    named = await asked.run("get", "ev", "-o", "name")
    assert named.out.startswith("event/")
    assert "Event" not in (await asked.run("get", "all", "-o", "json")).out
    for words in (("delete", "events", "--all"), ("delete", "event", "x"), ("edit", "ev", "x")):
        refused = await asked.run(*words)
        assert (refused.code, "only read" in refused.message) == (2, True)


def test_a_row_of_a_table_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(["Name", "Message"], [["web", "no ready instance\nconnection refused"]])
    assert capsys.readouterr().out.splitlines()[1:] == [
        "web    no ready instance; connection refused"
    ]
