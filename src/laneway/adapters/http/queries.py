"""The query parameters of Kubernetes' API, and the ``Warning`` headers of its answers."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from laneway.apiserver.failures import Failure
from laneway.apiserver.selectors import FIELDS, Selector, selector

_LONGEST_WATCH = 3600.0
#: The longest name of a field manager that is derived from the client's name.
_LONGEST_MANAGER = 128


@dataclass(frozen=True, slots=True)
class ListQuery:
    """``after`` is the last object of the previous page, and ``revision`` the revision of that
    page."""

    selects: Selector
    limit: int
    after: tuple[str, str] | None
    revision: int | None


@dataclass(frozen=True, slots=True)
class WatchQuery:
    """``initial``: all objects are sent first; ``marks_initial``: a bookmark follows them."""

    selects: Selector
    since: int | None
    initial: bool
    marks_initial: bool
    bookmarks: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class WriteQuery:
    manager: str
    validation: str
    dry_run: bool
    force: bool


def list_query(request: Request, selectable: Sequence[str] = FIELDS) -> ListQuery:
    """``selectable`` has the fields that selectors may use. Raises ``Failure``, like the other
    functions here."""
    selects = _selector(request, selectable)
    limit = _number(request, "limit") or 0
    token = request.query_params.get("continue", "")
    if not token:
        return ListQuery(selects, limit, None, _exact_revision(request))
    try:
        revision, namespace, name = json.loads(base64.urlsafe_b64decode(token))
        after = (str(namespace), str(name))
        return ListQuery(selects, limit, after, int(revision))
    except (ValueError, TypeError, binascii.Error) as error:
        raise Failure(400, "continue: not a token of this server; list from the start") from error


def _exact_revision(request: Request) -> int | None:
    """https://kubernetes.io/docs/reference/using-api/api-concepts/#resourceversion-in-get-and-list"""
    match = request.query_params.get("resourceVersionMatch", "")
    revision = _number(request, "resourceVersion")
    if match not in ("", "Exact", "NotOlderThan"):
        raise Failure(400, f"resourceVersionMatch: {match!r} is none of Exact and NotOlderThan")
    if match and revision is None:
        raise Failure(400, "resourceVersionMatch: it is forbidden unless resourceVersion is given")
    if match == "Exact" and not revision:
        raise Failure(400, "resourceVersionMatch: Exact is forbidden for resourceVersion 0")
    return revision if match == "Exact" else None


def continue_token(revision: int, namespace: str, name: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([revision, namespace, name]).encode()).decode()


def is_watch(request: Request) -> bool:
    return _flag(request, "watch")


def watch_query(request: Request, selectable: Sequence[str] = FIELDS) -> WatchQuery:
    since = _number(request, "resourceVersion")
    marks_initial = initial = _flag(request, "sendInitialEvents")
    seconds = _number(request, "timeoutSeconds")
    if "sendInitialEvents" not in request.query_params and not since:
        # "Get State and Start at Any": https://kubernetes.io/docs/reference/using-api/api-concepts/
        initial = True
    return WatchQuery(
        _selector(request, selectable),
        since or None,
        initial,
        marks_initial,
        _flag(request, "allowWatchBookmarks"),
        min(float(seconds or _LONGEST_WATCH), _LONGEST_WATCH),
    )


def write_query(request: Request) -> WriteQuery:
    dry_run = request.query_params.getlist("dryRun")
    if any(value != "All" for value in dry_run):
        raise Failure(400, f"dryRun: {', '.join(dry_run)!r} is not supported; there is All")
    manager = request.query_params.get("fieldManager", "")
    if not manager:
        manager = request.headers.get("user-agent", "").partition("/")[0]
    return WriteQuery(
        manager[:_LONGEST_MANAGER],
        request.query_params.get("fieldValidation", "") or "Warn",
        bool(dry_run),
        _flag(request, "force"),
    )


def _selector(request: Request, selectable: Sequence[str]) -> Selector:
    query = request.query_params
    return selector(query.get("labelSelector", ""), query.get("fieldSelector", ""), selectable)


def _flag(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "")
    if value.lower() not in ("", "0", "1", "true", "false"):
        raise Failure(400, f"{name}: {value!r} is neither true nor false")
    return value.lower() in ("1", "true")


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name, "")
    if not value:
        return None
    if not value.isdecimal() or len(value) > 18:
        raise Failure(400, f"{name}: {value!r} is not a number")
    return int(value)


def warning_header(text: str) -> str:
    """RFC 9111, 5.5: code 299 and, for the agent, ``-``; header values are ASCII here."""
    plain = re.sub(r"[\x00-\x1f\x7f]+", " ", text)  # a header cannot have them
    quoted = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{quoted.encode("ascii", "backslashreplace").decode()}"'
