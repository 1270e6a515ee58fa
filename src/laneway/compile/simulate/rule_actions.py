"""Simulates a gateway after routing: the changes that a rule makes, also in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from laneway.compile.ir import IngressRoute
from laneway.compile.simulate.outcomes import Reason, Request, Why
from laneway.compile.simulate.phrases import Phrase, reason
from laneway.model.rule_actions import HeaderChanges, RuleActions, rewritten_path

Headers = Mapping[str, str]


def rewritten(ingress: IngressRoute, request: Request, path: str) -> Request:
    """``request`` with the host and path that the service gets. ``path`` is the original path,
    normalized and without the query."""
    _, question_mark, query = request.path.partition("?")
    return replace(
        request,
        host=ingress.actions.authority or request.host,
        path=rewritten_path(ingress.actions, ingress.uri, path) + question_mark + query,
    )


def changed(changes: HeaderChanges, headers: Headers) -> Headers:
    """``headers`` after the changes; their names are in lower case."""
    kept = {name: value for name, value in headers.items() if name not in changes.remove}
    added = {
        name: f"{kept[name]},{value}" if name in kept else value for name, value in changes.add
    }
    return {**kept, **added, **dict(changes.set)}


def action_reasons(actions: RuleActions, sent: Request) -> Iterator[Reason]:
    """A reason for each action of the rule. ``sent`` is the request as the service gets it."""
    if actions.uri is not None:
        yield reason(Why.ACTION, Phrase.REWRITES_PATH, path=sent.path)
    if actions.authority is not None:
        yield reason(Why.ACTION, Phrase.REWRITES_HOST, host=actions.authority)
    yield from _header_reasons(actions.request_headers, _OF_REQUEST)
    yield from _header_reasons(actions.response_headers, _OF_RESPONSE)
    if actions.timeout is not None:
        yield reason(Why.ACTION, Phrase.TIMES_OUT, seconds=_seconds(actions.timeout))
    if retries := actions.retries:
        tries = {"attempts": retries.attempts, "conditions": ", ".join(retries.retry_on)}
        if (each := retries.per_try_timeout) is not None:
            yield reason(Why.ACTION, Phrase.RETRIES_WITHIN, seconds=_seconds(each), **tries)
        else:
            yield reason(Why.ACTION, Phrase.RETRIES, **tries)


#: Of a header that is set, added and removed.
_OF_REQUEST = (
    Phrase.SETS_REQUEST_HEADER,
    Phrase.ADDS_REQUEST_HEADER,
    Phrase.REMOVES_REQUEST_HEADER,
)
_OF_RESPONSE = (
    Phrase.SETS_RESPONSE_HEADER,
    Phrase.ADDS_RESPONSE_HEADER,
    Phrase.REMOVES_RESPONSE_HEADER,
)


def _header_reasons(
    changes: HeaderChanges, phrases: tuple[Phrase, Phrase, Phrase]
) -> Iterator[Reason]:
    is_set, is_added, is_removed = phrases
    for name, value in changes.set:
        yield reason(Why.ACTION, is_set, header=name, value=value)
    for name, value in changes.add:
        yield reason(Why.ACTION, is_added, header=name, value=value)
    for name in changes.remove:
        yield reason(Why.ACTION, is_removed, header=name)


def _seconds(time: timedelta) -> str:
    return f"{time.total_seconds():g}"
