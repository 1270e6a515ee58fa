"""Durations as Gateway API writes them (GEP-2257), which Istio's and Go's parsers take, too."""

from __future__ import annotations

import re
from datetime import timedelta

PATTERN = "([0-9]{1,5}(h|m|s|ms)){1,4}"
_UNITS = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


def parsed(text: str) -> timedelta:
    """Of a text that ``PATTERN`` matches."""
    parts = re.findall("([0-9]+)(ms|h|m|s)", text)
    return timedelta(milliseconds=sum(int(number) * _UNITS[unit] for number, unit in parts))


def written(time: timedelta) -> str:
    """``1m30s``; whole milliseconds, of which there is at least one."""
    left, text = time // timedelta(milliseconds=1), ""
    for unit, size in _UNITS.items():
        number, left = divmod(left, size)
        text += f"{number}{unit}" if number else ""
    return text
