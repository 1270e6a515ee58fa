"""``laneway-operator`` as a process: bad settings are said in a line, SIGTERM ends it well."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
import yaml
from tests.adapters.kube.api_servers import serving
from typer.testing import CliRunner

from laneway.faces.operator.app import app


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """The runner's standard error is closed after each command: nobody may log to it later."""
    yield
    structlog.reset_defaults()


def test_without_an_api_server_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["--port", "0"])
    assert result.exit_code == 2
    assert "set KUBECONFIG" in result.output


def test_an_unknown_log_level_is_refused() -> None:
    result = CliRunner().invoke(app, ["--log-level", "loud"])
    assert result.exit_code == 2
    assert "choose one of debug, info, warning, error" in " ".join(result.output.split())


async def test_sigterm_gives_the_lease_back(tmp_path: Path) -> None:
    async with serving() as api:
        config = {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": str(api.url).rstrip("/")}}],
            "users": [{"name": "u"}],
        }
        path = tmp_path / "config"
        path.write_text(yaml.safe_dump(config))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from laneway.faces.operator import main; main()"),
            *("--port", "0"),
            env={"KUBECONFIG": str(path), "POD_NAME": "one"},
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(30):
                while not list(api.of("leases")):  # noqa: ASYNC110 - another process's doing
                    await asyncio.sleep(0.02)
                process.send_signal(signal.SIGTERM)
                _, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, said.decode()
        (lease,) = api.of("leases")
        assert lease["spec"]["holderIdentity"] == ""
