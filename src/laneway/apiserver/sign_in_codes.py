"""One-time codes that a browser exchanges for a token, so that users need not copy tokens. Pure:
randomness is an argument.

``laneway serve`` prints a link that holds a code. The console exchanges the code for a token that
belongs to that browser. A code can be used once, and expires after minutes, so a link in a
terminal's scrollback or a browser's history is useless later. Codes are kept in memory only.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta

#: Long enough to copy the link from one machine to another.
CODE_LIFE = timedelta(minutes=10)
#: The lifetime of a browser's token.
SESSION_LIFE = timedelta(hours=12)
_MOST_CODES = 100


class SignInCodes:
    """The issued codes that have not been used. Only their hashes are kept."""

    def __init__(self) -> None:
        self._expiry: dict[bytes, datetime] = {}

    def issue(self, random: bytes, now: datetime) -> str:
        """Issues a code. ``random`` has 32 bytes. If there are too many codes, the oldest is
        dropped."""
        assert len(random) == 32
        self._forget_expired(now)
        while len(self._expiry) >= _MOST_CODES:
            del self._expiry[next(iter(self._expiry))]
        code = base64.urlsafe_b64encode(random).decode().rstrip("=")
        self._expiry[_digest(code)] = now + CODE_LIFE
        return code

    def use(self, code: str, now: datetime) -> bool:
        """Uses the code up. Returns whether it was valid."""
        # The lookup is by hash, so its timing reveals nothing about the code.
        expiry = self._expiry.pop(_digest(code), None)
        return expiry is not None and now < expiry

    def _forget_expired(self, now: datetime) -> None:
        self._expiry = {digest: at for digest, at in self._expiry.items() if now < at}


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
