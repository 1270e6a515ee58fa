"""What the routes of a gateway see of a request: which methods, and which headers.

Envoy answers requests with unknown methods itself. It removes or overwrites some headers of
requests from outside before it chooses a route. A rule that relies on those takes no request. The
lists were found by trying each on the pinned Envoy (``tests/e2e/test_gateway_hardening.py`` tries
them again).
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from laneway.model.matches import MatchKind, StringMatch

#: The methods of HTTP/1.1 requests that Envoy accepts, besides CONNECT. It answers others with 400.
#: It accepts any method in HTTP/2.
HTTP1_METHODS = frozenset(
    [
        "ACL",
        "BIND",
        "CHECKOUT",
        "COPY",
        "DELETE",
        "GET",
        "HEAD",
        "LINK",
        "LOCK",
        "MERGE",
        "MKACTIVITY",
        "MKCALENDAR",
        "MKCOL",
        "MOVE",
        "MSEARCH",
        "NOTIFY",
        "OPTIONS",
        "PATCH",
        "POST",
        "PROPFIND",
        "PROPPATCH",
        "PURGE",
        "PUT",
        "QUERY",
        "REBIND",
        "REPORT",
        "SEARCH",
        "SOURCE",
        "SUBSCRIBE",
        "TRACE",
        "UNBIND",
        "UNLINK",
        "UNLOCK",
        "UNSUBSCRIBE",
    ]
)

#: Headers of one connection, which a proxy removes (RFC 9110 section 7.6.1).
OF_ONE_CONNECTION = frozenset(["connection", "keep-alive", "proxy-connection", "transfer-encoding"])

#: Headers that gateways remove from requests from outside, because they control Envoy.
CONTROLS_OF_ENVOY = frozenset(
    [
        "x-envoy-decorator-operation",
        "x-envoy-downstream-service-cluster",
        "x-envoy-downstream-service-node",
        "x-envoy-expected-rq-timeout-ms",
        "x-envoy-force-trace",
        "x-envoy-hedge-on-per-try-timeout",
        "x-envoy-internal",
        "x-envoy-ip-tags",
        "x-envoy-max-retries",
        "x-envoy-original-host",
        "x-envoy-original-path",
        "x-envoy-original-url",
        "x-envoy-retriable-header-names",
        "x-envoy-retriable-status-codes",
        "x-envoy-retry-grpc-on",
        "x-envoy-retry-on",
        "x-envoy-upstream-alt-stat-name",
        "x-envoy-upstream-rq-per-try-timeout-ms",
        "x-envoy-upstream-rq-timeout-alt-response",
        "x-envoy-upstream-rq-timeout-ms",
        "x-envoy-upstream-stream-duration-ms",
        "x-forwarded-client-cert",
    ]
)

_OWN_PREFIX = "x-laneway-"
_USE_ANOTHER = "use a header that clients set, such as x-user"


class Unseen(NamedTuple):
    """Why no route sees a header, or a value of it, and what to write instead."""

    why: str
    fix: str


def unseen_header(name: str) -> Unseen | None:
    """Why routes see no such header of any client; ``None`` if they see some values."""
    lower = name.lower()
    if lower in OF_ONE_CONNECTION:
        return Unseen("belongs to one connection, and gateways remove it", _USE_ANOTHER)
    if lower.startswith(_OWN_PREFIX):
        return Unseen("is one of laneway's own headers, and gateways remove it", _USE_ANOTHER)
    if lower in CONTROLS_OF_ENVOY:
        return Unseen("is for proxies, and gateways remove it", _USE_ANOTHER)
    return None


def overwritten_header(name: str) -> Unseen | None:
    """Why clients do not decide what routes see in the header; ``None`` if they do."""
    if name.lower() in ("x-forwarded-proto", "x-envoy-external-address"):
        return Unseen("is overwritten by gateways", _USE_ANOTHER)
    if name.lower() == "x-forwarded-for":
        return Unseen("always ends with an address, which gateways append", _USE_ANOTHER)
    if name.lower() in ("te", "upgrade"):
        return Unseen("belongs to one connection", _USE_ANOTHER)
    return None


def unseen_value(name: str, match: StringMatch, *, tls: bool) -> Unseen | None:
    """Why no route sees a value of the header that meets ``match``; ``None`` if some may.

    ``tls``: whether the gateway has a server that terminates TLS.
    """
    match name.lower():
        case "te":
            if not match.matches("trailers"):
                why = "reaches routes as `trailers` only: gateways remove other values"
                return Unseen(why, "write exact: trailers, or remove the condition")
        case "upgrade":
            if not any(map(match.matches, ("websocket", "WebSocket", "Websocket", "WEBSOCKET"))):
                why = (
                    "is served as `websocket` only: gateways refuse other upgrades, and ignore h2c"
                )
                return Unseen(why, "write exact: websocket, or remove the condition")
        case "x-forwarded-proto":
            schemes = ("http", "https") if tls else ("http",)
            if not any(map(match.matches, schemes)):
                why = f"is overwritten by the gateway: here it is {' or '.join(schemes)}"
                return Unseen(why, _USE_ANOTHER)
        case "x-envoy-external-address":
            if match.kind is MatchKind.EXACT and not _is_address(match.value):
                return Unseen("is overwritten with the client's address", "write an address")
        case "x-forwarded-for":
            if match.kind is MatchKind.EXACT and not _is_address(match.value.split(",")[-1]):
                why = "always ends with an address, which the gateway appends"
                return Unseen(why, "write a prefix or a regex, or end the text with an address")
    return unseen_header(name)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip())
    except ValueError:
        return False
    return True
