"""What can go wrong with an API server.

    ClusterError
    ├── Refused          it will not do this
    │   ├── Forbidden    a permission is missing; the text names it
    │   ├── NotFound     no such object, or no such kind: its CRD is not installed
    │   └── Gone         a resource version too old to watch from: list again
    └── Unavailable      it cannot be reached, is overloaded, or has failed
        └── Conflict     the object has changed, or is another by now: look again

``NoCredentials`` stands apart: there is no API server to ask.
"""

from __future__ import annotations

from typing import Any

from laneway.operator.cluster_port import Refused, Unavailable


class NoCredentials(Exception):
    """There is neither a kubeconfig nor a service account."""


class Forbidden(Refused):
    pass


class NotFound(Refused):
    pass


class Conflict(Unavailable):
    pass


class Gone(Refused):
    pass


_BY_CODE: dict[int, type[Refused | Unavailable]] = {404: NotFound, 409: Conflict, 410: Gone}


def error_of(code: int, body: Any, what: str) -> Refused | Unavailable:
    """The error that a response (a Kubernetes ``Status``, or anything) stands for.

    ``what`` was asked for, as in ``patch virtualservices default/x``.
    """
    error = _error_of(code, body, what)
    error.code, error.status = code, body if isinstance(body, dict) else {}
    return error


def _error_of(code: int, body: Any, what: str) -> Refused | Unavailable:
    said = body.get("message") if isinstance(body, dict) else None
    text = f"{what}: {said or f'HTTP {code}'}"
    if code == 401:
        return Unavailable(f"{text}; the credentials are not (or no longer) valid")
    if code == 403:
        verb, _, rest = what.partition(" ")
        resource = rest.partition(" ")[0]
        return Forbidden(
            f"{text}; allow `{verb}` on `{resource}` to laneway's service account (its ClusterRole)"
        )
    if code == 429 or code >= 500:
        return Unavailable(text)
    if code == 422 and _is_of_another(body):
        return Conflict(text)
    return _BY_CODE.get(code, Refused)(text)


def _is_of_another(body: Any) -> bool:
    """Whether the object has another uid than the one that was to be changed."""
    details = body.get("details") if isinstance(body, dict) else None
    causes = (details or {}).get("causes") or ()
    return any(cause.get("field") == "metadata.uid" for cause in causes)
