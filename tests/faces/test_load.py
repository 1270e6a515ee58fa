"""The load, against the mock application."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from laneway.faces.cli.scenarios import examples, versions
from laneway.faces.load import Answer, call
from laneway.faces.mock.server import Server
from laneway.faces.mock.settings import Settings


@pytest.fixture
def mock() -> Iterator[str]:
    server = Server(Settings.of({"bind": "127.0.0.1:0", "app": "mocka"}))
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{server.port}/mock"
    server.stop()
    thread.join(10)


async def test_every_call_is_answered_once(mock: str) -> None:
    answers: list[Answer] = []
    await call(mock, ({} for _ in range(100)), clients=4, on_answer=answers.append)
    assert answers == [Answer(200, "-> mocka(version: v1, ip: 127.0.0.1)")] * 100


async def test_a_failure_is_an_answer_with_its_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    answers: list[Answer] = []
    await call(f"http://127.0.0.1:{closed}", [{}, {}], clients=1, on_answer=answers.append)
    assert [answer.status for answer in answers] == [0, 0]
    assert all("refused" in answer.body for answer in answers)


def test_only_what_the_article_prints_counts_as_an_answer() -> None:
    a, b, c = (f"-> mock{x}(version: v{n}, ip: 10.0.0.1)" for x, n in ("a1", "b2", "c3"))
    assert versions(a + b + c) == ("v1", "v2", "v3")
    assert versions(a + b) is None
    assert versions(a + c + b) is None
    assert versions(a + b + c + "no healthy upstream") is None


def test_the_examples_are_found_in_the_sources() -> None:
    assert {path.name for path in examples().iterdir()} >= {"scenario-1", "scenario-2", "asm"}
