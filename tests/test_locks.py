"""Lock files pin what pip resolves, extras included."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
_PINNED = re.compile(r"^([\w.-]+(?:\[[\w,-]+\])?)==", re.MULTILINE)


def test_a_package_that_is_required_with_an_extra_is_pinned_with_it() -> None:
    """Otherwise pip prefers a newer release, once there is one, and lacks its hash."""
    pinned = {
        name.lower().replace("_", "-")
        for lock in ("requirements.lock", "requirements-dev.lock")
        for name in _PINNED.findall((ROOT / lock).read_text())
    }
    installed = {each.name.lower().replace("_", "-"): each for each in distributions()}
    required = {
        f"{requirement.name}[{','.join(sorted(requirement.extras))}]"
        for name in {pin.partition("[")[0] for pin in pinned} & installed.keys()
        for requirement in map(Requirement, installed[name].requires or ())
        if requirement.extras and (not requirement.marker or requirement.marker.evaluate())
    }
    assert required
    assert required <= pinned
