"""Ingress rules of one domain -> rules in HTTPRoutes. Documents and the report both read plans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

from laneway.compile.gateway_api.matches import Match
from laneway.compile.gateway_api.names import LaneServices
from laneway.compile.gateway_api.precedence import Arrangement, Entry, arrange
from laneway.compile.gateway_api.resources import Backend, Document, Rule
from laneway.compile.gateway_api.route_splitting import packed
from laneway.compile.gateway_api.rule_actions import Actions
from laneway.compile.gateway_api.services import backend
from laneway.compile.gateway_api.supported_matches import conditions, is_host
from laneway.compile.ir import GatewayRoutes, IngressRoute, Split, VirtualHost
from laneway.model.rule_actions import NO_ACTIONS


@dataclass(frozen=True, slots=True)
class Plan:
    """``routes`` are the rules of each HTTPRoute. Without a ``port`` it is for all ports."""

    host: VirtualHost
    port: int | None
    arrangement: Arrangement
    routes: Sequence[Sequence[Rule]]


def plans(gateway: GatewayRoutes, services: LaneServices) -> Iterator[Plan]:
    """A plan for each domain; for each port, too, if the gateway's ports have different domains."""
    by_port = {server.server.port: server.virtual_hosts for server in gateway.servers}
    alike = len({frozenset(host.domain for host in hosts) for hosts in by_port.values()}) <= 1
    for port, hosts in list(by_port.items())[: 1 if alike else None]:
        for host in hosts:
            if is_host(host.domain):
                yield _plan(host, None if alike else port, services)


def _plan(host: VirtualHost, port: int | None, services: LaneServices) -> Plan:
    entries = [
        entry
        for source, ingress in enumerate(host.routes)
        for entry in _entries(source, ingress, services)
    ]
    arrangement = arrange(entries)
    return Plan(host, port, arrangement, packed(_rules(arrangement)))


def _rules(arrangement: Arrangement) -> Iterator[Rule]:
    """Neighbouring entries with the same backends become one rule."""
    standing = [
        (Rule((), entry.backends, *_acted(entry, match)), match)
        for entry, matches in zip(arrangement.entries, arrangement.matches, strict=True)
        for match in matches
    ]
    for rule, neighbours in groupby(standing, key=itemgetter(0)):
        yield replace(rule, matches=tuple(dict.fromkeys(match for _, match in neighbours)))


def _acted(entry: Entry, match: Match) -> tuple[tuple[Document, ...], str | None]:
    """The filters and the timeout of requests that meet one match of an entry."""
    if entry.actions is None or not entry.backends:
        return (), None
    return entry.actions.filters(match.path), entry.actions.timeout


def _entries(source: int, ingress: IngressRoute, services: LaneServices) -> Iterator[Entry]:
    """One entry for each lane, then one for requests that name none, if the rule is for all."""
    rest: tuple[Backend, ...] = (backend(ingress.route.default, services),)
    if ingress.not_found:
        rest = ()
    matches = conditions(ingress)
    actions = None if ingress.actions == NO_ACTIONS else Actions.of_route(ingress)
    for header, lane, to in _lanes(ingress, services):
        for match in matches:
            named = match.with_header(header, lane)
            if named is not None:
                yield Entry(named, to, source, actions)
    if ingress.named is not None:
        return
    if ingress.split is not None:
        rest = shares(ingress.split, services)
    if ingress.entered is not None:
        entered = (ingress.entered.header.lower(), ingress.entered.lane)
        rest = tuple(replace(to, sets=entered) for to in rest)
    yield from (Entry(match, rest, source, actions) for match in matches)


def _same(header: str, other: str) -> bool:
    return header.lower() == other.lower()


def _lanes(
    ingress: IngressRoute, services: LaneServices
) -> Iterator[tuple[str, str, tuple[Backend, ...]]]:
    """(header, lane, backends), without lanes that have the same backends as other requests.

    Such lanes are still listed where other requests would otherwise match: because of weights,
    which are for requests without a lane, or of another group's header.
    """
    rest = (backend(ingress.route.default, services),)
    if ingress.named is not None:
        (choice,) = ingress.route.choices
        for lane in ingress.named.lanes:
            to = (backend(choice.lanes.get(lane, ingress.route.default), services),)
            yield choice.header, lane, to
        return
    plain = len(ingress.route.choices) == 1 and not ingress.not_found and ingress.split is None
    for choice in ingress.route.choices:
        for lane, target in choice.lanes.items():
            to = (backend(target, services),)
            if to != rest or not plain:
                yield choice.header, lane, to
    for exempt in ingress.split.exempt if ingress.split is not None else ():
        choices = [each for each in ingress.route.choices if _same(each.header, exempt.header)]
        for other in exempt.lanes:
            if not any(other in choice.lanes for choice in choices):
                yield exempt.header, other, () if ingress.not_found else rest


def shares(split: Split, services: LaneServices) -> tuple[Backend, ...]:
    """A backend for each share. It gets the lane's header, as if the client had sent it."""
    return tuple(
        replace(
            backend(share.target, services),
            weight=share.weight,
            sets=(split.header.lower(), share.lane) if share.lane else None,
        )
        for share in split.shares
    )
