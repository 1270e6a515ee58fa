"""Files of variables, as Docker's ``--env-file`` and compose's ``env_file`` read them. Pure.

A line is ``NAME=VALUE``, with or without ``export``. Blank lines and comments are skipped. Quotes
around a value are removed. References to other variables are not resolved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)")
_QUOTED = re.compile(r"(['\"])(.*)\1\s*(#.*)?")


class InvalidLine(Exception):
    """A line that is not an assignment. The message names the line."""


def parse(text: str) -> Mapping[str, str]:
    """The variables by name. The last of several values counts. Raises ``InvalidLine``."""
    found = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None or "\0" in line:
            raise InvalidLine(f"line {number}: `{line[:40]}` is not NAME=VALUE")
        found[match[1]] = _value(match[2])
    return found


def _value(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    return quoted[2] if quoted else re.split(r"\s#", text, maxsplit=1)[0].rstrip()
