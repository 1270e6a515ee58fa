"""Hatchling as the build backend (PEP 517), with the console in wheels and source distributions.

A folder that has ``console/dist`` keeps it. Else the console is built, for which Node is a
requirement of these builds alone: an editable install needs neither. A machine that cannot reach
npm's registry gets a wheel without the console, and a warning.
"""

from __future__ import annotations

import sys
from typing import Any

import build_console
from hatchling import build as hatchling

Settings = dict[str, Any] | None

build_editable = hatchling.build_editable
get_requires_for_build_editable = hatchling.get_requires_for_build_editable


def get_requires_for_build_sdist(config_settings: Settings = None) -> list[str]:
    return [*hatchling.get_requires_for_build_sdist(config_settings), *_node()]


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    return [*hatchling.get_requires_for_build_wheel(config_settings), *_node()]


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    _build_console()
    return hatchling.build_sdist(sdist_directory, config_settings)


def build_wheel(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    _build_console()
    return hatchling.build_wheel(wheel_directory, config_settings, metadata_directory)


def _node() -> list[str]:
    return [build_console.node_requirement()] if _is_missing() else []


def _build_console() -> None:
    if not _is_missing():
        return
    try:
        build_console.build()
    except build_console.ConsoleBuildError as error:
        print(f"warning: laneway is built without its console: {error}", file=sys.stderr)


def _is_missing() -> bool:
    return build_console.can_be_built() and not build_console.is_built()
