"""Only the user of this machine, and clients with a token, are served; web pages are not."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.adapters.http.servers import LANES, NOW, lane, now, running

from laneway.adapters.http import bodies, connections
from laneway.adapters.http.certificates import server_context
from laneway.adapters.http.server import ApiServer, ServerUnusable, TcpEndpoint, tcp_socket
from laneway.apiserver.tokens import Token, minted

JSON = {"content-type": "application/json"}


def token(name: str, scope: str, life: timedelta = timedelta(days=1)) -> tuple[Token, str]:
    return minted(name, [scope], os.urandom(37), NOW, life)


@asynccontextmanager
async def tls_server(
    folder: Path, *tokens: Token
) -> AsyncIterator[tuple[httpx.AsyncClient, ApiServer, Path]]:
    endpoint = TcpEndpoint("127.0.0.1", 0, server_context(folder, (), now()))
    by_id = {each.id: each for each in tokens}
    trusted = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    async with running(tokens=by_id, tcp=endpoint) as (server, path):
        base = f"https://127.0.0.1:{server.port}"
        async with httpx.AsyncClient(base_url=base, verify=trusted, timeout=30) as client:
            yield client, server, path


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


async def test_without_a_token_nothing_is_answered(tmp_path: Path) -> None:
    async with tls_server(tmp_path) as (client, _, _):
        for path in ("/version", "/apis", "/openapi/v3", LANES, "/nowhere"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_is_needed_that_is_valid(tmp_path: Path) -> None:
    good, text = token("ci", "view")
    old, expired = token("old", "view", timedelta(seconds=1))
    old = Token(old.id, old.digest, old.name, old.scopes, old.created, NOW)
    async with tls_server(tmp_path, good, old) as (client, _, _):
        assert (await client.get(LANES, headers=bearer(text))).status_code == 200
        for wrong in (expired, text[:-1], text + "x", "lw_", "x" * 10_000, f"{text} {text}"):
            answer = await client.get(LANES, headers=bearer(wrong))
            assert answer.status_code == 401, wrong
        basic = await client.get(LANES, headers={"authorization": f"Basic {text}"})
        assert basic.status_code == 401
        in_query = await client.get(LANES, params={"token": text})
        assert in_query.status_code == 401


async def test_a_token_allows_what_its_scope_says(tmp_path: Path) -> None:
    viewer, view = token("viewer", "view")
    editor, edit = token("editor", "edit:shop")
    async with tls_server(tmp_path, viewer, editor) as (client, _, _):
        refused = await client.post(LANES, json=lane("s1"), headers=bearer(view))
        assert refused.status_code == 403
        assert "viewer may not change it (scopes: view)" in refused.json()["message"]
        made = await client.post(LANES, json=lane("s1"), headers=bearer(edit))
        assert made.status_code == 201
        other = await client.post(LANES, json=lane("s2", group="bank"), headers=bearer(edit))
        assert other.status_code == 403
        assert (await client.delete(f"{LANES}/s1", headers=bearer(view))).status_code == 403
        moved = {**lane("s1", group="bank"), "metadata": made.json()["metadata"]}
        refused = await client.put(f"{LANES}/s1", json=moved, headers=bearer(edit))
        assert refused.status_code == 403


async def test_plain_http_is_not_answered(tmp_path: Path) -> None:
    viewer, view = token("viewer", "view")
    async with (
        tls_server(tmp_path, viewer) as (_, server, _),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as plain,
    ):
        with pytest.raises(httpx.TransportError):
            await plain.get(LANES, headers=bearer(view))


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:443"},
        {"host": ""},
        {"host": "127.0.0.1.evil.example"},
        {"host": "user@127.0.0.1"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_web_pages_of_others_are_refused_with_a_valid_token(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    admin, text = token("admin", "admin")
    async with tls_server(tmp_path, admin) as (client, _, _):
        answer = await client.get(LANES, headers={**bearer(text), **headers})
        assert answer.status_code == 403


async def test_cookies_are_no_proof(tmp_path: Path) -> None:
    admin, text = token("admin", "admin")
    async with tls_server(tmp_path, admin) as (client, _, _):
        cookies = {"cookie": f"token={text}; authorization=Bearer {text}"}
        assert (await client.get(LANES, headers=cookies)).status_code == 401


async def test_an_own_page_is_answered(tmp_path: Path) -> None:
    admin, text = token("admin", "admin")
    async with tls_server(tmp_path, admin) as (client, server, _):
        own = {"origin": f"https://127.0.0.1:{server.port}", "sec-fetch-site": "same-origin"}
        answer = await client.get(LANES, headers={**bearer(text), **own})
        assert answer.status_code == 200


async def test_the_unix_socket_is_the_users_own(tmp_path: Path) -> None:
    async with tls_server(tmp_path) as (_, _, path):
        assert path.stat().st_mode & 0o777 == 0o600
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        async with httpx.AsyncClient(transport=transport, base_url="http://laneway") as client:
            answer = await client.post(LANES, json=lane("s1"))
            assert answer.status_code == 201


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_another_user_is_not_answered_even_with_the_socket(tmp_path: Path) -> None:
    """As if the folder and the socket had been opened up to all."""
    script = (
        "import os, socket, sys; s = socket.socket(socket.AF_UNIX); os.setuid(65534)\n"
        "s.connect(f'/proc/self/fd/{sys.argv[1]}/api.sock')\n"
        "try:\n"
        f"  s.sendall(b'GET {LANES} HTTP/1.1\\r\\nhost: laneway\\r\\n\\r\\n')\n"
        "  print(len(s.recv(1000)))\n"
        "except ConnectionError: print(0)"
    )
    async with running() as (_, path):
        path.chmod(0o666)
        path.parent.chmod(0o755)
        folder = os.open(path.parent, os.O_PATH)
        try:
            done = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-c", script, str(folder)],
                pass_fds=[folder],
                capture_output=True,
                text=True,
            )
        finally:
            os.close(folder)
    assert (done.stdout.strip(), done.stderr) == ("0", "")


async def test_a_socket_in_a_folder_of_others_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(ServerUnusable, match="can be written by other users"):
        async with ApiServer(lambda *_: None, tmp_path / "api.sock"):  # type: ignore[arg-type]
            pass


async def test_a_port_that_is_taken_is_said_to_be(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        endpoint = TcpEndpoint("127.0.0.1", port, server_context(tmp_path, (), now()))
        with pytest.raises(ServerUnusable, match=f"cannot listen on 127.0.0.1:{port}"):
            async with running(tcp=endpoint):
                pass


async def test_slow_headers_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PATIENCE", 0.2)
    async with running() as (_, path):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"GET / HTTP/1.1\r\nhost: ")
        async with asyncio.timeout(30):
            assert await reader.read() == b""
        writer.close()


async def test_slow_bodies_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 0.2)
    async with running() as (_, path):
        reader, writer = await asyncio.open_unix_connection(str(path))
        head = f"POST {LANES} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: 100\r\n\r\n{{".encode())
        async with asyncio.timeout(30):
            assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_a_request_that_takes_long_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PATIENCE", 0.2)
    async with running() as (_, path):
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        async with httpx.AsyncClient(transport=transport, base_url="http://laneway") as client:
            query = {"watch": "1", "timeoutSeconds": "1"}
            assert (await client.get(LANES, params=query)).status_code == 200


async def test_the_authority_stays_and_the_certificate_is_made_anew(tmp_path: Path) -> None:
    server_context(tmp_path, (), now())
    ca, pair = (tmp_path / "ca.crt").read_bytes(), (tmp_path / "server.pem").read_bytes()
    server_context(tmp_path, (), now())
    assert (tmp_path / "ca.crt").read_bytes() == ca
    assert (tmp_path / "server.pem").read_bytes() != pair
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("ca.crt", "ca.key", "server.pem"), 0o600)


def test_answers_do_not_wait_for_the_acknowledgement_of_their_first_piece() -> None:
    with tcp_socket("127.0.0.1", 0) as listening, socket.socket() as client:
        client.connect(listening.getsockname())
        connection, _ = listening.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
