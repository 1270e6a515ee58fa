"""Hides possible secrets in entries of access logs. Pure.

Access logs contain no headers except those that the user names, and none whose values are secrets,
such as Authorization and Cookie. Targets may contain tokens: values of query parameters, anything
after a ``;`` in a path, and parts of a path or a header that look like tokens are never shown. The
files themselves are readable only by their owner.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HIDDEN = "***"
#: JSON leaves these as they are, and terminals obey some of them.
_CONTROL = re.compile("[\x7f-\x9f]")

#: A name that is not a secret itself: words, and nothing that looks like base64.
_NAME = re.compile(r"[A-Za-z]{1,20}([_.-][A-Za-z]{1,20}){0,4}(\[\])?")
#: JSON web tokens, laneway's own tokens, and long runs of letters and digits.
_TOKEN = re.compile(
    r"eyJ[\w-]+\.[\w.-]*|lw_[\w-]+|(?=[\w~+%=-]*\d)(?=[\w~+%=-]*[A-Za-z])[\w~+%=-]{32,}"
)
_TRACE_ID = re.compile(r"[0-9a-fA-F-]{1,64}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


#: As ``404``, ``5xx``, or 0 for a request that had no answer.
STATUS = re.compile(r"[1-5](xx|\d\d)|0")
_HEADER_NAME = re.compile(r"[A-Za-z0-9_-]+")
_SECRET_NAME = re.compile(
    r"auth|cookie|token|secret|passw|credential|signature|session|api-?key|private|assertion|csrf"
    r"|xsrf|jwt|client-cert"
)

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """Of each, empty takes all. ``path`` is a prefix. ``headers`` are names in lower case, with the
    value that is shown, or "" for any."""

    lane: str = ""
    service: str = ""
    statuses: Sequence[str] = ()
    path: str = ""
    headers: Sequence[tuple[str, str]] = ()

    def takes(self, entry: Entry) -> bool:
        """An entry is of the lanes that its request meant, and that served it."""
        if self.lane and self.lane not in (entry.get("lane"), entry.get("served")):
            return False
        service = entry.get("service") or ""
        if self.service and self.service not in (service, service.rpartition("/")[2]):
            return False
        if self.statuses and not any(map(status(entry).startswith, self._prefixes())):
            return False
        if not str(entry.get("path") or "").startswith(self.path):
            return False
        return all(_has(entry, name, value) for name, value in self.headers)

    def _prefixes(self) -> Iterator[str]:
        return (status.removesuffix("xx") for status in self.statuses)


def status(entry: Entry) -> str:
    """0 where the client had no answer."""
    return str(entry.get("status") or 0)


def header_problem(name: str) -> str:
    """Why the values of a header of this name are not logged; "" where they are."""
    if not _HEADER_NAME.fullmatch(name):
        return f"`{name}` is no name of a header: letters, digits, `-` and `_` make one up"
    if _is_secret(name):
        return f"values of `{name}` are secrets, which are not logged"
    return ""


def shown(line: str, selection: Selection = Selection()) -> str | None:
    """The line without secrets, or None if it is not selected or is incomplete."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict):
        return None
    entry = without_secrets(entry)
    if not selection.takes(entry):
        return None
    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def without_secrets(entry: Entry) -> dict[str, Any]:
    changes = {"path": shown_target, "authority": _shown_authority}
    hidden: dict[str, Any] = {
        name: change(entry[name])
        for name, change in changes.items()
        if isinstance(entry.get(name), str)
    }
    headers = entry.get("headers")
    if isinstance(headers, dict):
        hidden["headers"] = {name: _shown_value(name, value) for name, value in headers.items()}
    return {**entry, **hidden}


def _has(entry: Entry, name: str, value: str) -> bool:
    found = (entry.get("headers") or {}).get(name)
    return found is not None and value in ("", found)


def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name.lower().replace("_", "-")) is not None


def _shown_value(name: str, value: object) -> object:
    if not isinstance(value, str):
        return None
    return HIDDEN if _is_secret(name) else _TOKEN.sub(_without_token, value)


def _without_token(found: re.Match[str]) -> str:
    """Trace ids are no tokens: hexadecimal, with dashes."""
    return found[0] if _TRACE_ID.fullmatch(found[0]) else HIDDEN


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
