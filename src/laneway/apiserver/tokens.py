"""Bearer tokens, and the permissions of their holders. Pure: randomness and time are arguments.

A token is ``lw_ID_SECRET``. Only a hash of the secret is stored. The secret has 256 random bits, so
a fast hash suffices. ``ID`` is public, and identifies the token in lists and revisions.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from laneway.apiserver.failures import Failure
from laneway.apiserver.resources import Resource

PREFIX = "lw_"
DEFAULT_LIFE = timedelta(days=90)
_TOKEN = re.compile(r"lw_(?P<id>[a-z2-7]{8})_(?P<secret>[A-Za-z0-9_-]{43})")
_EDIT = "edit:"
VIEW, ADMIN = "view", "admin"


@dataclass(frozen=True, slots=True)
class Token:
    """A stored token. ``scopes`` are ``view``, ``edit:GROUP`` and ``admin``."""

    id: str
    digest: bytes
    name: str
    scopes: frozenset[str]
    created: datetime
    expires: datetime


class TokenStore(Protocol):
    """The issued tokens that have not been revoked."""

    @property
    def by_id(self) -> Mapping[str, Token]:
        """A live view: it changes when tokens are added or removed."""
        ...

    async def add(self, token: Token) -> None:
        """Returns when the token is stored durably."""
        ...

    async def remove(self, number: str) -> bool:
        """Returns whether it existed. The token is invalid from the moment of the call."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """The user who sends a request. ``token`` is the id of the user's token, or ""."""

    name: str
    scopes: frozenset[str]
    token: str = ""

    def may_change(self, resource: Resource, manifests: Iterable[Mapping[str, Any]]) -> bool:
        """``manifests`` are the object before and after the change.

        Users who may edit a group may write it and its lanes. Only admins may write workloads,
        which are commands that laneway runs, and services and gateways, which all groups share.
        """
        if ADMIN in self.scopes:
            return True
        groups = {_group(resource, manifest) for manifest in manifests}
        return bool(groups) and all(group and _EDIT + group in self.scopes for group in groups)


def _group(resource: Resource, manifest: Mapping[str, Any]) -> str:
    if resource.group == "laneway.dev" and resource.kind.name == "LaneGroup":
        return str(manifest["metadata"]["name"])
    if resource.group == "laneway.dev" and resource.kind.name == "Lane":
        spec = manifest.get("spec")
        return str(spec.get("group", "")) if isinstance(spec, Mapping) else ""
    return ""


def check_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """Raises ``Failure`` for an unknown scope, and for an empty list."""
    known = frozenset(scopes)
    for scope in known:
        if scope not in (VIEW, ADMIN) and not re.fullmatch(r"edit:[a-z0-9-]{1,63}", scope):
            raise Failure(422, f"{scope!r} is no scope; there are view, edit:GROUP and admin")
    if not known:
        raise Failure(422, "a token needs a scope: view, edit:GROUP or admin")
    return known


def minted(
    name: str, scopes: Iterable[str], random: bytes, now: datetime, life: timedelta
) -> tuple[Token, str]:
    """Returns a new token and its text, which is not stored. ``random`` has 37 bytes."""
    assert len(random) == 37
    if life <= timedelta(0):
        raise Failure(422, "a token must live for longer than no time")
    number = base64.b32encode(random[:5]).decode().lower()
    secret = base64.urlsafe_b64encode(random[5:]).decode().rstrip("=")
    token = Token(number, _digest(secret), name, check_scopes(scopes), now, now + life)
    return token, f"{PREFIX}{number}_{secret}"


def identified(text: str, tokens: Mapping[str, Token], now: datetime) -> Identity | None:
    """The user with the token ``text``, or None if there is no such token or it has expired."""
    found = _TOKEN.fullmatch(text)
    token = tokens.get(found["id"]) if found else None
    # The same work whether or not the id is known, so timing reveals nothing.
    expected = token.digest if token else bytes(32)
    given = _digest(found["secret"] if found else "")
    if not hmac.compare_digest(expected, given) or token is None or token.expires <= now:
        return None
    return Identity(token.name, token.scopes, token.id)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
