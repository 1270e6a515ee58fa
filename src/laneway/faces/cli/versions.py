"""``laneway version``: what a bug report should say."""

from __future__ import annotations

import platform
from pathlib import Path

from laneway import __version__
from laneway.adapters.runner.binary import find_envoy
from laneway.adapters.runner.errors import EnvoyUnavailable


def run(configured: Path | None) -> int:
    """``configured`` is the Envoy that ``laneway up`` would be given."""
    print(f"laneway {__version__}")
    try:
        envoy = find_envoy(configured)
        print(f"Envoy   {'.'.join(map(str, envoy.version))}  {envoy.path}")
        if envoy.warning:
            print(f"        {envoy.warning}")
    except EnvoyUnavailable as error:
        print(f"Envoy   {error}")
    print(f"Python  {platform.python_version()}")
    return 0
