"""``laneway init`` writes valid files for any input."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from laneway.adapters.files import read

from .conftest import Cli

SERVICES = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {run: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: stock, namespace: back}
spec: {selector: {app: stock}, ports: [{port: 8080}]}
"""


def documents(path: Path, kind: str) -> list[dict[str, object]]:
    return [each for each in yaml.safe_load_all(path.read_text()) if each["kind"] == kind]


def test_told_nothing_it_writes_an_example_that_is_valid(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "laneway.yaml"
    result = cli("init", "-o", path)
    assert (result.code, f"laneway up -f {path}" in result.out) == (0, True)
    mesh = read([str(path)]).mesh
    assert [lane.name for lane in mesh.lanes] == ["base", "fix-123"]
    assert [str(service.name) for service in mesh.services] == ["default/web", "default/cart"]


def test_commands_and_addresses_are_those_that_it_is_told(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    words = ("web=node 'my web.js' --port $(PORT)", "cart=127.0.0.1:9000", "cart@new=true 1 yes")
    options = [word for service in words for word in ("--service", service)]
    assert cli("init", "-o", path, "--port", 18080, "--call-urls", *options).code == 0
    mesh = read([str(path)]).mesh
    assert [c.variable for c in mesh.workloads[0].call_urls] == ["CART_URL"]
    runs = {str(each.name): (each.command, each.address) for each in mesh.workloads}
    assert runs == {
        "default/web-base": (("node", "my web.js", "--port", "$(PORT)"), None),
        "default/cart-base": ((), "127.0.0.1:9000"),
        "default/cart-new": (("true", "1", "yes"), None),
    }
    assert mesh.gateways[0].servers[0].listen == 18080


def test_declared_services_are_taken_over(cli: Cli, tmp_path: Path) -> None:
    services, path = tmp_path / "services.yaml", tmp_path / "laneway.yaml"
    services.write_text(SERVICES)
    options = ("--service", "web=node web.js", "--service", "back/stock@new=node new.js")
    result = cli("init", "-f", services, "-o", path, *options)
    assert f"-f {path} -f {services}" in result.out
    reading = read([str(path), str(services)])
    assert reading.findings == ()
    labels = [dict(each.labels) for each in reading.mesh.workloads]
    assert labels == [
        {"run": "web", "lane": "base"},
        {"app": "stock", "lane": "base"},
        {"app": "stock", "lane": "new"},
    ]


def test_a_file_is_not_replaced_unless_asked(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "laneway.yaml"
    path.write_text("mine")
    assert "exists" in cli("init", "-o", path).err
    assert path.read_text() == "mine"
    assert cli("init", "-o", path, "--force").code == 0


WRONG = {
    "Web=node": "`Web` in `Web=node` is no name",
    "web@Fix=node": "`Fix` in `web@Fix=node` is no name",
    "web=": "the command in `web=` is empty",
    "web='": "No closing quotation",
    "web@fix=node": "web has no version in the baseline",
}


@pytest.mark.parametrize("word", WRONG)
def test_a_wrong_service_is_told(cli: Cli, tmp_path: Path, word: str) -> None:
    result = cli("init", "-o", tmp_path / "a.yaml", "--service", word)
    assert (result.code, WRONG[word] in result.message) == (2, True), result.message
    assert not (tmp_path / "a.yaml").exists()


def test_an_invalid_header_is_told_and_nothing_is_written(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", "-o", tmp_path / "a.yaml", "--trace-header", "x y")
    assert result.code == 1
    assert "spec.traceHeader" in result.err
    assert not (tmp_path / "a.yaml").exists()
