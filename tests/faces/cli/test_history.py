"""``history``, ``diff --revision`` and ``rollback``, on an API in memory."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from tests.faces.cli.asked_servers import WORKLOADS, Asked, asked_server, without_own_kinds
from tests.faces.cli.conftest import Cli
from tests.wiring.api_servers import SHOP, group, lane


@pytest.fixture
async def shop(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    """Revisions: all of it, s1 weighs 10, s2 is there; those between wrote statuses."""
    async with asked_server(cli, monkeypatch) as asked:
        await asked.api.apply(lane("s1", weight=10), message="canary")
        await asked.api.apply(lane("s2"))
        await asked.api.settle()
        yield asked


async def numbers(shop: Asked) -> list[int]:
    """Of the revisions, the newest first."""
    found = await shop.run("history", "-o", "name")
    return [int(each.rpartition("/")[2]) for each in found.out.split()]


async def test_history_lists_who_changed_what_and_why_the_newest_first(shop: Asked) -> None:
    found = await shop.run("history")
    assert found.code == 0, found
    heads, *rows = found.out.splitlines()
    assert heads.split() == ["Revision", "Age", "Author", "Source", "Message", "Changes"]
    third, second, first = rows
    assert re.search(r"jack +shop +ChangeSet +lane/s2 created$", third)
    assert re.search(r"jack +shop +ChangeSet: canary +lane/s1 changed$", second)
    assert re.search(r"service/web created, service/cart created and 8 more$", first)
    wide = (await shop.run("history", "-o", "wide")).out
    assert "lanegroup/shop created, lane/z created, lane/s1 created" in wide
    assert "2026-01-01T12:00:00Z" in wide


async def test_a_narrow_terminal_shows_revision_below_revision(
    shop: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    for width, lines in (("60", 3), ("200", 2)):
        monkeypatch.setenv("COLUMNS", width)
        found = (await shop.run("history", "--limit", "1")).out.rstrip().splitlines()
        assert len(found) == lines, found
        assert found[-1].endswith("lane/s2 created")
        assert all(len(line) <= int(width) for line in found)


async def test_history_is_of_the_objects_that_are_named(shop: Asked) -> None:
    third, second, first = await numbers(shop)
    named = (await shop.run("history", "lane", "s1", "-o", "name")).out.split()
    assert named == [f"revision.api.laneway.dev/{n}" for n in (second, first)]
    services = (await shop.run("history", "services", "-o", "name")).out.split()
    assert services == [f"revision.api.laneway.dev/{first}"]
    elsewhere = await shop.run("history", "services", "-n", "elsewhere")
    assert (elsewhere.code, elsewhere.err) == (0, "No revisions found.\n")
    newest = json.loads((await shop.run("history", "--limit", "1", "-o", "json")).out)["items"]
    assert [each["metadata"]["name"] for each in newest] == [str(third)]


async def test_one_revision_is_shown_with_its_diff(shop: Asked) -> None:
    _, second, first = await numbers(shop)
    found = await shop.run("history", "--revision", second)
    assert found.code == 0, found
    assert "Message:    ChangeSet: canary" in found.out
    assert f"--- lane.laneway.dev/s1 (revision {second - 1})\n" in found.out
    assert [line for line in found.out.splitlines() if line[:2] in ("+ ", "- ")] == [
        "-  weight: 0",
        "+  weight: 10",
    ]
    of_service = (await shop.run("history", "svc", "cart", "--revision", first)).out
    assert "+++ default/service/cart" in of_service
    assert "+++ lane.laneway.dev/z" not in of_service
    document = yaml.safe_load((await shop.run("history", "--revision", second, "-o", "yaml")).out)
    fields = document["status"]["changes"][0]["fields"]
    assert fields == [{"field": "spec.weight", "before": 0, "after": 10}]


async def test_a_diff_is_between_two_revisions_or_since_one(shop: Asked) -> None:
    third, second, first = await numbers(shop)
    between = await shop.run("diff", "--revision", f"{first}..{second}")
    assert between.code == 1
    assert "+  weight: 10" in between.out
    assert "lane.laneway.dev/s2" not in between.out
    since = await shop.run("diff", "--revision", first)
    assert "+++ lane.laneway.dev/s2 (now)\n" in since.out
    back = await shop.run("diff", "--revision", f"{third}..{first}")
    assert "-  weight: 10" in back.out
    same = await shop.run("diff", "--revision", third)
    assert (same.code, same.out) == (0, "")
    every = await shop.run("diff", "--revision", f"0..{first}")
    assert every.out.count("--- ") == len(SHOP) + len(WORKLOADS)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["diff", "--revision", "x"], 2, "`x` is neither a revision, such as 17, nor two"),
        (["diff", "--revision", "1", "-f", "x"], 2, "either files or revisions"),
        (["diff", "--revision", "9999"], 2, "9999"),
        (["history", "--revision", "9999"], 1, "there is no revision 9999 in the history"),
        (["history", "lans"], 2, "did you mean lanes?"),
        (["history", "--revision", "1", "-w"], 2, "--watch"),
        (["rollback", "9999"], 1, "9999"),
        (["rollback"], 2, "REVISION"),
    ],
)
async def test_what_is_misused_is_said(shop: Asked, words: list[str], code: int, said: str) -> None:
    found = await shop.run(*words)
    assert (found.code, said in found.message) == (code, True), found


async def test_a_rollback_is_previewed_and_then_a_revision_of_its_own(shop: Asked) -> None:
    _, second, first = await numbers(shop)
    before = shop.api.store.latest
    trial = await shop.run("rollback", second, "--dry-run")
    assert trial.code == 0, trial
    assert "lane.laneway.dev/s2 deleted (dry run)\n1 deleted (dry run)\n" in trial.out
    assert "requests: " in trial.out
    assert shop.api.store.latest == before
    found = await shop.run("rollback", first, "-m", "too early")
    assert found.code == 0, found
    assert "lane.laneway.dev/s1 configured\nlane.laneway.dev/s2 deleted\n" in found.out
    newest = (await numbers(shop))[0]
    assert f"revision: {newest}\n" in found.out
    assert newest > before
    listed = (await shop.run("history", "--limit", "1")).out
    assert re.search(rf"jack +rollback +.*Rollback: to revision {first}: too early", listed)
    again = await shop.run("rollback", first)
    assert (again.code, again.out) == (0, "nothing changes\n")


async def test_a_warning_of_the_server_is_printed(shop: Asked) -> None:
    """The baseline was the first lane, which comes last when it is created again."""
    _, _, first = await numbers(shop)
    await shop.api.apply(group(baseline="s1"))
    spec = {"source": "shop", "deletions": [{"apiVersion": "laneway.dev/v1alpha1"} | Z]}
    await shop.api.answered("changesets", "ChangeSet", spec)
    found = await shop.run("rollback", first)
    assert found.code == 0, found
    assert "warning: the baseline of group shop was lane z" in found.message


Z = {"kind": "Lane", "name": "z"}


async def test_a_cluster_has_no_history(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with without_own_kinds(tmp_path):
        monkeypatch.setenv("LANEWAY_DATA_DIR", str(tmp_path))
        for words, plural in ((["history"], "revisions"), (["rollback", "1"], "rollbacks")):
            found = await asyncio.to_thread(cli, *words)
            assert found.code == 1
            assert f"this server has no {plural}" in found.message
