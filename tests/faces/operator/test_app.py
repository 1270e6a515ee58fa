"""``laneway-operator`` as a process: bad settings are said in a line, SIGTERM ends it well."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
import structlog
import yaml
from tests.adapters.kube.api_servers import ApiServer, serving
from tests.faces.operator.certificate_authorities import authority
from tests.faces.operator.processes import operating
from typer.testing import CliRunner

from laneway.faces.operator.app import app

pytestmark = pytest.mark.slow


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


def kubeconfig(api: ApiServer, folder: Path) -> Path:
    config = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": str(api.url).rstrip("/")}}],
        "users": [{"name": "u"}],
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(config))
    return path


async def test_sigterm_gives_the_lease_back(tmp_path: Path) -> None:
    async with serving() as api, operating(kubeconfig(api, tmp_path)) as process:
        while not list(api.of("leases")):  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
        (lease,) = api.of("leases")
        assert lease["spec"]["holderIdentity"] == ""


async def test_the_webhook_is_served_beside_the_rest_and_ends_with_it(tmp_path: Path) -> None:
    issuer = authority(tmp_path / "authority")
    options = ("--webhook", str(tmp_path / "tls"), "--webhook-port", "0")
    lane = {"apiVersion": "laneway.dev/v1alpha1", "kind": "Lane", "metadata": {"name": "x"}}
    request = {"uid": "1", "operation": "CREATE", "object": {**lane, "spec": {"grp": "g"}}}
    body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    async with serving() as api, operating(kubeconfig(api, tmp_path), *options) as process:
        assert process.stderr is not None
        # No certificate yet: the operator works all the same.
        while not list(api.of("leases")):  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.02)
        issuer.issue(tmp_path / "tls")
        said = b""
        while b"serving the webhook" not in said:
            said = await process.stderr.readline()
        port = json.loads(said)["port"]
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=issuer.trusting())) as session,
            session.post(f"https://127.0.0.1:{port}/validate", json=body) as response,
        ):
            answer = await response.json()
        assert "did you mean group?" in answer["response"]["status"]["message"]
        process.send_signal(signal.SIGTERM)
        _, rest = await process.communicate()
        assert process.returncode == 0, rest.decode()


async def test_the_api_waits_for_what_it_lacks_and_the_operator_does_not(tmp_path: Path) -> None:
    issuer = authority(tmp_path / "authority")
    async with (
        serving() as api,
        operating(kubeconfig(api, tmp_path), "--api", "--api-port", "0") as process,
    ):
        assert process.stderr is not None
        said = b""
        while b"the API lacks something" not in said:
            said = await process.stderr.readline()
        assert "extension-apiserver-authentication" in json.loads(said)["error"]
        while not list(api.of("leases")):  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.02)
        data = {
            "requestheader-client-ca-file": issuer.certificate.read_text(),
            "requestheader-username-headers": '["X-Remote-User"]',
        }
        metadata = {"name": "extension-apiserver-authentication", "namespace": "kube-system"}
        found = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        await api.write("configmaps", found)
        metadata = {"name": "v1alpha1.api.laneway.dev"}
        registered = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "spec": {}}
        await api.write("apiservices", {**registered, "metadata": metadata})
        while b"serving the API" not in said:
            said = await process.stderr.readline()
        (service,) = api.of("apiservices")
        bundle = base64.b64decode(service["spec"]["caBundle"]).decode()
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                f"https://127.0.0.1:{json.loads(said)['port']}/apis",
                ssl=ssl.create_default_context(cadata=bundle),
                server_hostname="laneway-api.laneway-system.svc",
            ) as response,
        ):
            assert response.status == 401
        process.send_signal(signal.SIGTERM)
        _, rest = await process.communicate()
        assert process.returncode == 0, rest.decode()
