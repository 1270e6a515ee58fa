"""Normalizes the path of a request, as Envoy does (``normalize_path``) before matching it."""

from __future__ import annotations

import re

# Bytes that Envoy's HTTP/1 parser refuses in a request target, and the start of a fragment.
_REFUSED = re.compile(r"[^!-~]|#")
_UNRESERVED = re.compile(r"%(2[DdEe]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])")
_ENCODED = re.compile(r'["<>^`{|}]')
# Parameters after dots make no difference, so a ``..`` cannot be hidden.
_PARAMETERS = re.compile(r"(\.\.?);.*")


def split_target(target: str) -> tuple[str, str] | None:
    """The normalized path and the query of a request target, or ``None`` if Envoy answers 400.

    Escapes of letters, digits and ``-._~`` are decoded, ``\\`` is ``/``, and ``.`` and ``..`` are
    resolved. Other escapes, repeated slashes and the case of letters stay, and so does the query.
    """
    path, _, query = target.partition("?")
    if not path.startswith("/") or "%00" in path or _REFUSED.search(target):
        return None
    kept: list[str] = []
    segments = path[1:].replace("\\", "/").split("/")
    for position, segment in enumerate(segments, start=1):
        text = _decoded(_PARAMETERS.sub(r"\1", segment))
        if text == "..":
            del kept[-1:]
        elif text != ".":
            kept.append(_decoded(segment))
        if text in (".", "..") and position == len(segments):
            kept.append("")
    return "/" + "/".join(kept), query


def _decoded(segment: str) -> str:
    text = _UNRESERVED.sub(lambda escape: chr(int(escape[1], 16)), segment)
    return _ENCODED.sub(lambda found: f"%{ord(found[0]):02X}", text)
