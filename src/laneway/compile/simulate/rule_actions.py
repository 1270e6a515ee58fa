"""Simulates a gateway after routing: the changes that a rule makes, also in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from laneway.compile.ir import IngressRoute
from laneway.compile.simulate.outcomes import Reason, Request, Why
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
    words = [
        *([f"rewrites the path to {sent.path}"] if actions.uri is not None else []),
        *([f"rewrites the host to {actions.authority}"] if actions.authority is not None else []),
        *_header_words("request", actions.request_headers),
        *_header_words("response", actions.response_headers),
    ]
    if actions.timeout is not None:
        words.append(f"answers 504 after {_seconds(actions.timeout)}")
    if retries := actions.retries:
        each = f" of {_seconds(retries.per_try_timeout)} each" if retries.per_try_timeout else ""
        conditions = ", ".join(retries.retry_on)
        words.append(
            f"lets the lane that answers try up to {retries.attempts} more times{each} on "
            f"{conditions}"
        )
    return (Reason(Why.ACTION, f"the rule {text}") for text in words)


def _header_words(of: str, changes: HeaderChanges) -> Iterator[str]:
    yield from (f"sets the {of} header {name}: {value}" for name, value in changes.set)
    yield from (f"adds the {of} header {name}: {value}" for name, value in changes.add)
    yield from (f"removes the {of} header {name}" for name in changes.remove)


def _seconds(time: timedelta) -> str:
    return f"{time.total_seconds():g} s"
