"""What a rule does with its requests, as fields of a VirtualService's route."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from laneway.compile.istio.resources import Document, retries
from laneway.model.rule_actions import HeaderChanges, Retries, RuleActions


def acted(actions: RuleActions) -> Document:
    """The fields of a route that leads somewhere; its retries are among them in any case."""
    route: Document = {"retries": _retries(actions.retries) if actions.retries else retries()}
    rewrite = {"uri": actions.uri, "authority": actions.authority}
    if named := {field: value for field, value in rewrite.items() if value is not None}:
        route["rewrite"] = named
    if actions.timeout is not None:
        route["timeout"] = _duration(actions.timeout)
    changes = {"request": actions.request_headers, "response": actions.response_headers}
    if headers := {of: _changes(each) for of, each in changes.items() if each.names}:
        route["headers"] = headers
    return route


def _retries(given: Retries) -> Document:
    """With the conditions of all routes: a request that reached no application is safe to send
    again."""
    conditions = retries()["retryOn"].split(",")
    every = dict.fromkeys([*conditions, *given.retry_on])
    found: Document = {"attempts": given.attempts, "retryOn": ",".join(every)}
    if given.per_try_timeout is not None:
        found["perTryTimeout"] = _duration(given.per_try_timeout)
    return found


def _changes(changes: HeaderChanges) -> Document:
    every = {
        "set": _values(dict(changes.set)),
        "add": _values(dict(changes.add)),
        "remove": list(changes.remove),
    }
    return {field: value for field, value in every.items() if value}


def _values(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Istio hands values to Envoy, where ``%`` begins a command."""
    return {name: value.replace("%", "%%") for name, value in headers.items()}


def _duration(time: timedelta) -> str:
    """Seconds, which all parsers of durations take."""
    return f"{time.total_seconds():.3f}".rstrip("0").rstrip(".") + "s"
