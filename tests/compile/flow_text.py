"""Values on one line, as YAML's flow style has them, with no quotes where none are needed."""

from __future__ import annotations

import json
import re
from typing import Any

#: Texts that would be read as something else.
LIKE_NO_TEXT = re.compile(r"-?\d+(\.\d+)?|true|false|null|absent")
_PLAIN = re.compile(r"[^\s,\[\]{}\"]+")


class Part(str):
    """What a hole took from within a longer string: of a port, the digits."""


def flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(k)}: {flow(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, Part) and (not value or _PLAIN.fullmatch(value)):
        return value
    if _PLAIN.fullmatch(value) and not LIKE_NO_TEXT.fullmatch(value):
        return value
    text = json.dumps(value, ensure_ascii=False)
    return text if "'" in value or "\\" in value or "\n" in value else f"'{value}'"
