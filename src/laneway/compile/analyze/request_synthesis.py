"""Finds requests that meet the conditions of one route, or of several routes at once.

Values are guessed from the conditions and then checked with each of them. So every request that is
found is correct, but some may be missed (those of a regex, or of several conditions on a header).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product

from laneway.compile.analyze.match_languages import language
from laneway.compile.ir import IngressRoute, VirtualHost
from laneway.compile.simulate import Request
from laneway.compile.simulate.gateways import covering_host, takes
from laneway.compile.simulate.path_normalization import split_target
from laneway.model.matches import StringMatch

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "REPORT")
_MOST = 400

Headers = Mapping[str, str]


def witnesses(
    host: VirtualHost, routes: Sequence[IngressRoute], hosts: Sequence[VirtualHost]
) -> Iterator[Request]:
    """Requests to ``host`` that meet the conditions of all ``routes``. ``hosts`` are the port's."""
    name = next(_host_names(host, hosts), None)
    if name is None:
        return
    headers = _joint(
        [{k.lower(): v for k, v in route.headers.items()} for route in routes], _lanes(routes)
    )
    queries = _joint([route.query for route in routes])
    uris = [route.uri for route in routes if route.uri is not None]
    paths = [path for path in samples(uris, ["/", "/x"]) if _is_normal(path)]
    several = product(paths, _methods(routes, host), queries, headers)
    for path, method, query, lines in islice(several, _MOST):
        text = "&".join(f"{key}={value}" for key, value in query.items())
        request = Request(name, f"{path}?{text}" if text else path, method, lines)
        target = split_target(request.path)
        if target and all(takes(route, request, *target) for route in routes):
            yield request


def samples(matches: Iterable[StringMatch], otherwise: Sequence[str] = ()) -> list[str]:
    """Strings that meet every match."""
    wanted = list(matches)
    guesses = [text for match in wanted for text in language(match).samples] or otherwise
    return [t for t in dict.fromkeys(guesses) if all(match.matches(t) for match in wanted)]


def _lanes(routes: Iterable[IngressRoute]) -> Mapping[str, list[str]]:
    """By route header, the lanes whose requests all of the routes take."""
    lanes: dict[str, list[str]] = {}
    for named in (route.named for route in routes if route.named is not None):
        header, known = named.header.lower(), set(named.lanes)
        lanes[header] = [lane for lane in lanes.get(header, named.lanes) if lane in known]
    return lanes


def _joint(
    conditions: Sequence[Mapping[str, StringMatch]], names: Mapping[str, list[str]] | None = None
) -> list[Headers]:
    """Values for every name in the conditions, each of which meets all conditions on that name.

    ``names`` are the only values that are allowed for some names.
    """
    known = names or {}
    by_name: dict[str, list[StringMatch]] = {name: [] for name in known}
    for some in conditions:
        for name, match in some.items():
            by_name.setdefault(name, []).append(match)
    # An empty value is hard to send, so it comes last.
    values = [sorted(_texts(m, known.get(n)), key=lambda t: not t)[:6] for n, m in by_name.items()]
    return [dict(zip(by_name, chosen, strict=True)) for chosen in islice(product(*values), _MOST)]


def _texts(matches: Sequence[StringMatch], only: Sequence[str] | None) -> list[str]:
    if only is None:
        return samples(matches)
    return [text for text in only if all(match.matches(text) for match in matches)]


def _methods(routes: Sequence[IngressRoute], host: VirtualHost) -> list[str]:
    """The methods that all ``routes`` take, beginning with those that no other route requires."""
    asked = [set(route.methods) for route in routes if route.methods]
    if asked:
        return sorted(set.intersection(*asked))
    elsewhere = {method for route in host.routes for method in route.methods}
    return sorted(_METHODS, key=lambda method: method in elsewhere)[:3]


def _host_names(host: VirtualHost, hosts: Sequence[VirtualHost]) -> Iterator[str]:
    domain = host.domain.lower()
    guesses = [domain]
    if domain == "*":
        guesses = ["localhost", "any.test", "other.any.test"]
    elif domain.startswith("*."):
        guesses = [f"{label}{domain[1:]}" for label in ("any", "other", "any.other")]
    return (name for name in guesses if covering_host(hosts, name) is host)


def _is_normal(path: str) -> bool:
    """Whether normalization leaves the path unchanged."""
    return split_target(path) == (path, "")
