"""The actions of an ingress rule: what a gateway does with its requests besides routing them.

The fields are those of Istio's VirtualService. They are part of a rule (``lanes.IngressRule``), and
``compile`` translates them into each dialect.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from laneway.model.matches import MatchKind, StringMatch


@dataclass(frozen=True, slots=True)
class HeaderChanges:
    """Names are in lower case, in alphabetical order, and each is in one of the three fields.

    ``add`` keeps the values that are there; ``set`` replaces them.
    """

    set: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (*(name for name, _ in self.set), *(name for name, _ in self.add), *self.remove)


NO_CHANGES = HeaderChanges()


@dataclass(frozen=True, slots=True)
class Retries:
    """At most ``attempts`` retries, in the subset to which the request was routed.

    ``retry_on`` are Envoy's conditions and status codes. Requests that did not reach an application
    are always retried.
    """

    attempts: int
    retry_on: tuple[str, ...] = ("unavailable", "cancelled")
    per_try_timeout: timedelta | None = None


@dataclass(frozen=True, slots=True)
class RuleActions:
    """``uri`` replaces the part of the path that the rule's condition has matched: the prefix, or
    all of it; the query stays. ``authority`` replaces the host. ``timeout`` ``None``: no limit.
    """

    uri: str | None = None
    authority: str | None = None
    timeout: timedelta | None = None
    retries: Retries | None = None
    request_headers: HeaderChanges = NO_CHANGES
    response_headers: HeaderChanges = NO_CHANGES


NO_ACTIONS = RuleActions()


def rewritten_path(actions: RuleActions, uri: StringMatch | None, path: str) -> str:
    """The path of a request that meets ``uri``; both paths are without their query."""
    if actions.uri is None:
        return path
    if uri is not None and uri.kind is MatchKind.PREFIX:
        return actions.uri + path[len(uri.value) :]
    return actions.uri
