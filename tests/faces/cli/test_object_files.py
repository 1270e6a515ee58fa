"""Objects in files, as they are handed to a running laneway."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import yaml

from laneway.faces.cli.object_files import file_objects


def sent(folder: Path, kind: str = "Workload", **spec: Any) -> Any:
    """The spec that a server gets of an object which a file in ``folder`` declares."""
    manifest = {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "web"},
        "spec": spec,
    }
    file = folder / "web.yaml"
    file.write_text(yaml.safe_dump(manifest))
    (found,) = file_objects([str(file)])
    return found.manifest["spec"]


def test_a_command_runs_in_the_folder_of_its_file(tmp_path: Path) -> None:
    spec = sent(tmp_path, command=["./web"])
    assert spec == {"command": ["./web"], "workingDir": str(tmp_path)}


def test_relative_paths_start_from_there(tmp_path: Path) -> None:
    spec = sent(
        tmp_path, command=["./web"], workingDir="../web", envFile=".env", watch=["src/", "/etc/x"]
    )
    assert spec["watch"] == [str(tmp_path / "src"), "/etc/x"]
    assert spec["workingDir"] == str(tmp_path.parent / "web")
    assert spec["envFile"] == str(tmp_path / ".env")


def test_absolute_paths_stay(tmp_path: Path) -> None:
    spec = sent(tmp_path, command=["./web"], workingDir="/srv", envFile="/etc/web")
    assert (spec["workingDir"], spec["envFile"]) == ("/srv", "/etc/web")


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Workload", {"address": "127.0.0.1:80"}),
        ("Workload", {"command": ["x"], "workingDir": 3}),  # the server refuses it
        ("Workload", {"command": ["x"], "workingDir": 3, "watch": [1]}),
        ("Lane", {"group": "shop"}),
    ],
)
def test_others_are_sent_as_they_are(tmp_path: Path, kind: str, spec: dict[str, Any]) -> None:
    assert sent(tmp_path, kind, **spec) == spec


def test_standard_input_has_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent(tmp_path, command=["./web"])
    monkeypatch.setattr("sys.stdin", io.StringIO((tmp_path / "web.yaml").read_text()))
    (found,) = file_objects(["-"])
    assert found.manifest["spec"] == {"command": ["./web"]}
