"""How commands that explain things print them: for people, or as JSON."""

from __future__ import annotations

import enum
from typing import Annotated

import typer


class TextOutput(enum.StrEnum):
    TEXT = "text"
    JSON = "json"


TextOutputOption = Annotated[
    TextOutput, typer.Option("-o", "--output", help="What to print: text or json.")
]
