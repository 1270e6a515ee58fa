"""Commands in a cluster whose operator serves ``api.laneway.dev``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from tests.faces.cli.conftest import Cli, Result
from tests.faces.cli.test_cluster_commands import WORDS, documented
from tests.faces.operator.certificate_authorities import Authority
from tests.wiring.aggregated_apis import Served, served
from tests.wiring.aggregating_clusters import authorities
from tests.wiring.api_servers import LANES, lane, service

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _logging() -> None:
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Authority]:
    return authorities(tmp_path_factory.mktemp("authorities"))


@dataclass
class Asking:
    """``run`` is a command of a user, with the objects in a file after ``-f``."""

    found: Served
    cli: Cli
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    async def run(self, *words: str, user: str = "jane") -> Result:
        self.monkeypatch.setenv("KUBECONFIG", str(self.found.cluster.kubeconfig(user)))
        return await asyncio.to_thread(self.cli, *words, "--context", "here")

    async def apply(
        self, *objects: dict[str, Any], more: tuple[str, ...] = (), user: str = "jane"
    ) -> Result:
        path = self.folder / "objects.yaml"
        path.write_text(yaml.safe_dump_all(objects))
        return await self.run("apply", "-f", str(path), *more, user=user)

    def writers(self) -> set[str]:
        """Who wrote lanes, groups and services."""
        kinds = ("/lanes/", "/lanegroups/", "/services/")
        return {
            user
            for user, how, path in self.found.cluster.writes
            if how.startswith("real") and any(kind in path for kind in kinds)
        }

    async def lanes(self) -> list[str]:
        answer = await self.found.cluster.api.client.get(LANES)
        return sorted(each["metadata"]["name"] for each in answer.json()["items"])


@pytest.fixture
async def asking(
    cli: Cli, tmp_path: Path, made: tuple[Authority, Authority], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Asking]:
    """Jane may do everything, and Joe nothing in ``api.laneway.dev``."""
    async with served(tmp_path, made) as found:
        found.cluster.decides_first = True
        found.cluster.allow("dev", "create", "changesets")
        for verb in ("create", "patch", "delete"):
            found.cluster.allow("jane", verb, "lanes", "lanegroups")
        yield Asking(found, cli, tmp_path, monkeypatch)


async def test_explain_asks_the_operator(asking: Asking) -> None:
    answer = await asking.run("explain", "-H", "x-lane: s1")
    assert answer.code == 0, answer
    assert "live: the cluster of context here at https://127.0.0.1:" in answer.out
    assert ", as its operator answers\n" in answer.out
    assert answer.out.splitlines()[-1] == "-> web@s1"
    assert "say them with --calls SERVICE=A,B." in answer.err
    assert [spec["user"] for spec in asking.found.cluster.reviews] == ["jane"]


async def test_explain_with_calls_reads_the_objects_itself(asking: Asking) -> None:
    answer = await asking.run(
        "explain", "-H", "x-lane: s1", "--calls", "web=cart", "--calls", "cart="
    )
    assert answer.out.splitlines()[-1] == "-> web@s1, cart@s1"
    assert asking.found.cluster.reviews == []


async def test_who_may_not_ask_the_operator_asks_the_objects(asking: Asking) -> None:
    answer = await asking.run("explain", "-H", "x-lane: s1", user="joe")
    assert answer.code == 0, answer
    assert "operator" not in answer.out
    assert answer.out.splitlines()[-1] == "-> web@s1"


async def test_lanes_are_applied_as_a_change_set(asking: Asking) -> None:
    tried = await asking.apply(lane("s2"), lane("s3"), more=("--dry-run",))
    assert "x-lane: s2" in tried.out, tried
    assert await asking.lanes() == ["s1", "z"]
    answer = await asking.apply(lane("s2"), lane("s3"))
    assert answer.code == 0, answer
    assert "s2 created" in answer.out
    assert asking.writers() == {"operator"}
    assert await asking.lanes() == ["s1", "s2", "s3", "z"]


async def test_prune_deletes_what_the_files_lack(asking: Asking) -> None:
    source = ("--field-manager", "shop")
    assert (await asking.apply(lane("s2"), lane("s3"), more=source)).code == 0
    answer = await asking.apply(lane("s3"), more=(*source, "--prune"))
    assert (answer.code, "s2 deleted" in answer.out) == (0, True), answer
    assert await asking.lanes() == ["s1", "s3", "z"]


async def test_other_kinds_are_applied_one_by_one_by_the_user(asking: Asking) -> None:
    answer = await asking.apply(service("new"), lane("s2"))
    assert answer.code == 0, answer
    assert "in a cluster, a ChangeSet writes LaneGroup and Lane alone" in answer.err
    assert asking.writers() == {"jane"}
    pruned = await asking.apply(service("new"), more=("--prune", "--field-manager", "x"))
    assert (pruned.code, "delete by name what the files lack" in pruned.message) == (1, True)


async def test_without_the_right_to_change_sets_the_user_writes(asking: Asking) -> None:
    answer = await asking.apply(lane("s2"), user="joe")
    assert answer.code == 0, answer
    assert "cannot create resource" in answer.err
    assert asking.writers() == {"joe"}


async def test_a_change_set_written_in_part_says_so(asking: Asking) -> None:
    asking.found.cluster.failing[r"real PATCH .*/lanes/s3"] = (422, "quota")
    answer = await asking.apply(lane("s2"), lane("s3"))
    assert answer.code == 1
    assert "written: lanes.laneway.dev s2 (created); failed: lanes.laneway.dev s3" in answer.err


async def test_what_is_refused_is_said_at_its_place_in_the_files(asking: Asking) -> None:
    answer = await asking.apply(lane("s2"), lane("s3", group="bank"))
    assert answer.code == 1
    assert "objects.yaml:" in answer.err
    assert "Nothing was changed." in answer.err
    assert await asking.lanes() == ["s1", "z"]


async def test_the_other_commands_work_as_documented(asking: Asking) -> None:
    said = documented()
    for command, words in WORDS.items():
        found = await asking.run(*command.split(), *words)
        assert (found.code == 0) is said[command], (command, found)
        # `verify` looks whether it is on the mesh's machine first.
        if not said[command] and command != "verify":
            assert "cluster" in found.message, (command, found)


async def test_lane_delete_deletes_no_lane_in_a_cluster(asking: Asking) -> None:
    answer = await asking.run("lane", "delete", "s1")
    assert answer.code == 1, answer
    assert await asking.lanes() == ["s1", "z"]
