"""Pairs of rules whose conditions one request can meet, and which of the two takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from laneway.compile.analyze.reachability import Port, Survey
from laneway.compile.analyze.request_synthesis import witnesses
from laneway.compile.ir import IngressRoute
from laneway.compile.simulate import Request


@dataclass(frozen=True, slots=True)
class Meeting:
    """``request`` meets the conditions of both; ``winner`` takes it."""

    winner: IngressRoute
    loser: IngressRoute
    port: Port
    request: Request


def meetings(
    survey: Survey, concern: Callable[[IngressRoute, IngressRoute], bool]
) -> Iterator[Meeting]:
    """Each pair of routes for which ``concern`` is true, with a request that meets both.

    ``concern`` is called with the route that takes precedence first. Routes whose requests are all
    taken by other routes are left out.
    """
    seen: set[tuple[int, int]] = set()
    for port in survey.ports:
        for host in port.hosts:
            alive = [route for route in host.routes if id(route) in survey.alive]
            for winner, loser in combinations(alive, 2):
                pair = id(winner), id(loser)
                if pair in seen or not concern(winner, loser):
                    continue
                several = witnesses(host, [winner, loser], port.hosts)
                request = next((r for r in several if port.taker(r) is winner), None)
                if request is not None:
                    seen.add(pair)
                    yield Meeting(winner, loser, port, request)
