"""The conditions of an ingress rule that an HTTPRoute can express."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from laneway.compile.gateway_api.matches import Match, is_exact, pairs, path_of, regex_of
from laneway.compile.ir import IngressRoute
from laneway.model.matches import StringMatch

#: The CRD's enumeration, limits (a match also contains the lane's header) and patterns.
METHODS = frozenset(
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
)
_HEADERS, _PARAMETERS, _NAME = 15, 16, 256
_PATH_VALUE, _HEADER_VALUE, _PARAMETER_VALUE = 1024, 4096, 1024
#: The length that anchors add to a regular expression.
_ANCHORS = 4
_PARAMETER = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_HOST = re.compile(r"(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def conditions(ingress: IngressRoute) -> tuple[Match, ...]:
    """A match for each method; none if an HTTPRoute cannot express the route."""
    if next(problems(ingress), None) is not None:
        return ()
    methods = [method for method in ingress.methods if method in METHODS]
    headers = {name.lower(): match for name, match in ingress.headers.items()}
    return tuple(
        Match(path_of(ingress.uri), method, pairs(headers), pairs(ingress.query))
        for method in (methods if ingress.methods else [None])
    )


def problems(ingress: IngressRoute) -> Iterator[str]:
    """The reasons why an HTTPRoute cannot express the route at all."""
    if ingress.uri is not None and len(path_of(ingress.uri).value) + _ANCHORS > _PATH_VALUE:
        yield f"a path has at most {_PATH_VALUE:,} characters"
    if ingress.methods and not METHODS.intersection(ingress.methods):
        yield f"the methods are {', '.join(sorted(METHODS))}"
    yield from _of("headers", ingress.headers, _HEADERS, _HEADER_VALUE)
    yield from _of("query parameters", ingress.query, _PARAMETERS, _PARAMETER_VALUE)
    for name in ingress.query:
        if not _PARAMETER.fullmatch(name):
            yield f"the query parameter {name!r} has characters that names may not have"


def is_host(domain: str) -> bool:
    """Whether Gateway API accepts the host. A route for ``*`` names no host."""
    return domain == "*" or (_HOST.fullmatch(domain) is not None and len(domain) <= 253)


def _of(what: str, matches: Mapping[str, StringMatch], most: int, longest: int) -> Iterator[str]:
    if len(matches) > most:
        yield f"it has room for {most} {what}"
    for name, match in matches.items():
        value = match.value if is_exact(match) else regex_of(match)
        if len(name) > _NAME or len(value) + _ANCHORS > longest:
            yield f"names of {what} have at most {_NAME} characters, values {longest:,}"
