"""Only the API server's front proxy, with its certificate, can say who sends a request."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from tests.faces.operator.certificate_authorities import Authority, authority

from laneway.adapters.http.front_proxies import (
    CurrentContext,
    FrontProxyAuthentication,
    front_proxy_context,
)
from laneway.adapters.http.server import ApiServer, TcpEndpoint
from laneway.apiserver.front_proxy import FrontProxy

JANE = {"x-remote-user": "jane", "x-remote-group": "dev"}


async def whoami(request: Request) -> JSONResponse:
    user = request.state.identity
    return JSONResponse([user.name, *user.groups])


@dataclass
class Front:
    """A server that believes one authority's ``front-proxy-client``; ``now`` is its clock."""

    folder: Path
    own: Authority
    proxies: Authority
    proxy: FrontProxy
    context: CurrentContext
    server: ApiServer | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def trust(self, proxies: Authority) -> None:
        self.proxy = trusted(proxies)
        self.context.current = self.made()

    def made(self) -> ssl.SSLContext:
        return front_proxy_context(pair(self.folder), self.proxy)

    @asynccontextmanager
    async def client(self, certificate: Path | None) -> AsyncIterator[httpx.AsyncClient]:
        assert self.server is not None
        context = self.own.trusting()
        if certificate is not None:
            context.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
        url = f"https://127.0.0.1:{self.server.port}"
        async with httpx.AsyncClient(base_url=url, verify=context, timeout=30) as client:
            yield client

    async def asked(self, certificate: Path | None) -> httpx.Response:
        async with self.client(certificate) as client:
            return await client.get("/", headers=JANE)


def pair(folder: Path) -> bytes:
    return (folder / "tls.crt").read_bytes() + (folder / "tls.key").read_bytes()


def trusted(proxies: Authority) -> FrontProxy:
    return FrontProxy(
        proxies.certificate.read_text(),
        frozenset({"front-proxy-client"}),
        ("x-remote-user",),
        group_headers=("x-remote-group",),
    )


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Authority, Authority]:
    """Of the server, of front proxies, and a stranger, who calls his certificate the same."""
    folder = tmp_path_factory.mktemp("authorities")
    made = [authority(folder / name) for name in ("own", "proxies", "stranger")]
    for each in made[1:]:
        each.issue(each.folder / "proxy", name="front-proxy-client", usage="clientAuth")
    return made[0], made[1], made[2]


@pytest.fixture
async def front(
    authorities: tuple[Authority, Authority, Authority], tmp_path: Path
) -> AsyncIterator[Front]:
    own, proxies, _ = authorities
    own.issue(tmp_path)
    proxy = trusted(proxies)
    made = front_proxy_context(pair(tmp_path), proxy)
    found = Front(tmp_path, own, proxies, proxy, CurrentContext(made))
    app = FrontProxyAuthentication(
        Starlette(routes=[Route("/", whoami)]), lambda: found.proxy, lambda: found.now
    )
    async with ApiServer(app, None, TcpEndpoint("127.0.0.1", 0, found.context)) as server:
        found.server = server
        yield found


async def test_the_proxy_says_who_asks(front: Front) -> None:
    answer = await front.asked(front.proxies.folder / "proxy")
    assert (answer.status_code, answer.json()) == (200, ["jane", "dev"])


async def test_without_a_certificate_no_header_is_believed(front: Front) -> None:
    answer = await front.asked(None)
    assert answer.status_code == 401
    assert answer.json()["reason"] == "Unauthorized"


async def test_a_strangers_certificate_ends_the_connection(
    front: Front, authorities: tuple[Authority, Authority, Authority]
) -> None:
    with pytest.raises(httpx.TransportError):
        await front.asked(authorities[2].folder / "proxy")


async def test_a_certificate_for_servers_is_none_of_a_client(front: Front, tmp_path: Path) -> None:
    front.proxies.issue(tmp_path / "server", name="front-proxy-client", usage="serverAuth")
    with pytest.raises(httpx.TransportError):
        await front.asked(tmp_path / "server")


async def test_other_clients_of_the_same_authority_are_refused(
    front: Front, tmp_path: Path
) -> None:
    front.proxies.issue(tmp_path / "other", name="jane", usage="clientAuth")
    answer = await front.asked(tmp_path / "other")
    assert answer.status_code == 401
    assert "not that of the API server's front proxy" in answer.json()["message"]


async def test_the_proxy_must_name_a_user(front: Front) -> None:
    async with front.client(front.proxies.folder / "proxy") as client:
        answer = await client.get("/", headers={"x-remote-group": "system:masters"})
    assert answer.status_code == 401


async def test_a_certificate_that_expires_on_a_standing_connection_is_refused(
    front: Front,
) -> None:
    async with front.client(front.proxies.folder / "proxy") as client:
        assert (await client.get("/", headers=JANE)).status_code == 200
        front.now += timedelta(days=3)
        answer = await client.get("/", headers=JANE)
        assert answer.status_code == 401
        assert "expired" in answer.json()["message"]


async def test_an_authority_that_is_replaced_is_believed_no_longer(
    front: Front, authorities: tuple[Authority, Authority, Authority]
) -> None:
    old, new = front.proxies.folder / "proxy", authorities[2].folder / "proxy"
    async with front.client(old) as client:
        assert (await client.get("/", headers=JANE)).status_code == 200
        front.trust(authorities[2])
        assert front.server is not None
        front.server.close_connections()
        with pytest.raises(httpx.TransportError):
            await client.get("/", headers=JANE)
    assert (await front.asked(new)).status_code == 200
