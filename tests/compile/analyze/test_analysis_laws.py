"""Laws over meshes of every kind: analysis never fails, and what it says is so."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.compile import chain_strategies, rule_documents
from tests.compile.analyze.example_checks import proved
from tests.compile.mesh_strategies import (
    LANE_NAMES,
    NAMES,
    OTHER_HEADER,
    PATHS,
    PORTS,
    ROUTE_HEADER,
    meshes,
)

from laneway.compile.analyze import Code, analyze
from laneway.compile.analyze.match_languages import covers, implies, language
from laneway.compile.lower import lower
from laneway.compile.simulate import Request
from laneway.compile.simulate.gateways import find_route, hosts_at
from laneway.compile.simulate.path_normalization import split_target
from laneway.model.findings import Finding
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.regexes import fault

_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]


@settings(suppress_health_check=_SLOW)
@given(meshes(), st.none() | st.frozensets(st.sampled_from(NAMES)))
def test_every_example_does_what_its_finding_says(
    mesh: Mesh, ready: frozenset[ObjectName] | None
) -> None:
    for finding in proved(mesh, ready):
        if finding.code in set(Code) and finding.code != Code.NO_READY_WORKLOAD:
            assert finding.example is not None


@settings(suppress_health_check=_SLOW)
@given(chain_strategies.meshes(), st.randoms(use_true_random=False))
def test_no_lane_is_lost_inside_its_group(mesh: Mesh, chance: Random) -> None:
    ready = frozenset(w.name for w in mesh.workloads if chance.random() < 0.7)
    for finding in proved(mesh, ready):
        assert finding.code != Code.LANE_LOST


def requests() -> Iterator[Request]:
    """Of everything that rules of ``mesh_strategies`` can ask for, and of what they do not."""
    hosts = ["a.example.com", "b.a.example.com", "x.example.com", "b.test", "localhost"]
    targets = ["/m", "/my", "/mock/a/b", *(path for path in PATHS if "?" not in path)]
    split = dict.fromkeys(found for path in targets if (found := split_target(path)))
    names = [{}, *({ROUTE_HEADER: lane} for lane in LANE_NAMES)]
    names += [{**one, OTHER_HEADER: lane} for one in names[:3:2] for lane in ("t1", "s2")]
    betas: list[dict[str, str]] = [{}, *({"x-beta": text} for text in ("1", "1,2", "2"))]
    for host, (path, _), query, method, beta, name in product(
        hosts, split, ["", "?q=1", "?q=a"], ["GET", "POST", "DELETE"], betas, names
    ):
        yield Request(host, path + query, method, {**beta, **name})


@settings(max_examples=settings().max_examples // 5, suppress_health_check=_SLOW)
@given(meshes())
def test_exactly_the_rules_that_are_told_take_no_request(mesh: Mesh) -> None:
    """Brute force: every request of the vocabulary, and which rules took one."""
    (gateway,) = lower(mesh).gateways.values()
    taking: set[int] = set()
    standing = {
        id(route): route
        for server in gateway.servers
        for host in server.virtual_hosts
        for route in host.routes
    }
    for port, request in product(PORTS, requests()):
        target = split_target(request.path)
        route = find_route(hosts_at(gateway, port), request, *target) if target else None
        if route is not None:
            taking.add(id(route))
    at_work = {id(rule) for key in taking for _, rule in standing[key].rules}
    dead = {
        (f"{lane.group}/{lane.name}", lane.ingress.index(rule), route.host): id(rule)
        for key, route in standing.items()
        if key not in taking
        for lane, rule in route.rules[:1]
    }
    findings = analyze(mesh)
    told = {place(f, mesh) for f in findings if f.code == Code.SHADOWED_RULE}
    never = {place(f, mesh) for f in findings if f.code == Code.UNMATCHABLE_RULE}
    assert told | never <= dead.keys()
    # What is not told is taken by the same rule, by another of its hosts; or told of one of them.
    at_work |= {dead[key] for key in never}
    assert all(dead[key] in at_work for key in dead.keys() - told - never)


def place(finding: Finding, mesh: Mesh) -> tuple[str, int, str]:
    """Whose rule it is, which, and of which host."""
    assert finding.subject is not None
    name, index = finding.subject.name, finding.path[2]
    assert isinstance(index, int)
    lane = next(one for one in mesh.lanes if f"{one.group}/{one.name}" == name)
    position = finding.path[4] if len(finding.path) > 4 else 0
    assert isinstance(position, int)
    return name, index, lane.ingress[index].hosts[position]


REGEXES = [
    "/mock|/x[0-9]+", "/mock/.*", ".*", r"/v\d/(a|b)?", "/a{2}b", "(?i)/mock", "/[^/]+/x", r"\.\w+",
    "/a.+", "a|", r"/mock/\w\w", "(?:/a|/b)*", "(?P<x>/a)?/c", "[a-c-]{1,3}", r"/\*\+", "^/a$",
    r"[\]x]", "/a{2,}", "(a|b|c)(d|e)f?", r"\bx\b", "x*?y", "()", "(|a)b.*",
]  # fmt: skip


@pytest.mark.parametrize("text", REGEXES)
@given(data=st.data())
def test_stems_hold_all_that_a_regex_matches(text: str, data: st.DataObject) -> None:
    match = StringMatch(MatchKind.REGEX, text)
    ascii_only = st.characters(codec="ascii")
    found = data.draw(st.from_regex(text, fullmatch=True, alphabet=ascii_only))
    if match.matches(found) and "\n" not in found:
        stems = language(match).stems
        assert any(found == s.text if s.whole else found.startswith(s.text) for s in stems)


@settings(suppress_health_check=[*HealthCheck])
@given(
    rule_documents.regexes.filter(lambda text: len(text) < 200 and not fault(text)),
    st.lists(st.text("a/x-1A.*é", max_size=4), min_size=1, max_size=20),
)
@example("[é]{2}", ["é"])
@example("é+", ["éé"])
@example(r"\Qa*\E", ["a*"])
@example(r"(?i:a)/", ["A/"])
@example(r"[a\pN]", ["1"])
def test_stems_hold_all_that_any_syntax_of_re2_matches(text: str, found: list[str]) -> None:
    match = StringMatch(MatchKind.REGEX, text)
    stems = language(match).stems
    for each in filter(match.matches, found):
        assert any(each == s.text if s.whole else each.startswith(s.text) for s in stems)


@pytest.mark.parametrize("text", REGEXES)
@given(ending=st.text(st.characters(codec="ascii", exclude_characters="\n")))
def test_exact_stems_hold_nothing_else(text: str, ending: str) -> None:
    match = StringMatch(MatchKind.REGEX, text)
    own = language(match)
    assert all(match.matches(sample) for sample in own.samples)
    for stem in own.stems if own.exact else ():
        assert match.matches(stem.text if stem.whole else stem.text + ending)
        assert covers(match, stem)


TEXTS = st.text("/ab", max_size=3)
MATCHES = st.builds(StringMatch, st.sampled_from([MatchKind.EXACT, MatchKind.PREFIX]), TEXTS)


@given(MATCHES, MATCHES, TEXTS)
def test_what_implies_holds_for_every_string(
    narrow: StringMatch, wide: StringMatch, text: str
) -> None:
    if implies(narrow, wide) and narrow.matches(text):
        assert wide.matches(text)
