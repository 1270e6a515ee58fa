"""Which of two ingress conditions is asked first."""

from __future__ import annotations

from laneway.compile.ir import EntryRule, IngressRoute
from laneway.model.matches import MatchKind
from laneway.model.rule_conditions import Condition

_KIND_ORDER = {MatchKind.EXACT: 0, MatchKind.PREFIX: 1, MatchKind.REGEX: 2}


def precedence(route: IngressRoute | EntryRule | Condition) -> tuple[int, int, int, int, int]:
    """The most specific condition first: host, kind of URI match, its length, further conditions.

    An exact host precedes ``*.suffix`` (longer first), which precedes ``*``; an exact URI precedes
    a prefix, a prefix a regex, a regex no condition; longer values precede. Then the more
    conditions on method, headers and query precede. Ties keep the order that routes are made in:
    what only lanes that are named ask for is first, then the order of declaration.
    """
    host = 2 if route.host == "*" else 1 if route.host.startswith("*") else 0
    kind = 3 if route.uri is None else _KIND_ORDER[route.uri.kind]
    length = 0 if route.uri is None else len(route.uri.value)
    conditions = bool(route.methods) + len(route.headers) + len(route.query)
    return host, -len(route.host), kind, -length, -conditions
