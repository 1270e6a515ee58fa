"""Encoding: declared objects -> documents, which ``decode`` reads back as equal objects.

A store keeps such documents, and a conversion from another dialect prints them.
"""

from __future__ import annotations

from typing import Any

from laneway.model.keys import Declared
from laneway.schema import registry


def encode(declared: Declared) -> dict[str, Any]:
    """The document that declares exactly this object, of laneway's own kind where it has one."""
    return registry.kind_that_writes(declared).document(declared)
