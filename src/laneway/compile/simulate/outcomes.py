"""The input and output of the simulator: a request, and the path that it takes."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.model.names import ObjectName
from laneway.model.rule_actions import NO_CHANGES, HeaderChanges


@dataclass(frozen=True, slots=True)
class Request:
    """A request at a gateway. ``host`` may have a port, ``path`` a query.

    A header that is sent more than once has a tuple of values.
    """

    host: str = "localhost"
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    @property
    def header_lines(self) -> Mapping[str, tuple[str, ...]]:
        """The values in order, by lower-case name."""
        lines: dict[str, tuple[str, ...]] = {}
        for name, values in self.headers.items():
            several = (values,) if isinstance(values, str) else values
            key = name.lower()
            lines[key] = (*lines.get(key, ()), *(value.strip(" \t") for value in several))
        return lines


class Why(enum.Enum):
    """The kinds of reasons. Those after ``NO_GROUP`` are causes of a fallback."""

    RULE = "rule"
    TRACE_SET = "trace header set"
    HEADER = "header"
    CALLER = "caller's lane"
    WEIGHT = "weight"
    MEMORY = "trace memory"
    BAGGAGE = "baggage"
    NAME_READ = "name read"
    ENTERED = "enter rule"
    ACTION = "rule's action"
    NO_GROUP = "service in no group"
    NO_LANE = "no lane named"
    UNKNOWN_LANE = "unknown lane"
    DISABLED_LANE = "lane disabled"
    EXPIRED_LANE = "lane expired"
    NO_RULE = "lane has no such rule"
    NO_SERVICE = "lane has no such service"
    NOT_READY = "no ready instance"
    PAST_SIDECAR = "call past the sidecar"


_CAUSES = (
    Why.NO_LANE,
    Why.UNKNOWN_LANE,
    Why.DISABLED_LANE,
    Why.EXPIRED_LANE,
    Why.NO_RULE,
    Why.NO_SERVICE,
    Why.NOT_READY,
)


@dataclass(frozen=True, slots=True)
class Reason:
    """``text`` is in English. ``phrase`` is the code of its sentence, which has the ``arguments``;
    it is "" where only the text is known."""

    why: Why
    text: str
    phrase: str = field(default="", compare=False)
    arguments: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of the path, from ``caller`` (``None``: the gateway) to ``service``.

    ``intended`` is the lane that the request named, ``served`` the lane that answers. They are
    ``None`` if no lane was named, or the service is in no group. Any of ``workloads`` may answer.
    ``unready`` are lanes that come earlier in the chain and have no ready instance.
    """

    caller: ObjectName | None
    service: ObjectName
    port: int
    intended: str | None
    served: str | None
    workloads: tuple[ObjectName, ...]
    reasons: tuple[Reason, ...]
    unready: tuple[str, ...] = ()

    @property
    def fallback(self) -> Why | None:
        """Why another lane than the intended one answers, or ``None`` if the intended one does."""
        causes = (reason.why for reason in self.reasons if reason.why in _CAUSES)
        return next(causes, None) if self.workloads else None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a path ends early. ``status`` is the proxy's answer, or ``None`` if it is not known."""

    message: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The hops in the order in which applications make them, up to the first that fails.

    ``unknown_calls`` are the services among them whose calls are not known, so the real path may go
    on from there. ``sent`` is the request as the first service gets it, with the changes that the
    gateway's rule makes. ``response_headers`` are the rule's changes of the response.
    """

    hops: tuple[Hop, ...] = ()
    failure: Failure | None = None
    unknown_calls: tuple[ObjectName, ...] = ()
    sent: Request | None = None
    response_headers: HeaderChanges = NO_CHANGES
