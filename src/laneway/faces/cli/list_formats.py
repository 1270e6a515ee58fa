"""The formats in which commands that list things print them: ``-o table|wide|name|json|yaml``."""

from __future__ import annotations

import enum
from typing import Annotated

import typer


class Format(enum.StrEnum):
    TABLE = "table"
    WIDE = "wide"
    NAME = "name"
    JSON = "json"
    YAML = "yaml"


FormatOption = Annotated[
    Format, typer.Option("-o", "--output", help="table, wide, name, json or yaml.")
]
