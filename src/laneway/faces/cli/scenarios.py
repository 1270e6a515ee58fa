"""The article's two scenarios: their files, and what it prints that each lane answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import laneway
from laneway.faces.cli.failures import Failed

SERVICES = ("mocka", "mockb", "mockc")

#: The versions that answer, service by service. From the article, not from what laneway computes.
EXPECTED = {
    "s1": ("v1", "v1", "v1"),
    "s2": ("v2", "v1", "v2"),
    "s3": ("v1", "v3", "v1"),
}

_ANSWER = re.compile("".join(rf"-> {s}\(version: (\w+), ip: [\d.]+\)" for s in SERVICES))


@dataclass(frozen=True, slots=True)
class Scenario:
    number: int
    title: str

    @property
    def folder(self) -> str:
        return f"scenario-{self.number}"


SCENARIOS = (
    Scenario(1, "applications pass on a trace id, and know nothing of lanes"),
    Scenario(2, "applications pass on the header that names the lane"),
)


def examples() -> Path:
    """The example files: in the package where it was installed, else at the root of the sources."""
    package = Path(laneway.__file__).parent
    for folder in (package / "examples", package.parents[1] / "examples"):
        if (folder / SCENARIOS[0].folder).is_dir():
            return folder
    raise Failed("the example files are missing: install laneway again")


def versions(body: str) -> tuple[str, ...] | None:
    """Which versions answered; ``None`` if the body is not as the article prints it."""
    match = _ANSWER.fullmatch(body)
    return match.groups() if match else None
