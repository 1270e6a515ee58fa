"""The port to a cluster's API server by which the console asks with the caller's own token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


class ApiUnreachable(Exception):
    """The API server did not answer. The message is fit for users."""


@dataclass(frozen=True, slots=True)
class CallersAnswer:
    """``headers`` have names in lower case. ``chunks`` can be read once, while the answer is open,
    and raise ``ApiUnreachable`` if the connection is lost."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class CallersApi(Protocol):
    def send(
        self,
        token: str,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        content_type: str = "",
        stream: bool = False,
    ) -> AbstractAsyncContextManager[CallersAnswer]:
        """Asks as whoever ``token`` belongs to, and with nothing else that could identify anybody.
        ``stream`` is for watches, which last. Raises ``ApiUnreachable``."""
        ...
