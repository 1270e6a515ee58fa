"""A load of HTTP requests over kept connections, whose responses are all checked.

Clients retry nothing, so that every failure that a proxy lets through is seen.
"""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

_TIMEOUT = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` 0: there was no answer, and ``body`` says why."""

    status: int
    body: str


async def call(
    url: str,
    calls: Iterable[Mapping[str, str]],
    *,
    clients: int,
    on_answer: Callable[[Answer], None],
) -> None:
    """GET ``url`` once for every item of ``calls``, which are headers. Cancelled, it finishes soon.

    ``on_answer`` is called in the threads of the clients, one at a time.
    """
    queue = iter(calls)
    lock = threading.Lock()
    cancelled = threading.Event()

    def client() -> None:
        connection = _Connection(url)
        while not cancelled.is_set():
            with lock:
                headers = next(queue, None)
            if headers is None:
                break
            answer = connection.get(headers)
            with lock:
                on_answer(answer)
        connection.close()

    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(clients)
    try:
        await asyncio.gather(*(loop.run_in_executor(pool, client) for _ in range(clients)))
    finally:
        cancelled.set()
        pool.shutdown(wait=False)  # The loop must go on: who waits may be waiting for it.


class _Connection:
    """One client's; opened again after a failure."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = parts.path or "/"
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT)

    def get(self, headers: Mapping[str, str]) -> Answer:
        try:
            self._connection.request("GET", self._target, headers=dict(headers))
            answer = self._connection.getresponse()
            return Answer(answer.status, answer.read().decode(errors="replace"))
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Answer(0, f"{type(error).__name__}: {error}")

    def close(self) -> None:
        self._connection.close()
