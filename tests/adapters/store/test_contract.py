"""What every store of revisions does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.store.revisions import Clock, append, draft, labels, lane

from laneway.adapters.store.memory import MemoryStore
from laneway.adapters.store.sqlite import SqliteStore
from laneway.control.revisions import (
    OutdatedDraft,
    Revision,
    RevisionCompacted,
    RevisionStore,
    StoreError,
)


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RevisionStore]:
    made: RevisionStore = (
        MemoryStore(Clock())
        if request.param == "memory"
        else SqliteStore.open(tmp_path / "store", Clock())
    )
    yield made
    await made.close()


async def test_an_empty_store_is_at_revision_0(store: RevisionStore) -> None:
    assert (store.latest, store.compacted, dict(store.objects)) == (0, 0, {})
    assert await store.revisions(after=0, limit=10) == ()
    assert dict(await store.objects_at(0)) == {}


async def test_revisions_are_numbered_from_1(store: RevisionStore) -> None:
    assert [await append(store, s1="a"), await append(store, s1="b", s2="c")] == [1, 2]
    assert labels(store.objects) == {"s1": ("b", 2), "s2": ("c", 2)}


async def test_an_object_is_of_the_revision_that_wrote_it(store: RevisionStore) -> None:
    await append(store, s1="a", s2="b")
    await append(store, s2="c")
    assert labels(store.objects) == {"s1": ("a", 1), "s2": ("c", 2)}


async def test_what_is_deleted_is_gone_and_may_come_back(store: RevisionStore) -> None:
    await append(store, s1="a")
    await append(store, s1=None)
    assert labels(store.objects) == {}
    await append(store, s1="b")
    assert labels(store.objects) == {"s1": ("b", 3)}


async def test_a_revision_says_who_wrote_what_and_when(store: RevisionStore) -> None:
    first = draft(s1="a", s2=None)
    made = await store.append(first, expected=0)
    (read,) = await store.revisions(after=0, limit=10)
    assert read == made == Revision(1, made.at, first)
    assert made.at.tzinfo is not None


async def test_history_is_read_in_pages(store: RevisionStore) -> None:
    for label in "abcde":
        await append(store, s1=label)
    pages = [await store.revisions(after, 2) for after in (0, 2, 4, 5)]
    assert [[revision.number for revision in page] for page in pages] == [[1, 2], [3, 4], [5], []]


async def test_objects_are_read_as_of_any_revision(store: RevisionStore) -> None:
    await append(store, s1="a")
    await append(store, s1=None, s2="b")
    await append(store, s1="c")
    seen = [labels(await store.objects_at(number)) for number in range(4)]
    assert seen == [
        {},
        {"s1": ("a", 1)},
        {"s2": ("b", 2)},
        {"s1": ("c", 3), "s2": ("b", 2)},
    ]
    with pytest.raises(StoreError, match="there is no revision 4 yet; the latest is 3"):
        await store.objects_at(4)


async def test_objects_that_were_read_do_not_change(store: RevisionStore) -> None:
    await append(store, s1="a")
    before = store.objects
    await append(store, s1="b")
    assert labels(before) == {"s1": ("a", 1)}


async def test_a_draft_made_from_what_is_outdated_is_refused(store: RevisionStore) -> None:
    await append(store, s1="a")
    expected = "made from revision 0, and revision 1 was written since"
    with pytest.raises(OutdatedDraft, match=expected):
        await store.append(draft(s1="b"), expected=0)
    assert labels(store.objects) == {"s1": ("a", 1)}


async def test_a_draft_follows_one_that_is_not_yet_kept(store: RevisionStore) -> None:
    waiting = [
        asyncio.create_task(store.append(draft(s1=str(number)), expected=number))
        for number in range(100)
    ]
    revisions = await asyncio.gather(*waiting)
    assert [revision.number for revision in revisions] == list(range(1, 101))
    assert labels(store.objects) == labels(store.submitted_objects) == {"s1": ("99", 100)}


async def test_whoever_gives_up_waiting_takes_nothing_back(store: RevisionStore) -> None:
    waiting = asyncio.create_task(store.append(draft(s1="a"), expected=0))
    await asyncio.sleep(0)
    waiting.cancel()
    await append(store, s2="b")
    assert labels(store.objects) == {"s1": ("a", 1), "s2": ("b", 2)}


async def test_what_a_listener_looks_at_is_not_what_all_see_from_then_on(
    store: RevisionStore,
) -> None:
    seen: list[dict[str, tuple[str, int]]] = []
    store.listen(lambda revision, before: seen.append(labels(store.objects)))
    drafts = (store.append(draft(s1=str(number)), expected=number) for number in range(3))
    await asyncio.gather(*drafts)
    assert seen == [{"s1": (str(number), number + 1)} for number in range(3)]
    assert labels(store.objects) == seen[-1]


async def test_compaction_keeps_what_is_alive(store: RevisionStore) -> None:
    await append(store, s1="a", s2="b", s3="c")
    await append(store, s2="d", s3=None)
    await append(store, s2="e")
    await store.compact(2)
    assert store.compacted == 2
    assert labels(store.objects) == {"s1": ("a", 1), "s2": ("e", 3)}
    assert labels(await store.objects_at(2)) == {"s1": ("a", 1), "s2": ("d", 2)}
    assert [r.number for r in await store.revisions(after=2, limit=10)] == [3]


async def test_history_that_was_compacted_is_said_to_be_gone(store: RevisionStore) -> None:
    await append(store, s1="a")
    await append(store, s1="b")
    await store.compact(2)
    expected = "revision 1 is too old: the history up to 2 was compacted"
    with pytest.raises(RevisionCompacted, match=expected):
        await store.revisions(after=1, limit=10)
    with pytest.raises(RevisionCompacted, match=expected):
        await store.objects_at(1)
    assert await append(store, s1="c") == 3


async def test_what_is_not_written_yet_cannot_be_compacted(store: RevisionStore) -> None:
    with pytest.raises(StoreError, match="there is no revision 1 yet"):
        await store.compact(1)


async def test_a_store_that_is_closed_has_kept_all_and_takes_no_more(store: RevisionStore) -> None:
    waiting = asyncio.create_task(store.append(draft(s1="a"), expected=0))
    await asyncio.sleep(0)
    await store.close()
    assert (await waiting).number == 1
    with pytest.raises(StoreError, match="closed"):
        await store.append(draft(s1="b"), expected=1)
    assert lane("s1") in store.objects


async def test_listeners_hear_of_each_revision_and_of_what_stood_before(
    store: RevisionStore,
) -> None:
    heard: list[tuple[int, dict[str, int | None]]] = []
    stop = store.listen(
        lambda revision, before: heard.append(
            (
                revision.number,
                {key.name: old.revision if old else None for key, old in before.items()},
            )
        )
    )
    await append(store, s1="a", s2="b")
    await append(store, s1="c", s3=None)
    stop()
    await append(store, s1="d")
    assert heard == [(1, {"s1": None, "s2": None}), (2, {"s1": 1, "s3": None})]


async def test_a_listener_that_fails_stops_no_write(store: RevisionStore) -> None:
    failures: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(context["message"]))

    def fail(*_: object) -> None:
        raise RuntimeError("no")

    store.listen(fail)
    assert [await append(store, s1="a"), await append(store, s1="b")] == [1, 2]
    assert failures == ["a listener of the store failed"] * 2


async def test_an_object_remembers_which_revision_created_it(store: RevisionStore) -> None:
    await append(store, s1="a", s2="b")
    await append(store, s1="c", s2=None)
    await append(store, s2="d")
    await store.compact(3)
    for objects in (store.objects, await store.objects_at(3)):
        assert {key.name: each.created for key, each in objects.items()} == {"s1": 1, "s2": 3}


async def test_objects_are_in_the_order_in_which_they_were_created(store: RevisionStore) -> None:
    """Within a revision, too: a group's first lane may be its baseline."""
    await append(store, s9="a", s5="a", s1="a")
    await append(store, s5="b", s9="b")
    await append(store, s9=None, s2="a")
    await append(store, s9="c", s1="c")
    await store.compact(3)
    for objects in (store.objects, await store.objects_at(4)):
        assert [key.name for key in objects] == ["s5", "s1", "s2", "s9"]
