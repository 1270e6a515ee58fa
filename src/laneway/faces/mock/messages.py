"""Reading HTTP/1.1 messages: as much of RFC 9112 as lies between a mock and its sidecar."""

from __future__ import annotations

from typing import BinaryIO

_LINE_LIMIT = 65536
_HEADERS_LIMIT = 200

Headers = list[tuple[str, str]]


def read_head(reader: BinaryIO) -> tuple[str, Headers]:
    """The start line and the headers, names in lower case. An empty start line is the end."""
    start = reader.readline(_LINE_LIMIT).decode("latin-1").rstrip("\r\n")
    headers: Headers = []
    while start:
        line = reader.readline(_LINE_LIMIT).decode("latin-1")
        if line in ("\r\n", "\n"):
            break
        name, colon, value = line.partition(":")
        if not line:
            raise ConnectionError("connection closed amid headers")
        if not colon or not line.endswith("\n") or len(headers) == _HEADERS_LIMIT:
            raise ValueError(f"malformed, too long or too many headers, at {line[:80]!r}")
        headers.append((name.lower(), value.strip()))
    return start, headers


def is_framed(headers: Headers) -> bool:
    """Whether the headers tell where the body ends."""
    return any(name in ("content-length", "transfer-encoding") for name, _ in headers)


def read_body(reader: BinaryIO, headers: Headers) -> bytes:
    """The body of a framed message."""
    fields = dict(headers)
    if "transfer-encoding" not in fields:
        return _read_exactly(reader, int(fields["content-length"]))
    chunks = []
    while size := int(reader.readline(_LINE_LIMIT).split(b";")[0], 16):
        chunks.append(_read_exactly(reader, size))
        reader.readline(_LINE_LIMIT)
    while reader.readline(_LINE_LIMIT).strip():
        continue  # Trailers.
    return b"".join(chunks)


def closes(start: str, headers: Headers) -> bool:
    """Whether the connection ends with this message."""
    connection = dict(headers).get("connection", "").lower()
    return "close" in connection or ("HTTP/1.0" in start and "keep-alive" not in connection)


def _read_exactly(reader: BinaryIO, size: int) -> bytes:
    data = reader.read(size)
    if len(data) < size:
        raise ConnectionError("connection closed amid a body")
    return data
