"""The precedence of ingress conditions."""

from __future__ import annotations

from laneway.compile.ir import EntryRule, IngressRoute
from laneway.model.matches import MatchKind
from laneway.model.rule_conditions import Condition

_KIND_ORDER = {MatchKind.EXACT: 0, MatchKind.PREFIX: 1, MatchKind.REGEX: 2}


def precedence(route: IngressRoute | EntryRule | Condition) -> tuple[int, int, int, int, int]:
    """A sort key: the most specific condition has the lowest.

    The order of hosts is: exact, ``*.suffix`` (longer first), ``*``. Then that of URIs: exact,
    prefix, regex, none; longer values first. Then more conditions on method, headers and query come
    first. Equal keys keep the order of routes: conditions for named lanes first, then the order of
    declaration.
    """
    host = 2 if route.host == "*" else 1 if route.host.startswith("*") else 0
    kind = 3 if route.uri is None else _KIND_ORDER[route.uri.kind]
    length = 0 if route.uri is None else len(route.uri.value)
    conditions = bool(route.methods) + len(route.headers) + len(route.query)
    return host, -len(route.host), kind, -length, -conditions
