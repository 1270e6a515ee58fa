"""The conditions of a rule, as a match in a route of a VirtualService."""

from __future__ import annotations

from laneway.compile.ir import EntryRule, IngressRoute
from laneway.compile.istio.resources import Document, string_match, string_matches
from laneway.model.regexes import one_of


def condition(rule: IngressRoute | EntryRule) -> Document:
    match: Document = {}
    if rule.headers:
        match["headers"] = string_matches(rule.headers)
    if rule.methods:
        (method, *more) = rule.methods
        match["method"] = {"regex": one_of(rule.methods)} if more else {"exact": method}
    if rule.query:
        match["queryParams"] = string_matches(rule.query)
    if rule.uri is not None:
        match["uri"] = string_match(rule.uri)
    return match
