"""What is refused when it is written, what is warned of, and what never is."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compile.golden_cases import ROOT
from tests.wiring.declared_objects import gateway, group, lane, service

from laneway.adapters.kube.resources import SERVICES
from laneway.adapters.kube.retained_fields import trim_of
from laneway.model.codes import Code
from laneway.model.findings import Finding
from laneway.operator.acceptance import accept
from laneway.operator.admission import MAY_COME, Surroundings, Verdict, judge

Object = dict[str, Any]


def around(*declared: Object, services: str = "abc", gateways: bool = True) -> Surroundings:
    context = [*map(served, services), *([gateway()] if gateways else [])]
    return Surroundings(declared, context)


def served(name: str) -> Object:
    """A Service as the operator's cache has it."""
    return trim_of(SERVICES)(service(name))


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def changed(item: Object, **spec: Any) -> Object:
    return {**item, "spec": {**item["spec"], **spec}}


def test_what_is_right_passes_in_silence() -> None:
    standing = around(group(*"ab"), lane("v1"))
    assert judge(lane("v2", "a"), None, standing) == Verdict()
    assert judge(changed(lane("v2", "a"), weight=5), lane("v2", "a"), standing).denials == ()


@pytest.mark.parametrize("before", [None, lane("v2", "a")])
@pytest.mark.parametrize("known", [True, False])
def test_what_is_wrong_by_itself_is_refused(before: Object | None, known: bool) -> None:
    wrong = changed(lane("v2", "a"), servces=["a"], weight=101)
    verdict = judge(wrong, before, around(group(*"ab"), lane("v1")) if known else None)
    assert sorted(codes(verdict.denials)) == [Code.INVALID_VALUE, Code.UNKNOWN_FIELD]
    (misspelt,) = (f for f in verdict.denials if f.code == Code.UNKNOWN_FIELD)
    assert misspelt.field == "spec.servces"
    assert misspelt.fix == "did you mean services?"


CONTRADICTIONS = [
    (lane("v2", "c"), Code.SERVICE_NOT_IN_GROUP),
    (changed(lane("v2"), mode="strict", services=["a"]), Code.LANE_LACKS_SERVICE),
    (changed(lane("v2"), fallback=["v3"]), Code.FALLBACK_CYCLE),
    (group("a", name="h"), Code.SERVICE_IN_TWO_GROUPS),
]


@pytest.mark.parametrize(("candidate", "code"), CONTRADICTIONS, ids=lambda value: str(value)[:30])
def test_a_new_object_must_not_contradict_what_is_there(candidate: Object, code: Code) -> None:
    standing = around(group(*"ab"), lane("v1"), changed(lane("v3"), fallback=["v2"]), lane("h1"))
    assert code in codes(judge(candidate, None, standing).denials)
    # A change may be the first half of one of both.
    before = changed(candidate, **({"services": ["b"]} if candidate["kind"] == "Lane" else {}))
    before["spec"].pop("fallback", None)
    before["spec"].pop("mode", None)
    if candidate["kind"] == "LaneGroup":
        before = changed(candidate, services=["c"])
    standing = Surroundings([*standing.declared, before], standing.context)
    verdict = judge(candidate, before, standing)
    assert verdict.denials == ()
    assert code in codes(verdict.warnings)


@pytest.mark.parametrize(
    ("candidate", "standing", "code"),
    [
        (lane("v2"), around(), Code.UNKNOWN_GROUP),
        (lane("v2", "z"), around(group(*"ab"), lane("v1")), Code.UNKNOWN_SERVICE),
        (group(*"az"), around(), Code.UNKNOWN_SERVICE),
        (group("a"), around(), Code.GROUP_WITHOUT_LANES),
        (group("a", gateway="x/y"), around(), Code.UNKNOWN_GATEWAY),
        (group("a", baseline="s1"), around(lane("v1")), Code.UNKNOWN_BASELINE),
        (
            changed(lane("v2"), fallback=["v3"]),
            around(group(*"ab"), lane("v1")),
            Code.UNKNOWN_FALLBACK,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_may_still_come_is_only_warned_of(
    candidate: Object, standing: Surroundings, code: Code
) -> None:
    verdict = judge(candidate, None, standing)
    assert verdict.denials == ()
    assert code in codes(verdict.warnings)


def test_who_leaves_the_spec_alone_may_write() -> None:
    broken = changed(lane("v2", "a"), servces=["a"])
    labelled = {**broken, "metadata": {**broken["metadata"], "labels": {"team": "x"}}}
    assert judge(labelled, broken, around(group(*"ab"), lane("v1"))) == Verdict()


def test_trouble_that_a_change_makes_for_others_is_told_once() -> None:
    standing = around(group(*"ab"), lane("v1"), lane("v2", "b"), lane("v3", "z"))
    verdict = judge(group("a"), group(*"ab"), standing)
    assert verdict.denials == ()
    told = {(str(f.subject), f.code) for f in verdict.warnings}
    assert ("Lane g/v2", Code.SERVICE_NOT_IN_GROUP) in told
    # It was wrong before, and is no news.
    assert not [f for f in verdict.warnings if "v3" in str(f.subject)]


def test_a_new_lane_is_the_youngest_whatever_it_says() -> None:
    """Else it would be taken for the baseline, which must contain every service."""
    standing = around(group(*"ab"), lane("v1"))
    new = lane("a0", "a")
    new["metadata"].pop("creationTimestamp", None)
    assert judge(new, None, standing) == Verdict()


def test_nothing_is_changed() -> None:
    standing = around(group(*"ab"), lane("v1"))
    candidate = lane("v2", "a")
    kept = copy.deepcopy((candidate, standing))
    judge(candidate, None, standing)
    assert (candidate, standing) == kept


VALID = [
    group(*"ab", baseline="v1", gateway="default/gate"),
    lane("v1"),
    changed(lane("v2", "a"), fallback=["v3"], weight=60),
    changed(lane("v3", "b"), weight=40),
    group("c", name="h", baseline="h1"),
    lane("h1", of="h"),
]


@given(st.permutations(VALID), st.permutations([*map(served, "abc"), gateway()]), st.data())
def test_what_is_valid_together_is_refused_in_no_order(
    declared: list[Object], context: list[Object], data: st.DataObject
) -> None:
    """Created one by one, services and gateways among them."""
    assert accept(VALID, context).findings == {}
    there: list[Object] = []
    seen: list[Object] = []
    for number, candidate in enumerate(declared):
        while len(seen) < len(context) and data.draw(st.booleans()):
            seen.append(context[len(seen)])
        verdict = judge(candidate, None, Surroundings(there, seen))
        assert verdict.denials == ()
        metadata = {**candidate["metadata"], "creationTimestamp": f"2026-01-01T00:00:{number:02}Z"}
        there.append({**candidate, "metadata": metadata})


def test_the_module_s_codes_are_documented() -> None:
    page = (ROOT / "docs" / "how-to" / "operator.md").read_text(encoding="utf-8")
    section = page.partition("## Reject errors at once")[2].partition("\n## ")[0]
    assert not [code for code in MAY_COME if f"`{code}`" not in section]


def test_an_expired_lane_is_refused_whether_it_is_new_or_written_again() -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    standing = around(group(*"ab"), lane("v1"))
    over = lane("v2", "a", expiresAt="2026-06-01T12:00:00Z")
    for before in (None, lane("v2", "a")):
        verdict = judge(over, before, standing, noon)
        assert codes(verdict.denials) == [Code.LANE_EXPIRED]
        assert judge(over, before, standing, noon - timedelta(seconds=1)).denials == ()
    promoted = around(group(*"ab", serviceBaselines={"a": "v2"}), lane("v1"))
    assert judge(over, None, promoted, noon).denials == ()
    # Others may be written while an expired one is there.
    assert judge(lane("v3", "a"), None, around(group(*"ab"), lane("v1"), over), noon) == Verdict()
