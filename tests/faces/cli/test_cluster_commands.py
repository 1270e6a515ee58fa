"""The table of ``docs/reference/api.md`` that says which commands work in a cluster is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from tests.faces.cli.asked_servers import asked_cluster
from tests.faces.cli.conftest import Cli
from tests.wiring.api_servers import SHOP

API = Path(__file__).parents[3] / "docs/reference/api.md"
#: The words after a command. Those that need a terminal, or follow for ever, are left out.
WORDS = {
    "get": ["lanes"],
    "describe": ["lane", "s1"],
    "wait": ["lane/s1", "--timeout", "30"],
    "lane disable": ["s1"],
    "lane enable": ["s1"],
    "lane extend": ["s1", "--ttl", "3d"],
    "promote": ["s1"],
    "explain": [],
    "lane create": ["s3", "--service", "cart=true"],
    "history": [],
    "rollback": ["1"],
    "ps": [],
    "restart": ["cart-z"],
    "proxy-status": [],
    "verify": [],
    "top": [],
}


def documented() -> dict[str, bool]:
    """Command -> whether it works in a cluster."""
    table = API.read_text().split("| commands |")[1].split("\n\n")[0]
    rows = [line.strip("|").split(" | ") for line in table.splitlines()[2:]]
    return {
        command: not cells[-1].strip().startswith("no")
        for cells in rows
        for command in re.findall("`([^`]+)`", cells[0])
    }


async def test_commands_work_in_a_cluster_as_documented(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = documented()
    assert WORDS.keys() <= said.keys()
    async with asked_cluster(cli, monkeypatch) as asked:
        path = tmp_path / "objects.yaml"
        path.write_text(yaml.safe_dump_all(SHOP))
        assert (await asked.run("apply", "-f", path)).code == 0
        await asked.api.settle()
        for command, words in WORDS.items():
            found = await asked.run(*command.split(), *words)
            assert (found.code == 0) is said[command], (command, found)
            assert said[command] or "cluster" in found.message, (command, found)
