"""``laneway edit`` with editors that do not do what they should."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.faces.cli.asked_servers import Asked, asked_server
from tests.faces.cli.conftest import Cli
from tests.faces.cli.conftest import cli as cli


@pytest.fixture
async def asked(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Asked]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with asked_server(cli, monkeypatch) as made:
        yield made


@pytest.mark.parametrize("editor", ["/nowhere/editor", "vi 'unclosed"])
async def test_an_editor_that_cannot_be_started_is_named(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, editor: str
) -> None:
    monkeypatch.setenv("KUBE_EDITOR", editor)
    found = await asked.run("edit", "lane/s1")
    assert found.code == 1
    assert f"the editor `{editor}` cannot be started: " in found.message
    assert not _texts(tmp_path)


async def test_what_is_no_text_is_refused_and_kept(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBE_EDITOR", "sh -c 'printf \\\\377 >> $0'")
    found = await asked.run("edit", "lane/s1")
    (kept,) = _texts(tmp_path)
    assert found.code == 1
    assert f"{kept} is not UTF-8; nothing was changed" in found.message


async def test_an_empty_variable_names_no_editor(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBE_EDITOR", " ")
    monkeypatch.setenv("EDITOR", "true")
    assert (await asked.run("edit", "lane/s1")).out == "lane.laneway.dev/s1 unchanged\n"


def _texts(folder: Path) -> list[Path]:
    return list(folder.glob("laneway-edit-*"))
