"""``laneway schema``: the shapes of laneway's documents, for editors and for other programs."""

from __future__ import annotations

import json

from laneway import __version__
from laneway.schema.openapi import openapi_document


def run() -> int:
    print(json.dumps(openapi_document(__version__), indent=2, ensure_ascii=False))
    return 0
