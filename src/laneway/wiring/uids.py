"""Unique ids of new objects."""

from __future__ import annotations

import uuid


def new_uid() -> str:
    return str(uuid.uuid4())
