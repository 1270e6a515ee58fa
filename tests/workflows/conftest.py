"""A repository made of the example, and the programs that its scripts call."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.workflows.jobs import Runner

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "workflows"
NOW = "2026-06-01T12:00:00Z"


@dataclass(frozen=True, slots=True)
class Objects:
    """What is in the stand-in's cluster."""

    path: Path

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [item for item in json.loads(self.path.read_text()).values() if item["kind"] == kind]

    def names(self, kind: str) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.of(kind))

    def one(self, kind: str, name: str) -> dict[str, Any]:
        (found,) = (item for item in self.of(kind) if item["metadata"]["name"] == name)
        return found


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs: kubectl's stand-in, and what tests add."""
    folder = tmp_path / "programs"
    folder.mkdir()
    kubectl = folder / "kubectl"
    script = Path(__file__).with_name("kubectl.py")
    kubectl.write_text(f'#!/bin/sh\nexec {sys.executable} -P {script} "$@"\n')
    kubectl.chmod(0o755)
    return folder


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects.json")


@pytest.fixture
def runner(tmp_path: Path, programs: Path, objects: Objects) -> Runner:
    """In a repository with two commits, the example's objects being in the cluster."""
    if missing := [name for name in ("bash", "curl", "git") if shutil.which(name) is None]:
        pytest.skip(f"the scripts need {', '.join(missing)}")
    folder = tmp_path / "repository"
    shutil.copytree(EXAMPLES / "github-actions", folder)
    runner = Runner(folder, programs, {"KUBECTL_STATE": str(objects.path), "NOW": NOW})
    for command in (["init", "--quiet", "-b", "main"], ["add", "."]):
        runner.run("git", *command)
    commit(runner, "All that there is")
    for path in (folder / "lanes.yaml", *folder.glob("services/*/*.yaml")):
        runner.run("kubectl", "apply", "--filename", str(path))
    return runner


def commit(runner: Runner, message: str) -> str:
    """Commits what has changed; gives the commit's name."""
    who = ("-c", "user.name=tester", "-c", "user.email=tester@example.com")
    runner.run("git", "add", "--all")
    runner.run("git", *who, "commit", "--quiet", "--message", message)
    return runner.run("git", "rev-parse", "HEAD").stdout.strip()


def documents(folder: str) -> list[dict[str, Any]]:
    """Every Kubernetes document of an example."""
    return [
        document
        for path in sorted((EXAMPLES / folder).rglob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]
