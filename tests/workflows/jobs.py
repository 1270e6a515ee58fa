"""Runs the ``run`` steps of a workflow's job, as GitHub's runner does, each with its environment.

Steps that use an action are passed over: they are others' code. Expressions get the values that
the test gives; one that it does not give is an error.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


@dataclass(slots=True)
class Runner:
    """``folder`` is the repository; ``path`` has the stand-ins of programs, before all others."""

    folder: Path
    path: Path
    environment: dict[str, str] = field(default_factory=dict)

    def job(self, workflow: str, name: str, values: Mapping[str, str]) -> dict[str, str]:
        """What the job's steps put into ``GITHUB_OUTPUT``."""
        document = load(self.folder / ".github" / "workflows" / f"{workflow}.yml")
        job = document["jobs"][name]
        outputs = self._file("outputs")
        exported = self._file("exported")
        common = {**document.get("env", {}), **job.get("env", {})}
        for step in job["steps"]:
            if "run" not in step:
                continue
            environment = {
                variable: filled(str(value), values)
                for variable, value in {**common, **step.get("env", {})}.items()
            }
            environment |= read_variables(exported)
            environment |= {
                "GITHUB_OUTPUT": str(outputs),
                "GITHUB_ENV": str(exported),
                "RUNNER_TEMP": str(self.path.parent),
            }
            self.run("bash", "-e", "-c", step["run"], environment=environment)
        return read_variables(outputs)

    def run(
        self, *command: str, check: bool = True, environment: Mapping[str, str] | None = None
    ) -> Ran:
        """A command in the repository; a script of ``scripts/`` by its path."""
        search = f"{self.path}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={"PATH": search, "HOME": str(self.path), **self.environment, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done

    def _file(self, name: str) -> Path:
        path = self.path.parent / name
        path.write_text("")
        return path


Ran = subprocess.CompletedProcess[str]


def load(path: Path) -> dict[str, Any]:
    """A workflow. YAML 1.1, which PyYAML reads, takes the key ``on`` for a boolean."""
    document: dict[Any, Any] = yaml.safe_load(path.read_text())
    document["on"] = document.pop(True)
    return document


def filled(text: str, values: Mapping[str, str]) -> str:
    return EXPRESSION.sub(lambda found: values[found[1]], text)


def read_variables(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())
