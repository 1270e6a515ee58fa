"""One mesh for each finding: its code, its severity, and an example that the simulator confirms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.compile.analyze.example_checks import only, proved
from tests.compile.analyze.example_meshes import ABC, CHAIN, ENTRY, chain, rules
from tests.compile.meshes import (
    GATEWAY,
    ROUTE_HEADER,
    exact,
    group,
    lane,
    mesh,
    name,
    prefix,
    regex,
    rule,
)

from laneway.adapters.files import read
from laneway.compile.analyze import Code, analyze
from laneway.model import codes
from laneway.model.checks import Gaps
from laneway.model.findings import ObjectKey, Severity
from laneway.model.lanes import IngressRule, Mode, Sticky, StickyKind, Unmatched
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

ROOT = Path(__file__).parents[3]


def two(first: list[IngressRule], second: list[IngressRule], **fields: Any) -> Mesh:
    """Two groups of a service each, with the rules of their baselines."""
    return mesh(
        [group("a", "one", **fields), group("b", "two", **fields)],
        [lane("s1", "a", *first, group="one"), lane("t1", "b", *second, group="two")],
        ABC[:2],
    )


@pytest.mark.parametrize("example", ["scenario-1", "scenario-2", "asm", "kubernetes/scenario-1"])
def test_the_examples_are_without_findings(example: str) -> None:
    assert analyze(read([str(ROOT / "examples" / example)]).mesh) == []


def test_nothing_is_told_of_a_mesh_in_order() -> None:
    declared = chain(lane("s2", "a c", ENTRY), lane("s3", "b", ENTRY), lane("s4", "c"))
    assert analyze(declared, frozenset(w.name for w in declared.workloads)) == []


@pytest.mark.parametrize(
    ("shadowing", "shadowed"),
    [
        ([rule("a", uri=prefix("/mock/"))], rule("a", uri=regex("/mock/[0-9]+"))),
        ([rule("a", uri=prefix("/"))], rule("a")),
        ([rule("a", uri=prefix("/"))], rule("a", headers={"x": exact("1")})),
        ([rule("a", uri=regex(".*"))], rule("a", uri=None)),
        ([rule("a", uri=regex("/long/.*"))], rule("a", uri=regex("/long/1"))),
        ([rule("a", uri=exact("/1")), rule("a", uri=exact("/2"))], rule("a", uri=regex("/[12]"))),
        (
            [rule("a", methods=("GET",)), rule("a", methods=("POST", "PUT"))],
            rule("a", methods=("GET", "POST")),
        ),
        ([rule("a", headers={"x": prefix("a")})], rule("a", headers={"x": exact("ab")})),
        ([rule("a", query={"q": regex("a.*")})], rule("a", query={"q": prefix("ab")})),
        ([rule("a", hosts=("*",)), rule("a", uri=prefix("/"))], rule("a", methods=("GET",))),
    ],
)
def test_a_shadowed_rule(shadowing: list[IngressRule], shadowed: IngressRule) -> None:
    """The last rule is covered, or it covers the first: precedence decides, not the order."""
    findings = proved(rules(*shadowing, shadowed))
    assert {finding.code for finding in findings} == {Code.SHADOWED_RULE}


def test_a_shadowed_rule_by_which_requests_enter_has_its_effect() -> None:
    """It only loses a destination, or actions, that the rule before it does not have."""
    every = replace(rule("a", uri=prefix("/")), name="every")
    enters = replace(rule("a", headers={"x-user": exact("jack")}, enter=True), name="jack")
    assert proved(chain(lane("s2", "a", ENTRY, every, enters))) == []
    elsewhere = replace(enters, destination=name("b"))
    (finding,) = proved(chain(lane("s2", "a", ENTRY, every, elsewhere)))
    assert finding.code == Code.SHADOWED_RULE
    assert finding.message.startswith("requests enter by rule jack of lane s2, but it takes no")
    assert "remove it" not in finding.fix


def test_of_lanes_that_share_a_shadowed_rule_one_that_nobody_enters_by_is_reported() -> None:
    every = replace(rule("a", uri=prefix("/")), name="every")
    dead = replace(rule("a", headers={"x-user": exact("jack")}), name="jack")
    enters = lane("s2", "a", ENTRY, every, replace(dead, enter=True))
    findings = proved(chain(enters, lane("s3", "a", ENTRY, every, dead)))
    (finding,) = (each for each in findings if each.code == Code.SHADOWED_RULE)
    assert (str(finding.subject), finding.field) == ("Lane test/s3", "spec.ingress[2]")


@pytest.mark.parametrize(
    "some",
    [
        [rule("a", uri=prefix("/mock")), rule("a", uri=exact("/mock/x")), rule("a")],
        [rule("a", uri=prefix("/a")), rule("a", uri=regex("/a.*|/b"))],
        [rule("a", uri=regex("/a[0-9]+")), rule("a", uri=regex("/a[a-z]"))],
        [rule("a", methods=("GET",)), rule("a", methods=("GET", "POST"))],
        [rule("a", uri=regex("(?i)/mock")), rule("a", uri=exact("/mock"))],
        [rule("a", hosts=("a.test",)), rule("a", hosts=("*.test",)), rule("a")],
        [rule("a", hosts=("*", "a.test"))],
    ],
)
def test_rules_that_take_requests_beside_others(some: list[IngressRule]) -> None:
    assert proved(rules(*some)) == []


def test_a_rule_whose_requests_cannot_be_guessed_is_not_called_shadowed() -> None:
    unread = regex(r"/\x41")
    for before in (
        rule("a", uri=prefix("/"), headers={"x": exact("1")}),
        rule("a", uri=prefix("/"), methods=("GET",)),
        rule("a", uri=prefix("/a/")),
    ):
        assert proved(rules(before, rule("a", uri=unread))) == []
    told = proved(rules(rule("a", uri=prefix("/")), rule("a", uri=unread)))
    assert told == []  # surely shadowed, but no request is there to show it


def test_a_shadowed_rule_names_the_one_before_and_its_place() -> None:
    wide = replace(rule("a", uri=prefix("/m")), name="wide")
    hidden = replace(rule("a", uri=regex("/mock/.+")), name="hidden")
    finding, _ = proved(chain(lane("s2", "a", ENTRY, wide, hidden)))
    assert finding.code == Code.SHADOWED_RULE
    assert (finding.subject, finding.field) == (ObjectKey("Lane", "test/s2"), "spec.ingress[2]")
    assert finding.message == (
        "rule hidden of lane s2 takes no request of host *: "
        "rule wide of lane s2, host *, uri prefix /m, x-lane names s2, precedes it"
    )


def test_of_several_hosts_the_shadowed_one_is_pointed_at() -> None:
    narrow = rule("a", hosts=("a.test",), uri=prefix("/"))
    both = rule("a", hosts=("b.test", "a.test"), uri=regex("/x"))
    assert only(rules(narrow, both), Code.SHADOWED_RULE).field == "spec.ingress[1].hosts[1]"


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        (exact("/a/../b"), "gateways see /b instead"),
        (exact("/%6dock"), "gateways see /mock instead"),
        (prefix("/a/./b"), "gateways see /a/b instead"),
        (exact("/a b"), "gateways refuse such a path"),
        (exact("/ä"), "gateways refuse such a path"),
        (regex("mock/.*"), "a path begins with /"),
    ],
)
def test_a_rule_for_paths_that_no_request_has(uri: Any, why: str) -> None:
    declared = rules(rule("a", uri=exact("/mock")), rule("a", uri=uri))
    finding = only(declared, Code.UNMATCHABLE_RULE)
    assert finding.message.endswith(why)


@pytest.mark.parametrize(
    ("first", "second", "severity"),
    [
        (rule("a", uri=prefix("/")), rule("b", uri=prefix("/b/")), Severity.NOTE),
        (rule("a"), rule("b", hosts=("b.test",)), Severity.NOTE),
        (rule("a", uri=exact("/x")), rule("b", hosts=("b.test",)), Severity.WARNING),
        (rule("a", uri=prefix("/x")), rule("b", methods=("POST",)), Severity.WARNING),
        (
            rule("a", headers={"x": exact("1")}),
            rule("b", headers={"y": regex("[0-9]+")}),
            Severity.WARNING,
        ),
        (rule("a", uri=prefix("/x")), rule("b", uri=regex("/.*/y")), Severity.WARNING),
        (rule("a", uri=exact("/x")), rule("b", uri=exact("/x")), Severity.WARNING),
    ],
)
def test_rules_of_two_groups_that_overlap(
    first: IngressRule, second: IngressRule, severity: Severity
) -> None:
    assert only(two([first], [second]), Code.OVERLAPPING_RULES).severity is severity


def test_of_two_groups_with_one_condition_only_one_has_weights() -> None:
    entries = rule("a"), rule("b")
    lanes = [
        lane(f"{text}-{weight}", "ab"[number], entries[number], group=text, weight=10 * weight)
        for number, text in enumerate(("one", "two"))
        for weight in (0, 1)
    ]
    groups = [group("a", "one"), group("b", "two")]
    finding = only(mesh(groups, lanes, ABC[:2]), Code.OVERLAPPING_RULES)
    assert finding.message.endswith(", and of weights only those of group one count")


def test_rules_of_two_groups_that_do_not() -> None:
    assert proved(two([rule("a", uri=prefix("/a/"))], [rule("b", uri=prefix("/b/"))])) == []
    assert proved(two([rule("a", methods=("GET",))], [rule("b", methods=("PUT",))])) == []
    assert proved(two([rule("a", hosts=("a.test",))], [rule("b", hosts=("*.b.test",))])) == []


def test_a_rule_of_the_baseline_that_takes_other_lanes_requests() -> None:
    wide, own = rule("a", uri=prefix("/")), replace(ENTRY, name="own")

    def of(first: list[IngressRule], second: list[IngressRule]) -> Mesh:
        lanes = [lane("s1", "a b c", *first), lane("s2", "a", *second), lane("s3", "a", *first)]
        return mesh([group("a b c")], lanes, ABC, CHAIN)

    assert proved(of([wide, own], [wide, own])) == []
    finding = only(of([wide, own], [wide]), Code.DIVERTING_RULE)
    assert finding.example is not None
    assert finding.example.headers == (("x-lane", "s2"),)
    assert finding.fix == "add that rule to lane s2 as well"


def test_a_lanes_own_rule_takes_nobody_elses_requests() -> None:
    base = lane("s1", "a b", rule("a", uri=prefix("/")))
    for to in ("a", "b"):
        another = lane("s3", "a b", rule("a", uri=prefix("/")))
        lanes = [base, lane("s2", "a b", rule(to, uri=exact("/x"))), another]
        (note,) = proved(mesh([group("a b")], lanes, ABC[:2]))
        assert note.code == Code.NAMED_REQUESTS_ONLY


def test_a_lanes_own_rules_shadow_only_its_own() -> None:
    wide, narrow = rule("a", uri=prefix("/m")), rule("a", uri=regex("/mock/.+"))
    wide, base = replace(wide, name="wide"), replace(ENTRY, name="base", uri=exact("/other"))
    for hidden in (narrow, replace(narrow, headers={"X-Lane": exact("s2")})):
        own = [lane("s1", "a", base), lane("s2", "a", wide, hidden)]
        shadowed = {Code.SHADOWED_RULE, Code.NAMED_REQUESTS_ONLY}
        assert {f.code for f in proved(mesh([group("a")], own, ABC[:1]))} == shadowed
        three = [own[0], lane("s3", "a", narrow), own[1]]
        assert {f.code for f in proved(mesh([group("a")], three, ABC[:1]))} == shadowed
        shared = [lane("s1", "a", base, narrow), lane("s2", "a", wide, narrow)]
        (note,) = proved(mesh([group("a")], shared, ABC[:1]))
        assert note.code == Code.NAMED_REQUESTS_ONLY


def test_a_baseline_without_a_rule() -> None:
    lanes = [lane("s1", "a"), lane("s2", "a", rule("a")), lane("s3", "a", rule("a"))]
    finding = only(mesh([group("a")], lanes, ABC[:1]), Code.BASELINE_WITHOUT_RULE)
    assert (finding.subject, finding.field) == (ObjectKey("Lane", "test/s1"), "spec.ingress")
    assert finding.example is not None
    assert finding.example.outcome.startswith("404: no ingress rule takes GET / of host localhost")
    assert finding.example.outcome.endswith("host *, x-lane names one of s2, s3")
    refusing = group("a", unmatched=Unmatched.NOT_FOUND)
    assert proved(mesh([refusing], lanes, ABC[:1])) == []


def test_a_services_own_baseline_loses_nothing_to_others_rules() -> None:
    lanes = [
        lane("s1", "a", rule("a", hosts=("*.example.com", "*"))),
        lane("s2", "a", rule("a")),
    ]
    declared = mesh([group("a", service_baselines={name("a"): "s2"})], lanes, ABC[:1])
    assert proved(declared) == []


def test_a_rule_of_the_baseline_is_for_lanes_that_lack_its_service() -> None:
    wide, own = rule("a", uri=prefix("/")), replace(rule("b", uri=exact("/b")), name="own")
    for contained, expected in (("a", set()), ("a b", {Code.DIVERTING_RULE})):
        lanes = [lane("s1", "a b", wide, own), lane("s2", contained, wide)]
        found = proved(mesh([group("a b")], lanes, ABC[:2]))
        assert {finding.code for finding in found} == expected


def test_a_group_shadowed_by_another_has_no_way_in() -> None:
    declared = two([rule("a", uri=prefix("/"))], [rule("b", uri=regex("/b/.*"))])
    codes = {finding.code for finding in proved(declared)}
    assert codes == {Code.SHADOWED_RULE, Code.GROUP_WITHOUT_RULES}


def test_a_group_without_a_rule() -> None:
    declared = mesh([group("a")], [lane("s1", "a"), lane("s2", "a")], ABC[:1])
    assert only(declared, Code.GROUP_WITHOUT_RULES).field == "spec.gateway"
    inner = mesh([group("a", gateway=None)], [lane("s1", "a"), lane("s2", "a")], ABC[:1])
    assert proved(inner) == []


def test_a_lane_that_no_request_gets_into() -> None:
    finding = only(chain(lane("s2", "a")), Code.UNREACHABLE_LANE)
    assert finding.example is not None
    assert finding.example.curl() == "curl -H 'x-lane: s2' http://localhost/mock"
    assert finding.example.outcome == (
        "a in lane s1 instead of s2, then b in lane s1 instead of s2, "
        "then c in lane s1 instead of s2"
    )
    only(chain(lane("s2", "b c"), unmatched=Unmatched.NOT_FOUND), Code.UNREACHABLE_LANE)
    assert proved(chain(lane("s2", "b c"))) == []


def test_a_lane_that_is_passed_by_at_the_entry() -> None:
    finding = only(chain(lane("s2", "a c")), Code.LANE_WITHOUT_RULE)
    assert "strict" not in finding.message
    strict = only(chain(lane("s2", "a b c", mode=Mode.STRICT)), Code.LANE_WITHOUT_RULE)
    assert "leaves a strict lane at once" in strict.message


def test_lanes_that_stand_in_for_others_need_no_rule() -> None:
    assert proved(chain(lane("s2", "a"), lane("s3", "a", ENTRY, fallback=("s2",)))) == []
    assert proved(chain(lane("s2", "a b"), service_baselines={name("b"): "s2"})) == []


def test_a_lane_without_a_ready_workload() -> None:
    declared = chain(lane("s2", "a c", ENTRY))

    def ready(*down: str) -> frozenset[ObjectName]:
        return frozenset(w.name for w in declared.workloads) - {name(text) for text in down}

    finding = only(declared, Code.NO_READY_WORKLOAD, ready("c-v-s2"))
    assert (finding.severity, finding.field) == (Severity.WARNING, "spec.services[1].name")
    assert finding.example is not None
    assert finding.example.down == (name("c-v-s2"),)
    finding = only(declared, Code.NO_READY_WORKLOAD, ready("b-v-s1"))
    assert finding.severity is Severity.ERROR
    assert analyze(declared) == []


def test_a_lane_that_is_lost_in_a_service_of_no_group() -> None:
    """b is in no group: it passes on the trace id, of which its sidecar knows no lane."""
    lanes = [lane("s1", "a c", ENTRY), lane("s2", "a c", ENTRY)]
    finding = only(mesh([group("a c")], lanes, ABC, CHAIN), Code.LANE_LOST)
    assert "default/b calls it, which is in no lane group" in finding.message
    assert finding.fix.startswith("add default/b to lane group test")
    assert proved(mesh([group("a c", trace_header=ROUTE_HEADER)], lanes, ABC, CHAIN)) == []


def test_a_lane_is_not_lost_where_it_only_has_no_workload() -> None:
    declared = chain(replace(lane("s2", "a b c", ENTRY), selector={"version": "no"}))
    only(declared, CHECKED.CODE_UNEFFECTED_SWIMLANE_LABEL)


def test_a_lane_that_is_taken_for_another_groups() -> None:
    both: dict[str, Any] = {"trace_header": ROUTE_HEADER}
    groups = [group("a", "one", **both), group("b", "two", gateway=None, **both)]
    lanes = [
        lane("s1", "a", ENTRY, group="one"),
        lane("s2", "a", ENTRY, group="one"),
        lane("t1", "b", group="two"),
        lane("s2", "b", group="two"),
    ]
    finding = only(mesh(groups, lanes, ABC[:2], CHAIN), Code.SHARED_ROUTE_HEADER)
    assert finding.subject == ObjectKey("LaneGroup", "two")
    lanes[3] = replace(lanes[3], name="t2")
    assert proved(mesh(groups, lanes, ABC[:2], CHAIN)) == []


def test_a_route_header_that_is_another_groups_trace_header() -> None:
    groups = [
        group("a", "one", route_header="x-lane"),
        group("b", "two", route_header="x-two", trace_header="X-Lane"),
    ]
    first, second = rule("a", uri=exact("/a")), rule("b", uri=exact("/b"))
    lanes = [lane("s1", "a", first, group="one"), lane("t1", "b", second, group="two")]
    finding = only(mesh(groups, lanes, ABC[:2]), Code.HEADER_CONFLICT)
    assert finding.field == "spec.traceHeader"


def test_users_told_apart_by_the_route_header() -> None:
    sticky = Sticky(StickyKind.HEADER, "X-Lane")
    declared = chain(lane("s2", "a c", ENTRY, weight=10), sticky=sticky)
    assert only(declared, Code.HEADER_CONFLICT).field == "spec.sticky"


CHECKED = codes.Code


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        (
            mesh([group("a b")], [lane("s1", "a", ENTRY)], ABC[:2], CHAIN),
            CHECKED.BASELINE_LACKS_SERVICE,
        ),
        (chain(baseline="s9"), CHECKED.UNKNOWN_BASELINE),
        (chain(lane("s2", "a c", ENTRY, mode=Mode.STRICT)), CHECKED.LANE_LACKS_SERVICE),
        (
            chain(lane("s2", "a", ENTRY, fallback=("s3",)), lane("s3", "a", fallback=("s2",))),
            CHECKED.FALLBACK_CYCLE,
        ),
        (
            chain(lane("s2", "a b c", ENTRY, mode=Mode.STRICT, fallback=("s1",))),
            CHECKED.STRICT_FALLBACK,
        ),
        (
            chain(lane("s2", "a", ENTRY, weight=60), lane("s3", "a", ENTRY, weight=60)),
            CHECKED.WEIGHTS_EXCEED_100,
        ),
        (mesh([group("a")], [], ABC[:1]), CHECKED.GROUP_WITHOUT_LANES),
        (
            chain(replace(lane("s2", "a", ENTRY), selector={"version": "no"})),
            CHECKED.CODE_UNEFFECTED_SWIMLANE_LABEL,
        ),
        (
            mesh(
                [group("a", "one"), group("b", "two")],
                [
                    lane("s1", "a", rule("a"), group="one"),
                    lane("s1", "b", rule("b", uri=exact("/b")), rule("b"), group="two"),
                ],
                ABC[:2],
            ),
            CHECKED.CONFLICTING_INGRESS,
        ),
        (
            rules(rule("a", uri=exact("/y")), *[rule("a", uri=exact("/x"))] * 2),
            CHECKED.DUPLICATE_RULE,
        ),
    ],
)
def test_what_the_checks_find_has_an_example_too(declared: Mesh, code: str) -> None:
    findings = proved(declared)
    examples = [finding.example for finding in findings if finding.code == code]
    assert examples
    assert all(examples)


def test_hosts_that_no_gateway_serves() -> None:
    lanes = [lane("s1", "a", rule("a"), replace(rule("a", hosts=("b.test",)), name="r2"))]
    declared = mesh([group("a")], lanes, ABC[:1], hosts=("a.test",))
    finding = only(declared, CHECKED.UNSERVED_HOST)
    assert finding.example is not None
    assert finding.example.host == "b.test"


def test_errors_that_leave_nothing_to_simulate_are_told_alone() -> None:
    declared = mesh([group("a x")], [lane("s1", "a x", rule("a"))], ABC[:1])
    assert {finding.code for finding in analyze(declared)} == {CHECKED.UNKNOWN_SERVICE}


def test_of_what_was_read_in_part_only_the_checks_speak() -> None:
    assert analyze(chain(lane("s2", "a")), gaps=Gaps(everything=True)) == []


def test_an_example_is_written_as_one_would_send_it() -> None:
    declared = two(
        [rule("a", uri=prefix("/x"), query={"q": exact("1")})],
        [rule("b", methods=("POST",), headers={"X-Beta": prefix("b b")})],
    )
    finding = only(declared, Code.OVERLAPPING_RULES)
    assert finding.example is not None
    assert finding.example.gateway == GATEWAY
    assert finding.example.curl() == "curl -X POST -H 'x-beta: b b' 'http://localhost/x?q=1'"
    assert str(finding).endswith("; for example " + str(finding.example))
