"""Rules in order of declaration mean the same when a rule's conditions decide instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from tests.compile.meshes import exact, prefix, regex

from laneway.compile.gateway_api import precedence
from laneway.compile.gateway_api.matches import Match, Order, Path, Unmet, compare, meet
from laneway.compile.gateway_api.precedence import Arrangement, Entry, arrange
from laneway.compile.gateway_api.resources import Backend
from laneway.model.matches import StringMatch
from laneway.model.names import ObjectName

Request = tuple[str, str, dict[str, str], dict[str, str]]

PATHS = ["/", "/a", "/a/b", "/a/b/c", "/x"]
REQUESTS: list[Request] = [
    (path, method, headers, query)
    for path, method, headers, query in product(
        PATHS,
        ["GET", "POST"],
        [{}, {"h": "1"}, {"h": "12"}, {"i": "1"}, {"h": "1", "i": "1"}, {"h": "12", "i": "2"}],
        [{}, {"q": "1"}],
    )
]


def to(name: str) -> tuple[Backend, ...]:
    return (Backend(ObjectName("default", name), 80),)


def takes(match: Match, request: Request) -> bool:
    path, method, headers, query = request
    return (
        match.path.matches(path)
        and match.method in (None, method)
        and all(name in headers and one.matches(headers[name]) for name, one in match.headers)
        and all(name in query and one.matches(query[name]) for name, one in match.query)
    )


def in_order(entries: Sequence[Entry], request: Request) -> tuple[Backend, ...]:
    return next((entry.backends for entry in entries if takes(entry.match, request)), ())


def by_conditions(found: Arrangement, request: Request) -> tuple[Backend, ...]:
    """Ties by order, as within one HTTPRoute."""
    best: tuple[Match, tuple[Backend, ...]] | None = None
    for entry, matches in zip(found.entries, found.matches, strict=True):
        for match in matches:
            if takes(match, request) and (best is None or compare(best[0], match) is Order.SECOND):
                best = match, entry.backends
    return best[1] if best is not None else ()


METHODS = st.sampled_from([None, None, None, "GET", "POST"])
PREFIXES = st.sampled_from(["/", "/", "/a", "/a/b"]).map(lambda value: Path("PathPrefix", value))
EXACT = st.sampled_from(["/a", "/a/b", "/x"]).map(lambda value: Path("Exact", value))


@st.composite
def entries(draw: st.DrawFn, strings: Sequence[StringMatch]) -> list[Entry]:
    found = []
    for number in range(draw(st.integers(1, 6))):
        headers = draw(st.dictionaries(st.sampled_from("hi"), st.sampled_from(strings)))
        query = draw(st.dictionaries(st.just("q"), st.sampled_from(strings)))
        match = Match(
            draw(PREFIXES | EXACT),
            draw(METHODS),
            tuple(sorted(headers.items(), key=lambda pair: pair[0])),
            tuple(query.items()),
        )
        backends = draw(st.sampled_from([to("a"), to("b"), to("c"), ()]))
        found.append(Entry(match, backends, number))
    return found


@given(entries([exact("1"), exact("2"), exact("12"), prefix("1")]))
def test_without_regular_expressions_the_two_are_the_same(declared: list[Entry]) -> None:
    found = arrange(declared)
    assert not found.full
    assert not found.unsure
    event(f"ties: {bool(found.ties)}")
    for request in REQUESTS:
        assert by_conditions(found, request) == in_order(declared, request)


@given(entries([exact("1"), exact("2"), prefix("1"), regex("1.*"), regex("[12]")]))
def test_where_they_may_differ_it_is_told(declared: list[Entry]) -> None:
    found = arrange(declared)
    for request in REQUESTS:
        if by_conditions(found, request) != in_order(declared, request):
            assert found.unsure


def entry(backends: tuple[Backend, ...], path: Path, **fields: StringMatch) -> Entry:
    return Entry(Match(path, None, tuple(fields.items())), backends, 0)


ROOT, A, B = Path("PathPrefix", "/"), Path("PathPrefix", "/a"), Path("Exact", "/a/b")


def test_a_narrower_rule_that_comes_later_is_overruled() -> None:
    first, second = entry(to("a"), ROOT, h=exact("1")), entry(to("b"), B)
    found = arrange([first, second])
    both = Match(B, None, (("h", exact("1")),))
    assert list(found.matches[0]) == [first.match, both]
    assert list(found.matches[1]) == [second.match]


def test_nothing_is_added_where_conditions_decide_alike() -> None:
    declared = [
        entry(to("a"), B, h=exact("1")),
        entry(to("b"), B),
        entry(to("c"), A, h=exact("2")),
        entry(to("a"), ROOT),
    ]
    assert [list(one) for one in arrange(declared).matches] == [[e.match] for e in declared]


def test_rules_that_lead_to_the_same_need_no_order() -> None:
    declared = [entry(to("a"), ROOT, h=exact("1")), entry(to("a"), B)]
    assert [len(one) for one in arrange(declared).matches] == [1, 1]


def test_a_rule_that_can_take_nothing_is_left_out() -> None:
    declared = [entry(to("a"), A), entry(to("b"), B), entry(to("c"), A, h=exact("1"))]
    assert [len(one) for one in arrange(declared).matches] == [1, 0, 0]


def test_a_refusal_is_a_rule_only_before_what_would_take_its_requests() -> None:
    kept = arrange([entry((), A), entry(to("b"), ROOT)])
    left = arrange([entry(to("b"), A), entry((), ROOT)])
    assert [len(one) for one in kept.matches] == [1, 1]
    assert [len(one) for one in left.matches] == [1, 0]


def test_a_regular_expression_beside_a_prefix_is_told() -> None:
    declared = [entry(to("a"), Path("RegularExpression", "/a.*")), entry(to("b"), ROOT)]
    assert list(arrange(declared).unsure) == [(0, 1)]
    apart = [entry(to("a"), Path("RegularExpression", "/b.*")), entry(to("b"), B)]
    assert not arrange(apart).unsure


def test_values_of_one_header_that_overlap_tie() -> None:
    found = arrange([entry(to("a"), A, h=exact("1")), entry(to("b"), A, h=prefix("1"))])
    assert list(found.ties) == [(0, 1)]


def test_too_many_overlaps_are_told_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "MOST", 20)
    declared = [
        Entry(Match(ROOT, None, ((f"h{number}", exact("1")),)), to(f"b{number}"), number)
        for number in range(10)
    ]
    found = arrange(declared)
    assert found.full
    assert sum(map(len, found.matches)) <= 30
    assert all(one.match in own for one, own in zip(declared, found.matches, strict=True))


def test_many_rules_that_do_not_overlap_are_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "MOST", 20)
    declared = [entry(to(f"b{number}"), A, h=exact(str(number))) for number in range(50)]
    found = arrange([*declared, entry(to("c"), ROOT)])
    assert not found.full
    assert [len(one) for one in found.matches] == [1] * 51


def pairs() -> Iterator[tuple[Match, Match, Match | Unmet]]:
    h1, h2 = (("h", exact("1")),), (("h", exact("2")),)
    yield Match(A), Match(B), Match(B)
    yield Match(A), Match(Path("PathPrefix", "/ab")), Unmet.DISJOINT
    yield Match(headers=h1), Match(headers=h2), Unmet.DISJOINT
    yield Match(headers=h1), Match(A, "GET"), Match(A, "GET", h1)
    yield Match(method="GET"), Match(method="POST"), Unmet.DISJOINT
    yield Match(headers=(("h", prefix("1")),)), Match(headers=h1), Match(headers=h1)
    yield Match(headers=(("h", regex("[0-9]")),)), Match(headers=h1), Match(headers=h1)
    yield Match(headers=(("h", regex("a")),)), Match(headers=(("h", regex("b")),)), Unmet.OPAQUE
    yield (
        Match(query=(("q", exact("1")),)),
        Match(headers=h1),
        Match(headers=h1, query=(("q", exact("1")),)),
    )
    yield Match(Path("RegularExpression", "/x")), Match(A), Unmet.OPAQUE
    yield Match(Path("RegularExpression", "/x"), headers=h1), Match(A, None, h2), Unmet.DISJOINT


@pytest.mark.parametrize(("first", "second", "both"), list(pairs()))
def test_what_two_matches_ask_at_once(first: Match, second: Match, both: Match | Unmet) -> None:
    assert meet(first, second) == both
    assert meet(second, first) == both
