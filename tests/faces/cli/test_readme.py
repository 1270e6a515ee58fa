"""What the READMEs show is what laneway reads and has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from .conftest import Cli

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
READMES = ["README.md", "README.zh-CN.md"]
SHOP = ROOT / "examples" / "shop"


@pytest.mark.parametrize("readme", READMES)
def test_the_example_is_the_one_in_the_folder(readme: str) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL)
    shown = list(yaml.safe_load_all(example))
    assert shown == list(yaml.safe_load_all((SHOP / "lanes.yaml").read_text()))


def test_the_example_means_what_the_text_says(cli: Cli) -> None:
    assert cli("validate", "-f", SHOP).code == 0
    told = cli("explain", "-f", SHOP, "-H", "x-lane: fix-123", "--calls", "web=cart")
    assert "lane fix-123 has no default/web" in told.out
    assert "cart-fix-123" in told.out


@pytest.mark.parametrize("readme", READMES)
def test_the_commands_are_there(readme: str, cli: Cli) -> None:
    commands = set(re.findall(r"`laneway ([a-z]+)", (ROOT / readme).read_text()))
    assert len(commands) >= 6
    for command in commands:
        assert cli(command, "--help").code == 0
