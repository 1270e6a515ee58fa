"""The mock application over real sockets: what it answers, passes on and survives."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from laneway.faces.mock.server import Server
from laneway.faces.mock.settings import Settings

Start = Callable[..., int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a mock with these variables on a free port; returns the port."""
    servers: list[tuple[Server, threading.Thread]] = []

    def start(**env: str) -> int:
        server = Server(Settings.of({"bind": "127.0.0.1:0", **env}))
        thread = threading.Thread(target=server.run)
        thread.start()
        servers.append((server, thread))
        return server.port

    yield start
    for server, thread in servers:
        server.stop()
        thread.join(10)
        assert not thread.is_alive()


def get(port: int, path: str = "/mock", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", path, headers=fields)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def exchange(port: int, request: bytes) -> bytes:
    """What comes back for raw bytes, until the server closes."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


class Recorder:
    """A raw upstream that keeps what it was sent and answers each connection from a script.

    An answer ``None`` closes the connection without one.
    """

    def __init__(self, *connections: list[bytes | None]) -> None:
        self.requests: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._run, args=(connections,))
        self.thread.start()

    def _run(self, connections: tuple[list[bytes | None], ...]) -> None:
        for script in connections:
            client, _ = self.listener.accept()
            with client:
                for answer in script:
                    self.requests.append(client.recv(65536))
                    if answer is not None:
                        client.sendall(answer)

    def close(self) -> None:
        self.thread.join(10)
        self.listener.close()
        assert not self.thread.is_alive()


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nup"


def test_answers_as_the_article_prints(start: Start) -> None:
    port = start(app="mocka", version="v2")
    assert get(port) == (200, "-> mocka(version: v2, ip: 127.0.0.1)")


def test_the_chain_answers_in_order_of_calls(start: Start) -> None:
    mockc = start(app="mockc", version="v3")
    mockb = start(app="mockb", version="v1", upstream_url=f"http://127.0.0.1:{mockc}/")
    mocka = start(app="mocka", version="v2", upstream_url=f"http://127.0.0.1:{mockb}/")
    assert get(mocka)[1] == (
        "-> mocka(version: v2, ip: 127.0.0.1)"
        "-> mockb(version: v1, ip: 127.0.0.1)"
        "-> mockc(version: v3, ip: 127.0.0.1)"
    )


def test_passes_on_one_header_and_asks_the_proxy_in_absolute_form(start: Start) -> None:
    proxy = Recorder([OK])
    port = start(
        upstream_url="http://mockb:8000/",
        http_proxy=f"http://127.0.0.1:{proxy.port}",
        header="X-Id",
    )
    body = get(port, x_id="abc", x_asm_prefer_tag="s2")[1]
    proxy.close()
    assert body == "-> mock(version: v1, ip: 127.0.0.1)up"
    assert proxy.requests == [
        b"GET http://mockb:8000/ HTTP/1.1\r\nhost: mockb:8000\r\nx-id: abc\r\n\r\n"
    ]


def test_a_host_in_no_proxy_is_called_directly(start: Start) -> None:
    upstream = start(app="mockb")
    port = start(
        upstream_url=f"http://127.0.0.1:{upstream}/", http_proxy="127.0.0.1:1", no_proxy="127.0.0.1"
    )
    assert get(port)[1].endswith("-> mockb(version: v1, ip: 127.0.0.1)")


def test_a_kept_connection_that_was_closed_is_tried_again_once(start: Start) -> None:
    upstream = Recorder([OK, None], [OK])
    port = start(upstream_url=f"http://127.0.0.1:{upstream.port}/")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(2):
        connection.request("GET", "/")
        assert connection.getresponse().read().endswith(b"up")
    connection.close()
    upstream.close()
    assert len(upstream.requests) == 3


@pytest.mark.parametrize(
    ("answer", "suffix"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nup\r\n0\r\n\r\n", "up"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "up"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
        (b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\ngone", "gone"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", ""),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\ncut", ""),
        (None, ""),
    ],
)
def test_what_the_upstream_may_answer(start: Start, answer: bytes | None, suffix: str) -> None:
    upstream = Recorder([answer])
    port = start(upstream_url=f"http://127.0.0.1:{upstream.port}/")
    assert get(port) == (200, f"-> mock(version: v1, ip: 127.0.0.1){suffix}")
    upstream.close()


def test_an_upstream_that_cannot_be_reached_leaves_its_part_empty(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    port = start(upstream_url=f"http://127.0.0.1:{closed}/")
    assert get(port) == (200, "-> mock(version: v1, ip: 127.0.0.1)")
    assert "refused" in capfd.readouterr().err


def test_health_is_answered_without_the_upstream(start: Start) -> None:
    assert get(start(upstream_url="http://127.0.0.1:1/", status="503"), "/healthz") == (200, "ok")


def test_status_is_a_fault_to_try_out(start: Start) -> None:
    assert get(start(status="500"))[0] == 500


def test_head_has_no_body_and_tells_its_length(start: Start) -> None:
    answer = exchange(start(), b"HEAD / HTTP/1.1\r\nconnection: close\r\n\r\n")
    assert b"content-length: 35\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_requests_may_be_pipelined_and_have_bodies(start: Start) -> None:
    sized = b"POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello"
    chunked = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    answer = exchange(start(), sized + chunked + sized)
    assert answer.count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 300 + b"\r\n",
    ],
)
def test_a_malformed_request_is_refused(start: Start, request_bytes: bytes) -> None:
    port = start()
    assert exchange(port, request_bytes).startswith(b"HTTP/1.1 400 ")
    assert get(port)[0] == 200


def test_fifty_clients_get_answers_without_an_error(start: Start) -> None:
    upstream = start(app="mockb")
    port = start(upstream_url=f"http://127.0.0.1:{upstream}/")
    with ThreadPoolExecutor(50) as clients:
        answers = set(clients.map(lambda _: get(port), range(500)))
    assert answers == {
        (200, "-> mock(version: v1, ip: 127.0.0.1)-> mockb(version: v1, ip: 127.0.0.1)")
    }


def test_without_a_host_it_listens_on_loopback_only() -> None:
    assert Settings.of({}).bind == ("127.0.0.1", 8000)
    assert Settings.of({"bind": ":81"}).bind == ("127.0.0.1", 81)
    assert Settings.of({"bind": "0.0.0.0:81"}).bind == ("0.0.0.0", 81)
    assert Settings.of({"bind": "[::1]:81"}).bind == ("::1", 81)


@pytest.mark.parametrize(
    ("env", "text"),
    [
        ({"bind": "8000"}, "bind is '8000', want host:port or :port"),
        ({"bind": ":99999"}, "bind is ':99999', want host:port or :port"),
        (
            {"upstream_url": "mockb:8000"},
            "upstream_url is 'mockb:8000', want http://host:port/path",
        ),
        ({"delay_ms": "soon"}, "delay_ms is 'soon', want a number"),
    ],
)
def test_bad_settings_are_told(env: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError, match=r"want") as caught:
        Settings.of(env)
    assert str(caught.value) == text


def run(**env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "laneway.faces.mock"],
        env={**os.environ, "bind": "127.0.0.1:0", **env},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_on_sigterm_it_answers_what_it_began_and_ends_well() -> None:
    with run(delay_ms="300") as process:
        assert process.stderr is not None
        port = int(process.stderr.readline().rpartition(":")[2])
        busy = socket.create_connection(("127.0.0.1", port), 10)
        busy.sendall(b"GET / HTTP/1.1\r\n\r\n")
        idle = socket.create_connection(("127.0.0.1", port), 10)
        idle.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")  # Its answer tells: `busy` is accepted.
        assert idle.recv(65536).startswith(b"HTTP/1.1 200")
        process.send_signal(signal.SIGTERM)
        answer = b"".join(iter(lambda: busy.recv(65536), b""))
        assert idle.recv(65536) == b""
        assert process.wait(10) == 0
        idle.close()
        busy.close()
    assert answer.endswith(b"connection: close\r\n\r\n-> mock(version: v1, ip: 127.0.0.1)")


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        with run(bind=f"127.0.0.1:{taken}") as process:
            errors = process.communicate(timeout=10)[1]
    assert process.returncode == 1
    assert errors.startswith("laneway-mock: ")
    assert errors.count("\n") == 1
