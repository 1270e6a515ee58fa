"""The console's files and endpoints: what a browser gets before and after it has signed in."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from tests.adapters.http.servers import LANES, NOW, lane, service

from laneway.adapters.files.yamls import one_document
from laneway.adapters.http.application import application
from laneway.adapters.http.authentication import Authentication
from laneway.adapters.http.console_endpoints import ConsoleEndpoints
from laneway.adapters.http.console_files import ConsoleFiles
from laneway.adapters.http.objects import ObjectEndpoints
from laneway.adapters.http.server import ApiServer, ServerUnusable, TcpEndpoint
from laneway.adapters.http.watches import Watches
from laneway.adapters.store.memory import MemoryStore
from laneway.apiserver.resources import served
from laneway.apiserver.sign_in_codes import CODE_LIFE, SESSION_LIFE, SignInCodes
from laneway.apiserver.tokens import Token, minted

OWN = "/apis/api.laneway.dev/v1alpha1"
PLACE = '<meta name="laneway-place" content="__LANEWAY_PLACE__">'
PAGE = f'{PLACE}<meta property="csp-nonce" nonce="__CSP_NONCE__"><script nonce="__CSP_NONCE__">'


class Tokens:
    def __init__(self) -> None:
        self.by_id: dict[str, Token] = {}

    async def add(self, token: Token) -> None:
        self.by_id[token.id] = token

    async def remove(self, number: str) -> bool:
        return self.by_id.pop(number, None) is not None


@dataclass
class Served:
    client: httpx.AsyncClient
    admin: httpx.AsyncClient
    watches: Watches
    tokens: Tokens = field(default_factory=Tokens)
    later: timedelta = timedelta(0)

    async def code(self) -> str:
        answer = await self.admin.post(f"{OWN}/signinlinks", json={})
        assert answer.status_code == 201, answer.text
        url = answer.json()["status"]["url"]
        assert url.startswith("http://127.0.0.1:7480/console/#/sign-in/")
        return str(url.rpartition("/")[2])

    async def signed_in(self, scope: str) -> dict[str, str]:
        token, text = minted("jill", [scope], bytes(37), NOW, timedelta(days=1))
        await self.tokens.add(token)
        return {"authorization": f"Bearer {text}"}


@asynccontextmanager
async def console(folder: Path | None) -> AsyncIterator[Served]:
    """``client`` uses the port for browsers, and ``admin`` the Unix socket."""
    randoms = itertools.count(1)
    store = MemoryStore(lambda: NOW)
    watches = Watches(store)
    tokens = Tokens()

    def random(size: int) -> bytes:
        return next(randoms).to_bytes(size, "big")

    endpoints = ConsoleEndpoints(
        served(),
        watches,
        tokens,
        SignInCodes(),
        one_document,
        lambda: NOW + found.later,
        random,
        lambda: "http://127.0.0.1:7480/console/",
        lambda manifest: manifest["metadata"]["name"] == "filed",
    )
    objects = ObjectEndpoints(store, watches, lambda: NOW, lambda: "uid", one_document)
    more = [*ConsoleFiles(lambda: folder).routes, *endpoints.routes]
    app = application(served(), objects, "1.2.3", more)
    guarded = Authentication(app, tokens.by_id, "jack", (), lambda: NOW + found.later)
    with TemporaryDirectory(prefix="laneway-") as private:
        path = Path(private, "api.sock")
        plain = TcpEndpoint("127.0.0.1", 0, None)
        async with ApiServer(guarded, path, None, plain) as server:
            transport = httpx.AsyncHTTPTransport(uds=str(path))
            base = f"http://127.0.0.1:{server.console_port}"
            async with (
                httpx.AsyncClient(base_url=base, timeout=30) as client,
                httpx.AsyncClient(transport=transport, base_url="http://laneway") as admin,
            ):
                found = Served(client, admin, watches, tokens)
                try:
                    yield found
                finally:
                    watches.close()


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "assets/index-1a2b.js").write_text("console.log(1)")
    (tmp_path / "secret").write_text("secret")
    return folder


async def test_the_page_allows_nothing_but_its_own_files(built: Path) -> None:
    async with console(built) as found:
        answer = await found.client.get("/console/")
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        (nonce,) = re.findall(r"'nonce-([^']+)'", policy)
        shown = PAGE.replace("__LANEWAY_PLACE__", "machine")
        assert answer.text == shown.replace("__CSP_NONCE__", nonce)
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        assert "machine" in answer.text, "users sign in with laneway's own tokens"
        again = await found.client.get("/console/")
        assert nonce not in again.text, "a nonce is for one answer"


async def test_files_are_kept_by_browsers_and_compressed(built: Path) -> None:
    async with console(built) as found:
        answer = await found.client.get("/console/assets/index-1a2b.js")
        assert answer.text == "console.log(1)"
        assert answer.headers["content-encoding"] == "gzip"
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"].startswith("text/javascript")
        plain = await found.client.get(answer.url, headers={"accept-encoding": "identity"})
        assert (plain.text, "content-encoding" in plain.headers) == (answer.text, False)


@pytest.mark.parametrize(
    "path",
    [
        "/console/assets/none.js",
        "/console/assets/../index.html",
        "/console/assets/%2e%2e%2f%2e%2e%2fsecret",
        "/console/assets/..%2f..%2fsecret",
        "/console//etc/passwd",
    ],
)
async def test_nothing_else_is_there(built: Path, path: str) -> None:
    async with console(built) as found:
        answer = await found.client.get(path)
        assert answer.status_code == 404
        assert "secret" not in answer.text


async def test_a_console_that_was_not_built_says_how_to_build_it() -> None:
    async with console(None) as found:
        answer = await found.client.get("/console", follow_redirects=True)
        assert (answer.status_code, "make console" in answer.text) == (404, True)


async def test_only_the_files_are_public(built: Path) -> None:
    async with console(built) as found:
        for path in (LANES, f"{OWN}/identity", f"{OWN}/events", "/version", "/consolex"):
            assert (await found.client.get(path)).status_code == 401, path
        for method in ("POST", "PUT", "DELETE"):
            answer = await found.client.request(method, "/console/")
            assert answer.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "laneway.evil.example"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
    ],
)
async def test_other_web_sites_cannot_sign_in(built: Path, headers: dict[str, str]) -> None:
    async with console(built) as found:
        code = await found.code()
        answer = await found.client.post("/console/sign-in", json={"code": code}, headers=headers)
        assert answer.status_code == 403
        assert (await found.client.get("/console/", headers=headers)).status_code == 403
        answer = await found.client.post("/console/sign-in", json={"code": code})
        assert answer.status_code == 201, "the code was not used up"


async def test_a_link_to_the_console_may_stand_on_other_sites(built: Path) -> None:
    async with console(built) as found:
        clicked = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        assert (await found.client.get("/console/", headers=clicked)).status_code == 200
        token = await found.signed_in("admin")
        answer = await found.client.get(LANES, headers={**clicked, **token})
        assert answer.status_code == 403


async def test_a_link_signs_one_browser_in(built: Path) -> None:
    async with console(built) as found:
        code = await found.code()
        answer = await found.client.post("/console/sign-in", json={"code": code})
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        token = {"authorization": f"Bearer {answer.json()['token']}"}
        who = await found.client.get(f"{OWN}/identity", headers=token)
        assert who.json()["status"] == {"name": "console", "scopes": ["admin"]}
        again = await found.client.post("/console/sign-in", json={"code": code})
        assert again.status_code == 401
        assert "laneway console" in again.json()["message"]
        found.later = SESSION_LIFE
        assert (await found.client.get(f"{OWN}/identity", headers=token)).status_code == 401


async def test_a_link_is_good_for_minutes(built: Path) -> None:
    async with console(built) as found:
        code = await found.code()
        found.later = CODE_LIFE
        answer = await found.client.post("/console/sign-in", json={"code": code})
        assert answer.status_code == 401


@pytest.mark.parametrize("sent", [{}, [], {"code": None}, {"code": ""}, {"code": "x" * 9999}, "x"])
async def test_what_is_no_code_signs_nobody_in(built: Path, sent: Any) -> None:
    async with console(built) as found:
        await found.code()
        answer = await found.client.post("/console/sign-in", json=sent)
        assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")
        assert not found.tokens.by_id


async def test_links_are_for_admins(built: Path) -> None:
    async with console(built) as found:
        for scope in ("view", "edit:shop"):
            token = await found.signed_in(scope)
            answer = await found.client.post(f"{OWN}/signinlinks", json={}, headers=token)
            assert answer.status_code == 403


def events(text: str) -> list[dict[str, Any]]:
    blocks = text.strip().split("\n\n")
    return [json.loads(line[6:]) for b in blocks for line in b.splitlines() if line[:5] == "data:"]


async def test_one_stream_tells_of_objects_of_all_kinds(built: Path) -> None:
    async with console(built) as found:
        headers = {**await found.signed_in("view"), "accept": "text/event-stream"}
        for name in ("s2", "s1"):
            await found.admin.post(f"{LANES}?fieldManager=jack", json=lane(name))
        query = {"resource": ["lanes.laneway.dev", "services"]}
        async with found.client.stream(
            "GET", f"{OWN}/events", params=query, headers=headers
        ) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            services = "/api/v1/namespaces/default/services"
            await found.admin.post(services, json=service("mocka", 80))
            await found.admin.delete(f"{LANES}/s2")
            text = ""
            async with asyncio.timeout(30):
                async for piece in stream.aiter_text():
                    text += piece
                    if text.count("\n\n") == 5:
                        break
        told = [(each["type"], each["object"]["metadata"].get("name")) for each in events(text)]
        assert told == [
            ("ADDED", "s2"),  # in the order of creation: the first is the baseline
            ("ADDED", "s1"),
            ("BOOKMARK", None),
            ("ADDED", "mocka"),
            ("DELETED", "s2"),
        ]
        assert "managedFields" not in text


async def test_it_tells_what_files_declare(built: Path) -> None:
    async with console(built) as found:
        headers = {**await found.signed_in("view"), "accept": "text/event-stream"}
        for name in ("filed", "s1"):
            await found.admin.post(f"{LANES}?fieldManager=jack", json=lane(name))
        query = {"resource": "lanes.laneway.dev"}
        text = ""
        async with found.client.stream(
            "GET", f"{OWN}/events", params=query, headers=headers
        ) as stream:
            async for piece in stream.aiter_text():
                text += piece
                if text.count("\n\n") == 3:
                    break
        assert [each["object"].get("declaredBy") for each in events(text)] == ["files", None, None]


async def test_a_stream_ends_with_its_token(built: Path) -> None:
    async with console(built) as found:
        headers = await found.signed_in("view")
        (number,) = found.tokens.by_id
        query = {"resource": "services"}
        async with found.client.stream(
            "GET", f"{OWN}/events", params=query, headers=headers
        ) as stream:
            pieces = stream.aiter_text()
            await anext(pieces)
            found.watches.end_token(number)
            async with asyncio.timeout(30):
                assert await anext(pieces, None) is None


@pytest.mark.parametrize("query", ["", "resource=pods", "resource=services&resource=tokens"])
async def test_a_stream_is_of_resources_that_there_are(built: Path, query: str) -> None:
    async with console(built) as found:
        headers = await found.signed_in("view")
        answer = await found.client.get(f"{OWN}/events?{query}", headers=headers)
        assert (answer.status_code, "lanes.laneway.dev" in answer.json()["message"]) == (400, True)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
async def test_without_tls_nothing_listens_beyond_loopback(host: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    with pytest.raises(ServerUnusable, match="loopback alone"):
        async with ApiServer(app, None, None, TcpEndpoint(host, 0, None)):
            pass


async def test_signing_out_revokes_the_token_and_ends_its_stream(built: Path) -> None:
    async with console(built) as served:
        answer = await served.client.post("/console/sign-in", json={"code": await served.code()})
        signed_in = {"authorization": f"Bearer {answer.json()['token']}"}
        another, text = minted("jill", ["view"], bytes([1] * 37), NOW, timedelta(days=1))
        await served.tokens.add(another)
        other = {"authorization": f"Bearer {text}"}
        url = f"{OWN}/events?resource=lanes.laneway.dev"
        async with served.client.stream("GET", url, headers=signed_in) as stream:
            pieces = stream.aiter_text()
            await anext(pieces)
            answer = await served.client.post("/console/sign-out", headers=signed_in)
            assert answer.status_code == 200
            async with asyncio.timeout(30):
                assert await anext(pieces, None) is None
        for headers, status in ((signed_in, 401), (other, 200)):
            answer = await served.client.get(f"{OWN}/identity", headers=headers)
            assert answer.status_code == status


async def test_nobody_signs_out_without_a_token(built: Path) -> None:
    async with console(built) as served:
        assert (await served.client.post("/console/sign-out")).status_code == 401
        assert (await served.admin.post("/console/sign-out")).status_code == 400
