"""Headers by which proxies inform one another about a request, in all dialects."""

from __future__ import annotations

#: An inbound proxy sets it on its 503 if it could not connect to its application. The request
#: certainly did not arrive, so the caller's proxy retries elsewhere and ejects the endpoint.
UNREACHABLE_HEADER = "x-laneway-unreachable"
