"""Moments as Kubernetes writes them."""

from __future__ import annotations

from datetime import datetime


def timestamp(at: datetime) -> str:
    """A ``metav1.Time``: RFC 3339 in whole seconds. ``at`` is in UTC."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
