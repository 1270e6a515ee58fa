"""Codes by which a browser gets a token without anybody copying one. Pure: chance is handed in.

``laneway serve`` prints a link that holds a code. The console exchanges the code for a token of
the browser's own. A code is good once and for minutes, so that a link which stays behind in a
terminal or in a browser's history opens nothing. Codes are kept in memory alone.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta

#: Long enough to read the link on one machine and open it on another.
CODE_LIFE = timedelta(minutes=10)
#: How long the token lives that a browser gets.
SESSION_LIFE = timedelta(hours=12)
_MOST_CODES = 100


class SignInCodes:
    """The codes that have been given out and not used. Only their hashes are kept."""

    def __init__(self) -> None:
        self._expiry: dict[bytes, datetime] = {}

    def issue(self, random: bytes, now: datetime) -> str:
        """A new code. ``random`` has 32 bytes. The oldest codes give way to new ones."""
        assert len(random) == 32
        self._forget_expired(now)
        while len(self._expiry) >= _MOST_CODES:
            del self._expiry[next(iter(self._expiry))]
        code = base64.urlsafe_b64encode(random).decode().rstrip("=")
        self._expiry[_digest(code)] = now + CODE_LIFE
        return code

    def use(self, code: str, now: datetime) -> bool:
        """Whether the code is good. It is not any more after this."""
        # Found by its hash: how long that takes says nothing about the code.
        expiry = self._expiry.pop(_digest(code), None)
        return expiry is not None and now < expiry

    def _forget_expired(self, now: datetime) -> None:
        self._expiry = {digest: at for digest, at in self._expiry.items() if now < at}


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
