"""Headers by which proxies tell one another what happened to a request, in every dialect."""

from __future__ import annotations

#: Set by an inbound proxy on a 503 of its own when it could not connect to its application: the
#: request certainly did not reach it. Callers' proxies retry elsewhere and eject the endpoint.
UNREACHABLE_HEADER = "x-laneway-unreachable"
