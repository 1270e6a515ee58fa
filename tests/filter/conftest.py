"""The filter's tests need the compiled module."""

from __future__ import annotations

import hatch_build
import pytest


@pytest.fixture(scope="session", autouse=True)
def _module_is_current() -> None:
    """Compile the sources as they are now, not as they were when the package was installed."""
    hatch_build.build()
