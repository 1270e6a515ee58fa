"""``apply``: whole on an API in memory, and one by one where there are no change sets."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.faces.cli.asked_servers import Asked, asked_cluster, asked_server
from tests.faces.cli.conftest import Cli
from tests.wiring.api_servers import ENTRY, SHOP, group, lane, service


@pytest.fixture
async def shop(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    async with asked_server(cli, monkeypatch) as asked:
        yield asked


@pytest.fixture
async def cluster(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    async with asked_cluster(cli, monkeypatch) as asked:
        yield asked


def written(folder: Path, *documents: Mapping[str, Any]) -> Path:
    path = folder / "objects.yaml"
    path.write_text(yaml.safe_dump_all(documents))
    return path


async def test_what_files_declare_is_one_revision(shop: Asked, tmp_path: Path) -> None:
    path = written(tmp_path, lane("s2"), lane("s3"))
    found = await shop.run("apply", "-f", path, "-m", "two more")
    assert found.code == 0, found
    assert found.out.startswith(
        "lane.laneway.dev/s2 created\nlane.laneway.dev/s3 created\n2 created\nrevision: "
    )
    listed = (await shop.run("history", "--limit", "1")).out
    assert "ChangeSet: two more   lane/s2 created, lane/s3 created" in listed
    again = await shop.run("apply", "-f", path)
    assert "2 unchanged\n" in again.out
    assert "revision" not in again.out


async def test_all_that_is_wrong_is_said_with_its_file_and_nothing_is_changed(
    shop: Asked, tmp_path: Path
) -> None:
    path = written(tmp_path, lane("s2"), lane("s3", wieght=1), lane("s4", weight=200))
    before = shop.api.store.submitted
    found = await shop.run("apply", "-f", path)
    assert (found.code, found.out) == (1, "")
    first, second, last = found.err.splitlines()
    assert re.fullmatch(rf"error: {path}:\d+ \(document \d\): .*did you mean weight\?.*", first)
    assert re.fullmatch(
        rf"error: {path}:\d+ \(document \d\): spec.weight: Lane shop/s4: .*", second
    )
    assert last == "Nothing was changed."
    assert ("s2" in shop.api.names(), shop.api.store.submitted) == (False, before)


async def test_what_is_wrong_together_is_said_with_its_file(shop: Asked, tmp_path: Path) -> None:
    path = written(tmp_path, lane("s2"), lane("s3", fallback=["s9"]))
    found = await shop.run("apply", "-f", path)
    assert re.match(
        rf"error: {path}:\d+ \(document \d\): spec.fallback\[0\]: Lane shop/s3: ", found.err
    )
    assert "s2" not in shop.api.names()


async def test_prune_deletes_what_its_source_does_not_declare_any_more(
    shop: Asked, tmp_path: Path
) -> None:
    ours = ("--field-manager", "team")
    both = written(tmp_path, lane("s2"), lane("s3"))
    assert (await shop.run("apply", "-f", both, *ours)).code == 0
    one = written(tmp_path, lane("s2"))
    trial = await shop.run("apply", "-f", one, *ours, "--prune", "--dry-run")
    assert "lane.laneway.dev/s3 deleted (dry run)\n" in trial.out
    assert "s3" in shop.api.names()
    found = await shop.run("apply", "-f", one, *ours, "--prune")
    assert "lane.laneway.dev/s2 unchanged\nlane.laneway.dev/s3 deleted\n" in found.out
    assert {"z", "s1", "s2"} <= set(shop.api.names())
    assert "s3" not in shop.api.names()


async def test_prune_needs_a_source_that_is_not_everybodys(shop: Asked, tmp_path: Path) -> None:
    found = await shop.run("apply", "-f", written(tmp_path, lane("s2")), "--prune")
    assert (found.code, "--field-manager" in found.message) == (2, True)


async def test_a_dry_run_says_which_requests_take_another_path(shop: Asked, tmp_path: Path) -> None:
    path = written(tmp_path, group(serviceBaselines={"cart": "s1"}))
    found = await shop.run("apply", "-f", path, "--field-manager", "shop", "--dry-run")
    assert found.code == 0, found
    assert "    after:  web in lane z, then cart in lane s1\n" in found.out


async def test_a_namespace_is_given_to_what_names_none(shop: Asked, tmp_path: Path) -> None:
    found = await shop.run("apply", "-f", written(tmp_path, service("pay")), "-n", "money")
    assert found.code == 0, found
    assert "money" in {key.namespace for key in shop.api.store.objects if key.name == "pay"}


async def test_a_conflict_names_the_owner_and_the_flag(shop: Asked, tmp_path: Path) -> None:
    path = written(tmp_path, lane("s1", group="shop", weight=5))
    await shop.api.apply(lane("s1", weight=10))
    found = await shop.run("apply", "-f", path)
    assert found.code == 1
    assert 'conflict with "shop"' in found.message
    assert "--force-conflicts" in found.message
    assert (await shop.run("apply", "-f", path, "--force-conflicts")).code == 0


async def test_a_cluster_takes_objects_one_by_one_and_says_so(
    cluster: Asked, tmp_path: Path
) -> None:
    found = await cluster.run("apply", "-f", written(tmp_path, *SHOP))
    assert found.code == 0, found
    assert "Objects are applied one by one" in found.message
    assert "6 created\n" in found.out
    assert len(cluster.api.names()) == len(SHOP)


async def test_in_a_cluster_nothing_is_written_if_one_object_would_be_refused(
    cluster: Asked, tmp_path: Path
) -> None:
    path = written(tmp_path, ENTRY, lane("s2", weight=200))
    found = await cluster.run("apply", "-f", path)
    assert found.code == 1
    assert "spec.weight" in found.message
    assert "Nothing was changed." in found.message
    assert cluster.api.names() == []
    pruned = await cluster.run("apply", "-f", path, "--field-manager", "x", "--prune")
    assert (pruned.code, "--prune" in pruned.message) == (1, True)
