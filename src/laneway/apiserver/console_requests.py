"""The requests of a browser that the console in a cluster passes on to the API server. Pure.

The console's port is a way to the cluster's API server, so it is as narrow as the console needs:
writes of lanes and lane groups, and the kinds of ``api.laneway.dev`` that a cluster serves. What is
sent on is put together from these parts. No text of the request's own gets into the path or query
except the name of an object.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from laneway.apiserver.failures import Failure
from laneway.apiserver.virtual_resources import IN_CLUSTERS

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL}){{0,8}}"
_OBJECTS = re.compile(rf"/apis/laneway\.dev/v1alpha1/(?:lanegroups|lanes)(/{_NAME})?")
_REVIEWS = re.compile(
    rf"/apis/api\.laneway\.dev/v1alpha1/(?:{'|'.join(each.plural for each in IN_CLUSTERS)})"
)
_LONGEST_PATH = 400

_JSON = "application/json"
_CREATED = {"POST": (_JSON,)}
_CHANGED = {
    "PUT": (_JSON,),
    "PATCH": ("application/merge-patch+json", "application/json-patch+json"),
    "DELETE": ("", _JSON),
}
#: The parameters that the console uses, each with its only value.
_QUERY = {"fieldManager": "laneway-console", "fieldValidation": "Strict", "dryRun": "All"}

#: RFC 6750. An API server takes an empty token for no token, and the caller for anonymous.
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
#: Tokens of an identity provider that list many groups are long.
_LONGEST_TOKEN = 16 * 1024


@dataclass(frozen=True, slots=True)
class PassedRequest:
    """``target`` is the path with its query; ``content_type`` is "" if there is no body."""

    method: str
    target: str
    content_type: str


def passed_request(
    method: str, path: str, query: Sequence[tuple[str, str]], content_type: str
) -> PassedRequest:
    """``path`` is as the browser sent it, before anything is decoded. Raises ``Failure``."""
    found = _OBJECTS.fullmatch(path) if len(path) <= _LONGEST_PATH else None
    if found is not None:
        methods = _CHANGED if found[1] else _CREATED
    elif _REVIEWS.fullmatch(path):
        methods = _CREATED
    else:
        raise Failure(404, "the console does not pass this path on to the cluster's API server")
    if method not in methods:
        raise Failure(405, f"the console does not pass {method} of this path on")
    if content_type not in methods[method]:
        expected = " or ".join(each for each in methods[method] if each)
        raise Failure(415, f"the content type {content_type!r} is not passed on; send {expected}")
    return PassedRequest(method, path + _checked(query), content_type)


def _checked(query: Sequence[tuple[str, str]]) -> str:
    names = [name for name, _ in query]
    for name, value in query:
        if _QUERY.get(name) != value or names.count(name) > 1:
            raise Failure(
                400, f"the console does not pass the parameter {name[:80]!r} on like this"
            )
    return f"?{'&'.join(f'{name}={value}' for name, value in query)}" if query else ""


def callers_token(headers: Sequence[tuple[str, str]]) -> str:
    """The caller's own token. ``headers`` are all of the request, with names in lower case.

    Raises ``Failure``: without a token nothing is asked, since there is nobody to ask for.
    """
    given = [value for name, value in headers if name == "authorization"]
    found = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
    if found is None or len(found[1]) > _LONGEST_TOKEN:
        raise Failure(401, "a token of this cluster is needed: `Authorization: Bearer ...`")
    if any(name.startswith("impersonate-") for name, _ in headers):
        raise Failure(403, "the console acts for nobody but the token's own user")
    return found[1]
