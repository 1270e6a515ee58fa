"""Hides possible secrets in entries of access logs. Pure.

Access logs contain no headers, so no Authorization and no Cookie. Targets may contain tokens:
values of query parameters, anything after a ``;`` in a path, and path segments that look like
tokens are never shown. The files themselves are readable only by their owner.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"

#: A name that is not a secret itself: words, and nothing that looks like base64.
_NAME = re.compile(r"[A-Za-z]{1,20}([_.-][A-Za-z]{1,20}){0,4}(\[\])?")
#: JSON web tokens, laneway's own tokens, and long runs of letters and digits.
_TOKEN = re.compile(
    r"eyJ[\w-]+\.[\w.-]*|lw_[\w-]+|(?=[\w~+%=-]*\d)(?=[\w~+%=-]*[A-Za-z])[\w~+%=-]{32,}"
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def shown(line: str, lane: str = "") -> str | None:
    """The line without secrets, or None if it is not of the lane or is incomplete.

    A line belongs to the lane that its request named, and to the lane that served it.
    """
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict):
        return None
    if lane and lane not in (entry.get("lane"), entry.get("served")):
        return None
    return json.dumps(without_secrets(entry), ensure_ascii=False, separators=(",", ":"))


def without_secrets(entry: Mapping[str, Any]) -> dict[str, Any]:
    changes = {"path": shown_target, "authority": _shown_authority}
    hidden = {
        name: change(entry[name])
        for name, change in changes.items()
        if isinstance(entry.get(name), str)
    }
    return {**entry, **hidden}


def shown_target(target: str) -> str:
    """A request's target without values: ``/a?token=***``."""
    path, mark, query = target.partition("?")
    segments = "/".join(map(_shown_segment, path.split("/")))
    if not mark:
        return segments
    return f"{segments}?{'&'.join(_shown_pair(pair) for pair in query.split('&'))}"


def _shown_segment(segment: str) -> str:
    name, mark, _ = segment.partition(";")
    if not _UUID.fullmatch(name) and _TOKEN.search(name):
        name = HIDDEN
    return f"{name};{HIDDEN}" if mark else name


def _shown_pair(pair: str) -> str:
    name, _, value = pair.partition("=")
    if not pair:
        return ""
    return f"{name}={HIDDEN}" if value.strip("=") and _NAME.fullmatch(name) else HIDDEN


def _shown_authority(authority: str) -> str:
    """Without ``user:password@``."""
    return authority.rpartition("@")[2]
