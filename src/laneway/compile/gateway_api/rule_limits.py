"""The compile report of ingress rules: unsupported conditions, and rules that overlap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laneway.compile.gateway_api.matches import Match, Order, Unmet, compare, meet
from laneway.compile.gateway_api.route_plans import Plan
from laneway.compile.gateway_api.rule_actions import untold
from laneway.compile.gateway_api.supported_matches import METHODS, conditions, problems
from laneway.compile.ir import IngressRoute
from laneway.model.findings import Finding, Path, Severity
from laneway.model.keys import key_of
from laneway.model.lanes import IngressRule, Lane
from laneway.model.matches import MatchKind
from laneway.model.suggestions import listing


class _Teller:
    """Findings of one ingress rule."""

    def __init__(self, lane: Lane, rule: IngressRule) -> None:
        self._key = key_of(lane)
        index = next((i for i, one in enumerate(lane.ingress) if one is rule), 0)
        self._path: Path = ("spec", "ingress", index)

    def __call__(self, code: str, message: str, fix: str, *field: str) -> Finding:
        return Finding(code, message, fix, self._key, (*self._path, *field), Severity.WARNING)


def rule_limits(ingress: IngressRoute) -> Iterator[Finding]:
    lane, rule = ingress.rules[0]
    told = _Teller(lane, rule)
    reasons = list(problems(ingress))
    if reasons:
        yield told(
            "GATEWAY_API_RULE_LEFT_OUT",
            f"an HTTPRoute cannot express rule {rule.name} of lane {lane.name}: "
            f"{'; '.join(reasons)}",
            "change the rule, or use another dialect",
        )
        return
    beyond = [method for method in ingress.methods if method not in METHODS]
    if beyond:
        yield told(
            "GATEWAY_API_METHODS_LEFT_OUT",
            f"an HTTPRoute cannot match {', '.join(beyond)}: rule {rule.name} of lane {lane.name} "
            "does not take such requests",
            f"choose from {', '.join(sorted(METHODS))}, or name no methods",
            "methods",
        )
    yield from _strings(ingress, told)
    yield from _rewriting(ingress, told)


def _strings(ingress: IngressRoute, told: _Teller) -> Iterator[Finding]:
    lane, rule = ingress.rules[0]
    (match, *_) = conditions(ingress)
    uri = ingress.uri
    if uri is not None and uri.kind is MatchKind.PREFIX and match.path.type == "PathPrefix":
        value = uri.value
        if value.endswith("/") and value != "/":
            text = f"{value} also takes {match.path.value}"
        else:
            text = f"{value} takes {value}/x and not {value}x"
        if value not in ("", "/"):
            yield told(
                "GATEWAY_API_PREFIX_BY_ELEMENT",
                f"in Gateway API a prefix matches whole path elements: {text}",
                "nothing to do if this is what you want; otherwise write a regex",
                "uri",
            )
    documents = match.document()
    regexes = ["the path"] if match.path.type == "RegularExpression" else []
    for what, field in (("header", "headers"), ("query parameter", "queryParams")):
        regexes += [
            f"the {what} {one['name']}"
            for one in documents.get(field, ())
            if one["type"] == "RegularExpression"
        ]
    if regexes:
        yield told(
            "GATEWAY_API_REGEX",
            f"rule {rule.name} of lane {lane.name} needs regular expressions for "
            f"{listing(regexes)}; implementations differ in the syntax, or support none",
            "check that yours supports RE2 syntax, or match exact values",
        )


def action_limits(found: Iterable[Plan]) -> Iterator[Finding]:
    """Each rule once, however many domains and lanes it has."""
    told: dict[int, Finding] = {}
    for plan in found:
        for entry, matches in zip(plan.arrangement.entries, plan.arrangement.matches, strict=True):
            lane, rule = plan.host.routes[entry.source].rules[0]
            if entry.actions is None or not entry.backends or id(rule) in told:
                continue
            reasons = list(untold(entry.actions.of))
            if any(entry.actions.keeps_path(match.path) for match in matches):
                reasons.append("a new prefix for paths that a regular expression takes")
            if reasons:
                told[id(rule)] = _Teller(lane, rule)(
                    "GATEWAY_API_ACTIONS_LEFT_OUT",
                    f"an HTTPRoute cannot say all actions of rule {rule.name} of lane {lane.name}: "
                    f"without {', '.join(reasons)}",
                    "use what your implementation has for it, or another dialect",
                    "actions",
                )
    yield from told.values()


def _rewriting(ingress: IngressRoute, told: _Teller) -> Iterator[Finding]:
    uri, new = ingress.uri, ingress.actions.uri
    if uri is None or new is None or uri.kind is not MatchKind.PREFIX:
        return
    if uri.value.endswith("/") != new.endswith("/"):
        yield told(
            "GATEWAY_API_REWRITE_BY_ELEMENT",
            f"Gateway API replaces whole path elements, so {uri.value} becomes {new} without a "
            "slash too many or too few; in laneway the text of the prefix is replaced",
            "end both with a slash, or neither",
            "actions",
            "rewrite",
            "uri",
        )


def precedence_limits(found: Iterable[Plan]) -> Iterator[Finding]:
    """One finding for each pair of rules, however many domains and lanes they share."""
    told: dict[tuple[int, int], Finding] = {}
    for plan in found:
        routes, entries = plan.host.routes, plan.arrangement.entries
        for earlier, later in (*plan.arrangement.unsure, *_parted(plan)):
            first, second = routes[entries[earlier].source], routes[entries[later].source]
            finding = _unsure(first, second)
            told.setdefault((id(first.rules[0][1]), id(second.rules[0][1])), finding)
        if plan.arrangement.full:
            lane, rule = routes[0].rules[0]
            told[id(plan.host), 0] = _Teller(lane, rule)(
                "GATEWAY_API_PRECEDENCE",
                f"the rules for {plan.host.domain} overlap in too many ways to express them all: "
                "other rules than in laneway may take some requests",
                "reduce the overlap of the rules",
            )
    yield from told.values()


def _unsure(first: IngressRoute, second: IngressRoute) -> Finding:
    (lane, rule), (other_lane, other) = first.rules[0], second.rules[0]
    return _Teller(lane, rule)(
        "GATEWAY_API_PRECEDENCE",
        f"rules {rule.name} (lane {lane.name}) and {other.name} (lane {other_lane.name}) both "
        "match some requests; which rule wins depends on the implementation, and in laneway it is "
        f"{rule.name}",
        "use exact conditions, or rules that do not overlap",
    )


def _parted(plan: Plan) -> Iterator[tuple[int, int]]:
    """Ties between matches of different HTTPRoutes, where the older route wins."""
    if len(plan.routes) == 1:
        return
    route_of = {
        match: number
        for number, rules in enumerate(plan.routes)
        for rule in rules
        for match in rule.matches
    }
    for earlier, later in plan.arrangement.ties:
        matches = plan.arrangement.matches
        if any(
            route_of[one] != route_of[other] and _tie(one, other)
            for one in matches[earlier]
            for other in matches[later]
        ):
            yield earlier, later


def _tie(one: Match, other: Match) -> bool:
    return meet(one, other) is not Unmet.DISJOINT and compare(one, other) is Order.TIE
