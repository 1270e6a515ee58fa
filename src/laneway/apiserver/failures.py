"""Refused requests: Kubernetes' ``Status``, with laneway's findings as its causes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from laneway.model.findings import Finding

#: https://kubernetes.io/docs/reference/using-api/api-concepts/: the reason for each code.
REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    408: "Timeout",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "Timeout",
    507: "InsufficientStorage",
}


#: Kubernetes' text, because some clients compare it.
NO_SUCH_METHOD = "the server does not allow this method on the requested resource"


class Failure(Exception):
    """A request that is refused. ``causes`` are those of ``StatusDetails``."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        reason: str = "",
        details: dict[str, Any] | None = None,
        causes: Sequence[dict[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason or REASONS[code]
        self.details = {**(details or {}), **({"causes": list(causes)} if causes else {})}

    @property
    def document(self) -> dict[str, Any]:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
            **({"details": self.details} if self.details else {}),
        }


def invalid_option(options: str, field: str, message: str) -> Failure:
    """A parameter of a request that cannot be: ``options`` is its group, as ``ListOptions``."""
    cause = {"reason": "FieldValueInvalid", "message": message, "field": field}
    return Failure(
        422,
        f'{options}.meta.k8s.io "" is invalid: {field}: {message}',
        details={"group": "meta.k8s.io", "kind": options},
        causes=[cause],
    )


def too_large_version(wanted: int, latest: int) -> Failure:
    """Of a list that must not be older than a version which is not there yet. Clients know it by
    its cause, and list without a version."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return Failure(
        504,
        f"Timeout: Too large resource version: {wanted}, current: {latest}",
        details={"retryAfterSeconds": 1},
        causes=[cause],
    )


def finding_causes(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Each finding as a cause: its code, the field, what is wrong and what would be right."""
    return [
        {"reason": finding.code, "message": finding.explanation, "field": finding.field}
        for finding in findings
    ]
