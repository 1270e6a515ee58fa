"""Several sources declare one mesh: who owns what, in which order, and at which version."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.compile.meshes import lane, rule, service
from tests.control.declared.declared_states import (
    BASE,
    BLUE,
    JACK,
    SHOP,
    files,
    lanes,
    planned,
    put,
    refused,
    remove,
)

from laneway.compile.envoy.limits import check
from laneway.control.declared import (
    ChangeSet,
    Declaration,
    DeclaredState,
    NotDeclared,
    OwnedByAnother,
    Put,
    VersionConflict,
    Write,
    Writes,
)
from laneway.control.declared.merging import merged
from laneway.control.declared.objects import Objects
from laneway.control.declared.planning import plan
from laneway.model.findings import ObjectKey
from laneway.model.lanes import Lane

BLUE_KEY = ObjectKey("Lane", "test/blue")
GREEN, YELLOW = lane("green", "b"), lane("yellow", "b")


def test_what_a_source_does_not_declare_any_more_is_removed() -> None:
    others = files(GREEN, source="api")
    state = planned(files(*SHOP), others, files(*(each for each in SHOP if each is not BLUE)))
    assert lanes(state.mesh) == ["test/base", "test/green"]
    assert BLUE_KEY not in state.objects.by_key


def test_an_object_of_another_source_is_a_conflict_that_names_it() -> None:
    state = planned(files(*SHOP))
    for request in (put(replace(BLUE, weight=3)), put(BLUE), remove("Lane", "test/blue")):
        assert refused(state, request).conflicts == (OwnedByAnother(BLUE_KEY, "files"),)
    several = files(GREEN, BLUE, source="api")
    assert refused(state, several).conflicts == (OwnedByAnother(BLUE_KEY, "files"),)


def test_what_is_taken_over_by_force_is_not_won_back_in_silence() -> None:
    changed = replace(BLUE, weight=3)
    state = planned(files(*SHOP), put(changed, force=True))
    assert state.objects.by_key[BLUE_KEY].source == "api"
    assert changed in state.mesh.lanes
    assert refused(state, files(*SHOP)).conflicts == (OwnedByAnother(BLUE_KEY, "api"),)
    without = planned(files(*SHOP), put(changed, force=True), files(*SHOP[:2], *SHOP[3:]))
    assert changed in without.mesh.lanes  # its new owner keeps it


def test_who_declares_the_same_again_owns_again_what_was_taken_over() -> None:
    changed = replace(BLUE, weight=3)
    forced = put(changed, force=True)
    saved = files(*(changed if each is BLUE else each for each in SHOP))
    state = planned(files(*SHOP), forced, saved)
    assert state.objects.by_key[BLUE_KEY].source == "files"
    assert refused(state, put(BLUE)).conflicts == (OwnedByAnother(BLUE_KEY, "files"),)
    assert BLUE in planned(files(*SHOP), forced, saved, files(*SHOP)).mesh.lanes
    # Another source does not become the owner so.
    third = files(changed, source="third")
    assert refused(planned(files(*SHOP), forced), third).conflicts == (
        OwnedByAnother(BLUE_KEY, "api"),
    )


def test_who_is_taken_over_keeps_its_place() -> None:
    """A group's first lane is its baseline."""
    changed = replace(BASE, weight=3)
    for request in (put(changed, force=True), files(changed, source="api", force=True)):
        state = planned(files(*SHOP), request)
        assert lanes(state.mesh) == ["test/base", "test/blue"]
        assert state.mesh.lanes[0] == changed
    again = files(BASE, *SHOP[:1], *SHOP[2:], force=True)
    assert lanes(planned(files(*SHOP), put(changed, force=True), again).mesh) == [
        "test/base",
        "test/blue",
    ]


def test_a_source_orders_its_own_objects_and_moves_no_others() -> None:
    one, two, three = (lane(each, "a", group="g") for each in ("one", "two", "three"))
    other = lane("other", "a", group="g")
    state = planned_order(files(one, two), put(other), files(three, service("x"), two, one))
    assert state == ["three", "two", "other", "one"]
    assert planned_order(files(one, two), put(other), files(two)) == ["two", "other"]


def planned_order(*requests: ChangeSet | Write) -> list[str]:
    objects = Objects()
    for number, request in enumerate(requests, 1):
        objects = merged(objects, request, number, JACK).objects
    return [each.declared.name for each in objects.ordered if isinstance(each.declared, Lane)]


def test_versions_grow_and_are_those_of_the_last_change_of_an_object() -> None:
    changed = replace(BLUE, weight=3)
    state = planned(files(*SHOP), files(*SHOP[:2], changed, *SHOP[3:]), put(GREEN))
    assert state.version == 3
    versions = {str(key): (o.created, o.version) for key, o in state.objects.by_key.items()}
    assert versions["Lane test/base"] == (1, 1)
    assert versions["Lane test/blue"] == (1, 2)
    assert versions["Lane test/green"] == (3, 3)


def test_declaring_the_same_again_is_no_new_version() -> None:
    """Also of objects that are read anew, as those of files are."""
    again = tuple(replace(each) for each in SHOP)
    assert all(one is not other for one, other in zip(again, SHOP, strict=True))
    assert planned(files(*SHOP), files(*again), files(*again)).version == 1
    moved = (*SHOP[:3], SHOP[4], SHOP[3], *SHOP[5:])
    assert planned(files(*SHOP), files(*moved)).version == 2


def test_a_writer_that_saw_another_version_is_refused_with_both() -> None:
    state = planned(files(*SHOP), put(GREEN))
    assert refused(state, put(lane("red", "a")), version=1).conflicts == (
        VersionConflict(None, 1, 2),
    )
    key = ObjectKey("Lane", "test/green")
    stale = Write("api", Put(Declaration(replace(GREEN, weight=1)), version=1))
    assert refused(state, stale).conflicts == (VersionConflict(key, 1, 2),)
    exists = Write("api", Put(Declaration(GREEN), version=0))
    assert refused(state, exists).conflicts == (VersionConflict(key, 0, 2),)
    fresh = Write("api", Put(Declaration(replace(GREEN, weight=1)), version=2))
    assert planned(files(*SHOP), put(GREEN), fresh).version == 3


def test_only_what_is_declared_can_be_removed() -> None:
    gone = remove("Lane", "test/gone")
    assert refused(planned(files(*SHOP)), gone).conflicts == (
        NotDeclared(ObjectKey("Lane", "test/gone")),
    )


def test_an_object_is_declared_once_by_a_source() -> None:
    for twice in (BLUE, replace(BLUE, weight=3)):
        (finding,) = refused(planned(), files(*SHOP, twice)).findings
        assert (finding.code, str(finding.subject)) == ("DUPLICATE_OBJECT", "Lane test/blue")


objects = st.builds(
    lambda name, weight: lane(name, "a", rule("a"), group="g", weight=weight),
    st.sampled_from("abcd"),
    st.integers(1, 2),
)
several = st.lists(objects, max_size=4, unique_by=lambda each: each.name)
requests = st.lists(
    st.tuples(st.sampled_from(["files", "api"]), several, st.booleans()),
    max_size=6,
)


@given(requests)
def test_whoever_declares_last_has_what_it_declared(
    many: list[tuple[str, list[Lane], bool]],
) -> None:
    current = Objects()
    for number, (source, declared, force) in enumerate(many, 1):
        merge = merged(current, files(*declared, source=source, force=force), number, JACK)
        owners = {each.key: each.source for each in current.ordered}
        foreign = {o.key for o in current.ordered if o.source != source}
        if merge.conflicts:
            assert not force
            assert merge.objects is current
            continue
        current = merge.objects
        assert dict(current.by_key) == {each.key: each for each in current.ordered}
        assert len(current.by_key) == len(current.ordered)
        mine = [each.declared for each in current.ordered if each.source == source]
        assert mine == declared
        stay = [key for key in owners if key in foreign and key in current.by_key]
        theirs = [each.key for each in current.ordered if each.source != source]
        assert theirs == [key for key in stay if current.by_key[key].source != source]


def test_writes_may_say_in_which_order_the_objects_of_their_source_stand() -> None:
    """They share the places that they have; those of others stay."""
    red = lane("red", "b")
    state = planned(files(*SHOP), put(red), files(GREEN, source="other"), put(YELLOW))
    order = (ObjectKey("Lane", "test/yellow"), ObjectKey("Lane", "test/red"))
    moved = plan(state, Writes("api", (), order=order), JACK, active=state.mesh, check=check)
    assert isinstance(moved, DeclaredState)
    assert lanes(state.mesh)[2:] == ["test/red", "test/green", "test/yellow"]
    assert lanes(moved.mesh)[2:] == ["test/yellow", "test/green", "test/red"]
