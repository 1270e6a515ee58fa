"""What analysis says of rules that requests enter a lane by, and of those that they do not."""

from __future__ import annotations

from dataclasses import replace

from tests.compile.analyze.example_checks import only, proved
from tests.compile.analyze.example_meshes import ABC
from tests.compile.meshes import (
    exact,
    group,
    lane,
    mesh,
    prefix,
    regex,
    rule,
)

from laneway.compile.analyze import Code, analyze
from laneway.model.findings import ObjectKey, Severity
from laneway.model.lanes import IngressRule, Sticky, StickyKind
from laneway.model.meshes import Mesh


def entering(*rules: IngressRule) -> Mesh:
    """A lane for each of the rules, by which requests enter it."""
    lanes = [
        lane(f"l{number}", "a", replace(one, name=f"enter-{number}", enter=True))
        for number, one in enumerate(rules)
    ]
    return mesh([group("a")], [lane("base", "a", rule("a")), *lanes], ABC[:1])


JACK, ACME = {"x-user": exact("jack")}, {"x-company": exact("acme")}


def test_a_rule_for_named_requests_alone_is_told_with_what_others_get() -> None:
    """Rule by rule of what a reader might think that it lets in; not where ``enter`` does so."""
    for own in (
        rule("a", headers=JACK),
        rule("a", hosts=("pr-7.preview.test",)),
        rule("a", uri=prefix("/beta/")),
        rule("a", query={"lane": exact("beta")}),
    ):
        declared = mesh([group("a")], [lane("s1", "a", rule("a")), lane("s2", "a", own)], ABC[:1])
        note = only(declared, Code.NAMED_REQUESTS_ONLY)
        assert note.severity is Severity.NOTE
        assert note.fix == "add enter: true to the rule if such requests should enter the lane"
        assert note.field == "spec.ingress[0]"
        assert note.example is not None
        assert note.example.outcome == "a in lane s1"
        assert proved(entering(own)) == []


def test_enter_rules_that_only_the_alphabet_tells_apart_are_a_warning() -> None:
    finding = only(
        entering(rule("a", headers=JACK), rule("a", headers=ACME)), Code.OVERLAPPING_ENTER_RULES
    )
    assert finding.severity is Severity.WARNING
    assert finding.subject == ObjectKey("Lane", "test/l0")
    assert finding.example is not None
    assert finding.example.outcome == "a in lane l1"


def test_enter_rules_of_which_one_is_more_specific_are_a_note() -> None:
    more = rule("a", headers=JACK, uri=prefix("/x"))
    finding = only(entering(more, rule("a", headers=ACME)), Code.OVERLAPPING_ENTER_RULES)
    assert (finding.severity, finding.subject) == (Severity.NOTE, ObjectKey("Lane", "test/l1"))


def test_enter_rules_that_no_request_meets_both_of_are_fine() -> None:
    others = [rule("a", headers={"x-user": exact(f"user-{number}")}) for number in range(5)]
    assert proved(entering(*others, rule("a", headers=JACK))) == []


def test_an_enter_rule_that_another_one_covers_is_told() -> None:
    anyone = rule("a", uri=prefix("/x"), headers={"x-user": regex(".*")})
    finding = only(entering(anyone, rule("a", headers=JACK)), Code.OVERLAPPING_ENTER_RULES)
    wide, narrow = rule("a", uri=prefix("/x")), rule("a", uri=regex("/x/.+"), headers=JACK)
    finding = only(entering(narrow, wide), Code.SHADOWED_ENTER_RULE)
    assert finding.subject == ObjectKey("Lane", "test/l0")


def test_an_enter_rule_for_one_host_leaves_other_hosts_to_others() -> None:
    preview = rule("a", hosts=("pr-7.preview.test",))
    finding = only(entering(preview, rule("a", headers=JACK)), Code.OVERLAPPING_ENTER_RULES)
    assert finding.severity is Severity.NOTE
    every = rule("a", hosts=("*.preview.test",), headers=JACK)
    for host in ("a.preview.test", "*.a.preview.test"):
        only(entering(rule("a", hosts=(host,)), every), Code.OVERLAPPING_ENTER_RULES)


def test_an_enter_rule_that_asks_for_the_route_header_has_no_effect() -> None:
    declared = entering(rule("a", headers={"X-Lane": exact("l0")}))
    assert [f.field for f in analyze(declared) if f.code == "NO_EFFECT"] == [
        "spec.ingress[0].enter"
    ]


def test_lanes_that_share_requests_keep_users_by_the_same_header() -> None:
    def told(*stickies: Sticky | None) -> list[tuple[str, str]]:
        rules = [rule("a", headers=JACK, weight=50, sticky=sticky) for sticky in stickies]
        findings = [f for f in analyze(entering(*rules)) if f.code == "NO_EFFECT"]
        return [(str(f.subject), f.field) for f in findings]

    header, cookie = Sticky(StickyKind.HEADER, "x-user"), Sticky(StickyKind.COOKIE, "user")
    assert told(header, header) == told(header, None) == told(None, header) == []
    assert told(header, cookie) == [("Lane test/l1", "spec.ingress[0].sticky")]
