"""What the READMEs show is what laneway reads and has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import Cli

ROOT = Path(__file__).parents[3]
READMES = ["README.md", "README.zh-CN.md"]
#: What the READMEs say is read as it is, and leave out.
BESIDE = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ingressgateway, namespace: istio-system}
spec:
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]
""" + "".join(
    f"""---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 8000}}]}}
"""
    for name in ("web", "cart", "stock")
)


@pytest.mark.parametrize("readme", READMES)
def test_the_example_means_what_the_text_says(readme: str, cli: Cli, tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL)
    file = tmp_path / "shop.yaml"
    file.write_text(f"{example}---\n{BESIDE}")
    assert cli("validate", "-f", file).code == 0
    told = cli("explain", "-f", file, "--path", "/", "-H", "x-lane: fix-123")
    assert "lane fix-123 has no default/web" in told.out
    assert "lane base has no ready instance of default/web" in told.out


@pytest.mark.parametrize("readme", READMES)
def test_the_commands_are_there(readme: str, cli: Cli) -> None:
    commands = set(re.findall(r"`laneway ([a-z]+)", (ROOT / readme).read_text()))
    assert len(commands) >= 6
    for command in commands:
        assert cli(command, "--help").code == 0
