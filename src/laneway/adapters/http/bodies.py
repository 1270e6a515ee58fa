"""Reads the bodies of requests, within limits on size and time."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from laneway.apiserver.failures import Failure
from laneway.apiserver.structure import MOST_DEPTH, is_deeper

MOST_BYTES = 2 * 1024 * 1024
#: Seconds within which a body must arrive.
PATIENCE = 30.0
_YAML = frozenset({"application/yaml", "application/apply-patch+yaml", "text/yaml"})
_JSON = frozenset(
    {
        "",
        "application/json",
        "application/merge-patch+json",
        "application/json-patch+json",
        "application/strategic-merge-patch+json",
    }
)

#: JSON can escape surrogates, which are text only in pairs.
_HALF_OF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")

#: Reads one YAML document; raises ``ValueError`` with the reason.
ReadYaml = Callable[[str], Any]


def content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def body(request: Request, read_yaml: ReadYaml) -> Any:
    """The request's body as plain data. Raises ``Failure``."""
    kind = content_type(request)
    if kind not in _YAML | _JSON:
        raise Failure(415, f"the content type {kind!r} is not supported; send JSON or YAML")
    text = _decoded(await limited_body(request))
    try:
        data = read_yaml(text) if kind in _YAML else _json(text)
    except (ValueError, RecursionError) as error:
        raise Failure(400, f"the body cannot be read: {error}") from error
    if is_deeper(data, MOST_DEPTH):
        raise Failure(400, f"the body is nested more deeply than {MOST_DEPTH} levels")
    return data


async def limited_body(request: Request) -> bytes:
    """The request's body as it is. Raises ``Failure``."""
    data = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                data += chunk
                if len(data) > MOST_BYTES:
                    raise Failure(413, f"the body is larger than {MOST_BYTES} bytes")
    except TimeoutError:
        raise Failure(408, f"the body did not come within {PATIENCE:.0f} s") from None
    return bytes(data)


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Failure(400, f"the body is not UTF-8: {error}") from error


def _json(text: str) -> Any:
    """Raises ``ValueError``, for a field that is given twice, too: one of the two would be lost."""
    data = json.loads(text, parse_constant=_no_number, object_pairs_hook=_distinct)
    if _HALF_OF_A_PAIR.search(text):
        json.dumps(data, ensure_ascii=False).encode()
    return data


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"`{twice}` is set twice")
    return fields


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number in JSON")
