"""Requests with callers' tokens carry nothing that identifies the operator."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from tests.faces.operator.certificate_authorities import Authority, authority

from laneway.adapters.kube.callers_client import CallersClient
from laneway.adapters.kube.credentials import Credentials, in_cluster, read
from laneway.adapters.kube.errors import NoCredentials
from laneway.apiserver.callers_api import ApiUnreachable


class Cluster:
    """An API server that lets clients identify themselves by certificate, as Kubernetes' does."""

    def __init__(self, own: Authority) -> None:
        self.own = own
        self.asked: list[web.Request] = []
        self.certificates: list[object] = []
        self.slow = asyncio.Event()
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        assert request.transport is not None
        self.certificates.append(request.transport.get_extra_info("peercert"))
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        if request.path == "/slow":
            await self.slow.wait()
        answer = web.json_response({"user": "?"}, headers={"Set-Cookie": "session=1; Path=/"})
        answer.headers.add("Warning", '299 - "one"')
        answer.headers.add("Warning", '299 - "two"')
        return answer

    def credentials(self, folder: Path) -> Credentials:
        """Of a kubeconfig with a client certificate and a token."""

        def data(path: Path) -> str:
            return base64.b64encode(path.read_bytes()).decode()

        user = {
            "client-certificate-data": data(self.own.folder / "operator/tls.crt"),
            "client-key-data": data(self.own.folder / "operator/tls.key"),
            "token": "operators",
        }
        trusted = data(self.own.certificate)
        config = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [
                {
                    "name": "c",
                    "cluster": {"server": self.url, "certificate-authority-data": trusted},
                }
            ],
            "users": [{"name": "u", "user": user}],
        }
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return read(path)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = authority(tmp_path_factory.mktemp("authorities") / "own")
    made.issue(made.folder / "server")
    made.issue(made.folder / "operator", name="operator", usage="clientAuth")
    return made


@pytest.fixture
async def cluster(own: Authority) -> AsyncIterator[Cluster]:
    found = Cluster(own)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(own.certificate))
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_cert_chain(own.folder / "server/tls.crt", own.folder / "server/tls.key")
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    assert site._server is not None
    found.url = f"https://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    try:
        yield found
    finally:
        found.slow.set()
        await runner.cleanup()


async def answer(api: CallersClient, token: str, target: str = "/x", **more: object) -> bytes:
    async with api.send(token, "POST", target, **more) as found:  # type: ignore[arg-type]
        return b"".join([chunk async for chunk in found.chunks])


async def test_the_callers_token_is_all_that_identifies_anybody(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with CallersClient(cluster.credentials(tmp_path)) as api:
        kind = "application/json"
        assert await answer(api, "jills", body=b"{}", content_type=kind) == b'{"user": "?"}'
        await answer(api, "joes")
    assert cluster.certificates == [None, None]
    first, second = cluster.asked
    assert dict(first.headers) == {
        "Host": first.host,
        "User-Agent": "laneway-console",
        "Authorization": "Bearer jills",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "Content-Length": "2",
    }
    assert second.headers["Authorization"] == "Bearer joes"
    assert "Cookie" not in second.headers, "the answer to one caller set one"


async def test_the_operators_own_connections_do_show_its_certificate(
    cluster: Cluster, tmp_path: Path
) -> None:
    found = cluster.credentials(tmp_path)
    assert (found.token(), found.tls is not found.unidentified) == ("operators", True)
    shown = Credentials(found.server, found.tls, found.token, found.tls)
    async with CallersClient(shown) as api:
        await answer(api, "jills")
    assert cluster.certificates != [None], "or the test above could not fail"


async def test_redirects_are_not_followed(cluster: Cluster, tmp_path: Path) -> None:
    async with (
        CallersClient(cluster.credentials(tmp_path)) as api,
        api.send("jills", "GET", "/moved") as found,
    ):
        assert found.status == 302
    assert [each.path for each in cluster.asked] == ["/moved"]


async def test_targets_are_sent_as_they_are(cluster: Cluster, tmp_path: Path) -> None:
    async with CallersClient(cluster.credentials(tmp_path)) as api:
        await answer(api, "jills", "/x?continue=a%2Fb%3D")
    assert cluster.asked[0].raw_path == "/x?continue=a%2Fb%3D"


async def test_headers_that_come_twice_are_joined(cluster: Cluster, tmp_path: Path) -> None:
    async with (
        CallersClient(cluster.credentials(tmp_path)) as api,
        api.send("jills", "GET", "/x") as found,
    ):
        assert found.headers["warning"] == '299 - "one", 299 - "two"'


async def test_an_api_server_that_is_away_is_unreachable(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = cluster.credentials(tmp_path)
    async with CallersClient(found, patience=0.2) as api:
        with pytest.raises(ApiUnreachable, match="in time"):
            await answer(api, "jills", "/slow")
    gone = Credentials("https://127.0.0.1:1", found.tls, found.token, found.unidentified)
    async with CallersClient(gone) as api:
        with pytest.raises(ApiUnreachable) as refused:
            await answer(api, "jills", "/x")
    assert "127.0.0.1" not in str(refused.value)


async def test_a_server_that_proves_nothing_gets_no_token(cluster: Cluster) -> None:
    # Without the authority: never the operator's own TLS instead.
    async with CallersClient(Credentials(cluster.url, cluster.own.trusting())) as api:
        with pytest.raises(ApiUnreachable):
            await answer(api, "jills")
    assert cluster.asked == []


def test_an_api_server_without_tls_is_refused() -> None:
    with pytest.raises(NoCredentials, match=r"http://127\.0\.0\.1:8001 has no TLS"):
        CallersClient(Credentials("http://127.0.0.1:8001"))


def test_a_pod_trusts_its_authority_for_callers(own: Authority, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("operators")
    (tmp_path / "ca.crt").write_bytes(own.certificate.read_bytes())
    found = in_cluster({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, tmp_path)
    assert found.unidentified is not None
    assert found.unidentified is not found.tls
    assert len(found.unidentified.get_ca_certs()) == 1
