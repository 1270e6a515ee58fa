"""``laneway-operator --console``: where it listens, and what it needs for that."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import aiohttp
import pytest
import structlog
import typer
import yaml
from tests.adapters.kube.api_servers import serving
from tests.faces.operator.certificate_authorities import authority
from tests.faces.operator.processes import operating
from tests.wiring.aggregating_clusters import AggregatingCluster, aggregating, authorities
from typer.testing import CliRunner

from laneway.faces.operator.app import app
from laneway.faces.operator.console import console_address, console_names


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", None),
        ("127.0.0.1:7480", ("127.0.0.1", 7480)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:7480", ("::1", 7480)),
    ],
)
def test_on_loopback_it_needs_no_certificate(text: str, address: tuple[str, int] | None) -> None:
    assert console_address(text, None) == address


@pytest.mark.parametrize("text", ["0.0.0.0:7480", "[::]:7480", "10.0.0.1:80", "console:80"])
def test_beyond_loopback_it_needs_one(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="--console-certificates"):
        console_address(text, None)
    assert console_address(text, Path("/etc/laneway/console")) is not None


@pytest.mark.parametrize("text", ["7480", "127.0.0.1", "127.0.0.1:x", "::1:80", "h:65536", ":80"])
def test_an_address_has_a_host_and_a_port(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="no HOST:PORT, such as"):
        console_address(text, None)


def test_names_are_host_names() -> None:
    assert console_names(["lanes.example.com", "10.0.0.1"]) == ("lanes.example.com", "10.0.0.1")
    for wrong in ("https://lanes.example.com", "lanes.example.com:443", "*", "", "a b"):
        with pytest.raises(typer.BadParameter, match="no host name"):
            console_names([wrong])


async def said(process: asyncio.subprocess.Process, text: str) -> dict[str, str]:
    """The line of the log that has this text."""
    assert process.stderr is not None
    while text not in (line := (await process.stderr.readline()).decode()):
        assert line, "the operator ended"
    found: dict[str, str] = json.loads(line)
    return found


@pytest.mark.slow
async def test_the_operator_serves_the_console_and_keeps_its_token(tmp_path: Path) -> None:
    structlog.reset_defaults()
    issuer = authority(tmp_path / "issuer")
    folder = tmp_path / "tls"
    issuer.issue(folder)
    options = (
        *("--console", "0.0.0.0:0", "--console-certificates", str(folder)),
        *("--console-name", "lanes.example.com"),
    )
    async with (
        aggregating(tmp_path, authorities(tmp_path)) as cluster,
        operating(cluster.kubeconfig("operator"), *options) as process,
    ):
        url = (await said(process, "serving the console"))["at"].replace("0.0.0.0", "127.0.0.1")
        identity = url.replace("/console/", "/apis/api.laneway.dev/v1alpha1/identity")
        connector = aiohttp.TCPConnector(ssl=issuer.trusting())
        async with aiohttp.ClientSession(connector=connector) as session:

            async def status(address: str, **headers: str) -> int:
                async with session.get(address, headers=headers) as answer:
                    return answer.status

            assert url.startswith("https://")
            assert await status(url, Host="lanes.example.com") in (200, 404)  # 404: not built
            assert await status(url, Host="evil.example.com") == 403
            assert await status(identity) == 401
            assert await status(identity, Authorization="Bearer jane") == 200
        assert of_console(cluster) == {"Bearer jane"}
        process.send_signal(signal.SIGTERM)
        _, rest = await process.communicate()
        assert process.returncode == 0, rest.decode()


def of_console(cluster: AggregatingCluster) -> set[str]:
    return {
        each.headers["Authorization"]
        for each in cluster.asked
        if each.headers.get("User-Agent") == "laneway-console"
    }


@pytest.mark.slow
async def test_an_api_server_without_tls_gets_no_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving() as api:
        server = str(api.url).rstrip("/")
        config = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u"}],
        }
        path = tmp_path / "config"
        path.write_text(yaml.safe_dump(config))
        monkeypatch.setenv("KUBECONFIG", str(path))
        result = await asyncio.to_thread(
            CliRunner().invoke, app, ["--port", "0", "--console", "127.0.0.1:0"]
        )
    assert (result.exit_code, "has no TLS" in result.output) == (2, True), result.output
    structlog.reset_defaults()
