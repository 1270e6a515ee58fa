"""The query parameters of Kubernetes' API, and the ``Warning`` headers of its answers."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from laneway.adapters.http.bodies import content_type
from laneway.apiserver.failures import Failure, invalid_option
from laneway.apiserver.patches import APPLY
from laneway.apiserver.selectors import FIELDS, Selector, selector
from laneway.apiserver.validation import VALIDATIONS, WARN

_LONGEST_WATCH = 3600.0
#: Headers of one answer.
MOST_WARNINGS = 50
#: The longest name of a field manager that is derived from the client's name.
_LONGEST_MANAGER = 128
_EXACT, _NOT_OLDER = "Exact", "NotOlderThan"
_SELECTORS = ("labelSelector", "fieldSelector")
_LIST, _DELETE = "ListOptions", "DeleteOptions"
_POLICIES = ("Foreground", "Background", "Orphan")
#: The groups of parameters by method, as Kubernetes' messages name them.
_OPTIONS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions"}


@dataclass(frozen=True, slots=True)
class ListQuery:
    """``after`` is the last object of the previous page, and ``revision`` the revision of that
    page. ``not_older`` is the revision that an answer must have at least. ``is_selective``: not all
    objects are asked for."""

    selects: Selector
    limit: int
    after: tuple[str, str] | None
    revision: int | None
    not_older: int = 0
    is_selective: bool = False


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
    is_selective = any(request.query_params.get(each) for each in _SELECTORS)
    if request.query_params.get("sendInitialEvents"):
        raise invalid_option(_LIST, "sendInitialEvents", "it is forbidden for a list")
    token = request.query_params.get("continue", "")
    version, exact = _version(request, token)
    if not token:
        revision, not_older = (version, 0) if exact else (None, version or 0)
        return ListQuery(selects, limit, None, revision, not_older, is_selective)
    try:
        revision, namespace, name = json.loads(base64.urlsafe_b64decode(token))
        after = (str(namespace), str(name))
        return ListQuery(selects, limit, after, int(revision), 0, is_selective)
    except (ValueError, TypeError, binascii.Error) as error:
        raise Failure(400, "continue: not a token of this server; list from the start") from error


def _version(request: Request, token: str) -> tuple[int | None, bool]:
    """The resource version of a list, and whether it must be exactly this one.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#resourceversion-in-get-and-list
    """
    field, match = "resourceVersionMatch", request.query_params.get("resourceVersionMatch", "")
    version = _number(request, "resourceVersion")
    if match and token:
        raise invalid_option(_LIST, field, "it is forbidden with continue")
    if match and version is None:
        raise invalid_option(_LIST, field, "it is forbidden unless resourceVersion is given")
    if match not in ("", _EXACT, _NOT_OLDER):
        known = f"{match!r} is none of {_EXACT} and {_NOT_OLDER}"
        raise invalid_option(_LIST, field, known)
    if match == _EXACT and not version:
        raise invalid_option(_LIST, field, f"{_EXACT} is forbidden for resourceVersion 0")
    if token and version:
        raise Failure(400, "resourceVersion: it is forbidden with continue")
    return version, match == _EXACT


def continue_token(revision: int, namespace: str, name: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([revision, namespace, name]).encode()).decode()


def is_watch(request: Request) -> bool:
    return _flag(request, "watch")


def watch_query(request: Request, selectable: Sequence[str] = FIELDS) -> WatchQuery:
    since = _number(request, "resourceVersion")
    initial = _flag(request, "sendInitialEvents")
    bookmarks = _flag(request, "allowWatchBookmarks")
    marks_initial = initial and bookmarks
    seconds = _number(request, "timeoutSeconds")
    asks = bool(request.query_params.get("sendInitialEvents"))
    match = request.query_params.get("resourceVersionMatch", "")
    if asks and match != _NOT_OLDER:
        message = f"sendInitialEvents needs resourceVersionMatch={_NOT_OLDER}"
        raise invalid_option(_LIST, "resourceVersionMatch", message)
    if match and not asks:
        message = "it is forbidden for a watch without sendInitialEvents"
        raise invalid_option(_LIST, "resourceVersionMatch", message)
    if not asks and not since:
        # "Get State and Start at Any": https://kubernetes.io/docs/reference/using-api/api-concepts/
        initial = True
    return WatchQuery(
        _selector(request, selectable),
        since or None,
        initial,
        marks_initial,
        bookmarks,
        min(float(seconds or _LONGEST_WATCH), _LONGEST_WATCH),
    )


def write_query(request: Request) -> WriteQuery:
    options = _OPTIONS.get(request.method, _DELETE)
    dry_run = request.query_params.getlist("dryRun")
    check_dry_run(options, dry_run)
    validation = request.query_params.get("fieldValidation", "") or WARN
    if validation not in VALIDATIONS:
        known = ", ".join(VALIDATIONS)
        raise invalid_option(options, "fieldValidation", f"{validation!r} is none of {known}")
    is_forced = request.method == "PATCH" and request.query_params.get("force")
    if is_forced and content_type(request) != APPLY:
        raise invalid_option(options, "force", "it is for server-side apply alone")
    manager = request.query_params.get("fieldManager", "")
    if len(manager.encode()) > _LONGEST_MANAGER or not manager.isprintable():
        message = f"expected at most {_LONGEST_MANAGER} bytes of printable characters"
        raise invalid_option(options, "fieldManager", message)
    if not manager:
        manager = request.headers.get("user-agent", "").partition("/")[0][:_LONGEST_MANAGER]
    return WriteQuery(manager, validation, bool(dry_run), _flag(request, "force"))


def check_dry_run(options: str, values: Sequence[object]) -> None:
    if any(value != "All" for value in values):
        given = ", ".join(map(str, values))
        raise invalid_option(options, "dryRun", f"{given!r} is not supported; there is All")


def delete_options(options: Any) -> Mapping[str, Any]:
    """The body of a DELETE, checked. No object owns another here: every policy does the same."""
    if not isinstance(options, Mapping) or options.get("kind", _DELETE) != _DELETE:
        raise Failure(400, f"the body of a DELETE is an object of the kind {_DELETE}")
    dry_run = options.get("dryRun") or []
    check_dry_run(_DELETE, dry_run if isinstance(dry_run, list) else [dry_run])
    policy = options.get("propagationPolicy")
    if policy not in (None, *_POLICIES):
        known = f"{policy!r} is none of {', '.join(_POLICIES)}"
        raise invalid_option(_DELETE, "propagationPolicy", known)
    return options


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


def add_warnings(response: Response, warnings: Sequence[str]) -> None:
    """One header each, up to a number that clients read: Python's give up at 100 headers."""
    left = len(warnings) - MOST_WARNINGS
    for warning in warnings[:MOST_WARNINGS]:
        response.headers.append("Warning", warning_header(warning))
    if left > 0:
        text = f"{left} more {'warning is' if left == 1 else 'warnings are'} not shown"
        response.headers.append("Warning", warning_header(text))


def warning_header(text: str) -> str:
    """RFC 9111, 5.5: code 299 and, for the agent, ``-``; header values are ASCII here."""
    plain = re.sub(r"[\x00-\x1f\x7f]+", " ", text)  # a header cannot have them
    quoted = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{quoted.encode("ascii", "backslashreplace").decode()}"'
