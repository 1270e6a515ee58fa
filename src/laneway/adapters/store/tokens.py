"""Issued tokens that have not been revoked, in memory or in the store file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Self

from laneway.adapters.store.sqlite import SqliteStore
from laneway.apiserver.tokens import Token


class MemoryTokens:
    """See ``TokenStore``."""

    def __init__(self) -> None:
        self._by_id: dict[str, Token] = {}

    @property
    def by_id(self) -> Mapping[str, Token]:
        return MappingProxyType(self._by_id)

    async def add(self, token: Token) -> None:
        self._by_id[token.id] = token

    async def remove(self, number: str) -> bool:
        return self._by_id.pop(number, None) is not None


class SqliteTokens(MemoryTokens):
    """Made by ``read``."""

    def __init__(self, store: SqliteStore) -> None:
        super().__init__()
        self._store = store

    @classmethod
    async def read(cls, store: SqliteStore) -> Self:
        tokens = cls(store)
        rows = await store.execute("SELECT id, digest, name, scopes, created, expires FROM tokens")
        for number, digest, name, scopes, created, expires in rows:
            tokens._by_id[number] = Token(
                number,
                digest,
                name,
                frozenset(scopes.split()),
                datetime.fromisoformat(created),
                datetime.fromisoformat(expires),
            )
        return tokens

    async def add(self, token: Token) -> None:
        await self._store.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)",
            (
                token.id,
                token.digest,
                token.name,
                " ".join(sorted(token.scopes)),
                token.created.isoformat(),
                token.expires.isoformat(),
            ),
        )
        await super().add(token)

    async def remove(self, number: str) -> bool:
        removed = await super().remove(number)
        await self._store.execute("DELETE FROM tokens WHERE id = ?", (number,))
        return removed
