"""Reads whole documents from the API server with a caller's token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from laneway.apiserver.callers_api import ApiUnreachable, CallersApi
from laneway.apiserver.failures import Failure

#: Bytes of one answer. A page of a list has 500 objects.
_MOST_BYTES = 64 * 1024 * 1024


async def callers_document(
    api: CallersApi, token: str, method: str, target: str, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Raises ``Failure``, with the API server's own code and message where it refused."""
    sent = b"" if body is None else json.dumps(body).encode()
    kind = "" if body is None else "application/json"
    try:
        async with api.send(token, method, target, body=sent, content_type=kind) as answer:
            text = bytearray()
            async for chunk in answer.chunks:
                text += chunk
                if len(text) > _MOST_BYTES:
                    raise Failure(502, "the cluster's API server answered with too much")
            return _read(answer.status, bytes(text))
    except ApiUnreachable as error:
        raise Failure(502, str(error)) from error


def _read(status: int, text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if 200 <= status < 300 and isinstance(found, dict):
        return found
    message = str(found["message"]) if isinstance(found, dict) and "message" in found else ""
    raise refusal(status, message)


def refusal(status: int, message: str) -> Failure:
    """What the API server answered, for the browser."""
    if 400 <= status < 500:
        return Failure(status, message or "the cluster's API server refused", reason="Refused")
    return Failure(502, f"the cluster's API server failed ({status}): {message[:500]}")
